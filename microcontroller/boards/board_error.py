"""What is wrong with a board or with its name."""


class BoardError(ValueError):
    """A board that is unknown or can't be used, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
