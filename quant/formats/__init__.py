"""The choice of Q-formats: of least error, within a declared accumulator, or one for the whole network."""
