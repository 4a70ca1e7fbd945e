"""Kernels in plain C for cores without the DSP extension: two products in one 32-bit multiplication."""
