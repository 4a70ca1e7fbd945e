"""Whether there is enough to train on, and whether it is sound: what recordings of one's own are looked at for."""
