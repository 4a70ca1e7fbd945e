"""What is wrong with the toolchain, or with what firmware is built from."""


class BuildError(ValueError):
    """Firmware that can't be built, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
