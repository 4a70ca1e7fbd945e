"""Random models of the whole legal language, and whether every implementation computes what the interpreter does."""
