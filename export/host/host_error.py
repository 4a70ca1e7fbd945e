"""What is wrong with this machine's compiler or with C that it is given."""


class HostError(ValueError):
    """C that can't be compiled or loaded on this machine, and what the user can do about it.

    The message is one line: the value, what was expected, what to do.
    """

    user_can_mend = True
