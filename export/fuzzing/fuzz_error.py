"""What is wrong with what a fuzzing run was asked for."""


class FuzzError(ValueError):
    """A setting, or a file of an earlier run, that can't be used; not a disagreement.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
