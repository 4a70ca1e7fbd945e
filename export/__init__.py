"""The integer model and what is written from it: .tflite, C arrays, bundles, and the proof that they agree.

Knows nothing of training.
"""
