"""What is wrong with an emulator or with a run in it."""


class EmulatorError(ValueError):
    """An emulator that is missing, can't take a board, or stopped, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
