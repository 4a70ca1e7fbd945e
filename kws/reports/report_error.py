"""The error of this room."""


class ReportError(ValueError):
    """Something the user can mend: one line with the value, what was expected and what to do."""

    user_can_mend = True
