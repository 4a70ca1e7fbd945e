"""The generated C on this machine: compiled, loaded and called."""
