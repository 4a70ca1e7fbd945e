"""Kernels for Armv7E-M's DSP extension on int16 activations."""
