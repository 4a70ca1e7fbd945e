"""A look at a dataset before it is trained on: counts, levels, clipping, noise, duplicates, what was cut or skipped."""
