"""What the front end can't compute."""


class FrontEndError(ValueError):
    """Features that can't be computed or calibrated, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
