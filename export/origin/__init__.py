"""Where things come from: statements about a bundle that others can sign, and lists of what is in it and around it."""
