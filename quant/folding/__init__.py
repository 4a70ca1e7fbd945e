"""From a float Keras chain to plain layers: batch normalization folded, scales balanced; the same function."""
