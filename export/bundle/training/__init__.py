"""What a finished training leaves to the export: its files, and what they say of it."""
