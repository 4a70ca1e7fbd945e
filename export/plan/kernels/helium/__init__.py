"""Kernels for the vectors of a Cortex-M55."""
