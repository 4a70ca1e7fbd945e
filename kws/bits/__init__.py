"""Widths of weights and activations by layer: what each loses, what each costs, and which to take."""
