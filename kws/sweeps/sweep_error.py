"""What is wrong with a sweep: its matrix, its folder, its results, or the cluster that it runs on."""


class SweepError(ValueError):
    """A sweep that can't be run or read, and what the user can do about it.

    The message is one line: the value, what was expected, what to do. It speaks of settings by the names they have in
    `SweepConfig` (`matrix=PATH`, `sweep_dir=PATH`).
    """

    user_can_mend = True
