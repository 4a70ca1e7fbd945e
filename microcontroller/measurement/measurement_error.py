"""What is wrong with a measurement: its settings, its bundle, or what came back."""


class MeasurementError(ValueError):
    """A measurement that can't be made or trusted, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
