"""What is wrong with the clips that examples are made of, or with the place where they are kept."""


class ExampleError(ValueError):
    """Examples that can't be made or kept, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
