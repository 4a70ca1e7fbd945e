"""What is wrong with a model's file or with the parameters of its front end."""


class ModelError(ValueError):
    """A model or a front end that can't be used, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
