"""From a file to clips: what is read of it, at which rate, and where it is cut."""
