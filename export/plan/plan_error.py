"""What a plan can't give."""


class PlanError(ValueError):
    """A setting that no plan of the model serves, and what would be served.

    The message is one line; settings have the names of their dataclass (`max_ram=1000`).
    """

    user_can_mend = True
