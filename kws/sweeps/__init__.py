"""What a sweep is made of: the matrix of settings, its cells, the workers that run them, their results."""
