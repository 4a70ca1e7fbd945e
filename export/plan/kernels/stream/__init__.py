"""Kernels on a stream's rows, with the DSP extension."""
