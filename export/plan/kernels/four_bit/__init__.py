"""Kernels for codes of at most seven bits (row pairs), several products to an instruction."""
