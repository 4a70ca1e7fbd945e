"""Random models on emulated boards, against the interpreter."""
