"""What is wrong with something that is to be compared with the interpreter, so that it can't be."""


class ProofError(ValueError):
    """An implementation that can't be compared, or nothing to compare; not codes that differ.

    The message is one line: what can't be compared, what was expected, what to do.
    """

    user_can_mend = True
