"""Many generated networks as one program, built, run and told apart."""
