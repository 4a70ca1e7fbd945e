"""The error of whoever asks where something comes from."""


class OriginError(ValueError):
    """A list of packages that can't be read; the message is one line that says what to do."""

    user_can_mend = True
