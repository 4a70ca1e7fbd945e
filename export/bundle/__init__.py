"""Bundles: the folder, its card, conversion, verification, inspection, and the .tflite."""
