"""Stage 1 that starts from a bundle: all layers but the last are taken over, with the front end."""
