"""The C engine, its firmware, and the emulated Cortex-M boards that run and measure it. Knows nothing of Keras."""
