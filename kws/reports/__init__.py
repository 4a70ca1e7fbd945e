"""A page about bundles: what is in them, what was measured of them, and which boards they fit."""
