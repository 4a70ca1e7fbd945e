"""Kernels for codes of at most four bits, several products to an instruction."""
