"""The folded network as a Keras graph whose every tensor is in its Q-format, and what shapes its weights."""
