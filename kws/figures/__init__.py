"""How every plot looks: colours that anybody can tell apart, ticks in plain numbers, axes of error rates."""
