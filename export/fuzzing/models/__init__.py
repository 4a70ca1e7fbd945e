"""Models and inputs at random: all that is legal."""
