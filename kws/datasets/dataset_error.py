"""What is wrong with data or with the settings that name it."""


class DatasetError(ValueError):
    """Data or a setting that can't be used, and that the user can mend.

    The message is one line: the value, what was expected, what to do. It speaks of settings by the names they have in
    `DatasetConfig`. A command shows it without a traceback (`kws_cli.command.run`).
    """

    user_can_mend = True
