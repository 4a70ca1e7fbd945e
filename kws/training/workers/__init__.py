"""Several workers of one training: the group that they are, and the folder that each of them writes."""
