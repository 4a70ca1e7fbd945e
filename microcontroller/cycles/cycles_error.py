"""What is wrong with counts of executed instructions."""


class CyclesError(ValueError):
    """Counts that can't be made or trusted, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
