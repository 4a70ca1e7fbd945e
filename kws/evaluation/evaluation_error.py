"""What is wrong with what is measured: the data, the bundle, the recording or the run beside it."""


class EvaluationError(ValueError):
    """A measurement that can't be made, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
