"""What is wrong with what C is written from, or with C that was written."""


class SourceError(ValueError):
    """No C can be written, or C is none of this project's, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
