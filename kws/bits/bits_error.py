"""What is wrong with a search for widths."""


class BitsError(ValueError):
    """Limits or settings that no widths can serve, and what the user can do about it, in one line."""

    user_can_mend = True
