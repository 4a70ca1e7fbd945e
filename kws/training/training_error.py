"""What is wrong with a run, or with the settings or the data that it is to be made of."""


class TrainingError(ValueError):
    """A run, a setting or data that can't be trained on, and what the user can do about it.

    The message is one line: the value, what was expected, what to do. It speaks of settings by the names they have in
    `TrainConfig` (`batch_size=64`) and of a run's folder as `run_dir=PATH`.
    """

    user_can_mend = True
