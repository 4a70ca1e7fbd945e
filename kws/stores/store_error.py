"""What is wrong with the place where things are kept."""


class StoreError(ValueError):
    """A place that can't be read, written or locked, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
