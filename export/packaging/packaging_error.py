"""What is wrong with what a package is made from."""


class PackagingError(ValueError):
    """No package can be made, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
