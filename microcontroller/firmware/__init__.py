"""The firmware: its C, how it is built with an engine for a board, and the image of clips that it reads."""
