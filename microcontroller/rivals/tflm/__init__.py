"""TensorFlow Lite Micro on a bundle's .tflite, from a checkout that TFLM_DIR names.

No package registry has its sources, so there is nothing to install: `checkout` finds what its own make built there,
`runner` writes the C that goes with `runner.cc`.
"""
