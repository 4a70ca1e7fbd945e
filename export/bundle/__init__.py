"""Bundles: the folder, its card, conversion, inspection, and the .tflite."""
