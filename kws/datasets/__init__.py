"""Datasets of spoken words. `load` gives the same type for all: one-second int16 clips at 16 kHz with their splits."""

from kws.datasets.clip import Clip, Clips, Dataset, DatasetConfig

__all__ = ["Clip", "Clips", "Dataset", "DatasetConfig", "load"]


def load(config: DatasetConfig) -> Dataset:
    """Loads, downloads or speaks the dataset that `config` names.

    Raises:
      UserError: anything about the data that the user can put right.
    """
    if config.dataset == "synthetic":
        from kws.datasets.synthetic import dataset as synthetic

        return synthetic.load(config)
    if config.dataset == "folder":
        from kws.datasets import folder

        return folder.load(config)
    from kws.datasets import speech_commands

    return speech_commands.load(config)
