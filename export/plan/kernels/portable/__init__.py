"""Kernels in plain C on int8 activations."""
