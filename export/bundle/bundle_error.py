"""What is wrong with a bundle, with a run that is to become one, or with the settings for it."""


class BundleError(ValueError):
    """A bundle or a setting that can't be used, and what the user can do about it.

    The message is one line: the value, what was expected, what to do. It speaks of settings by the names they have in
    their dataclass (`clips=-1`), of a bundle's folder as `bundle=PATH` and of a run's as `run_dir=PATH`.
    """

    user_can_mend = True
