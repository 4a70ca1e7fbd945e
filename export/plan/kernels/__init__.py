"""The kernels that a plan chooses from, by family."""
