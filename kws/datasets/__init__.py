"""Datasets of spoken words. `load` gives the same type for all: one-second int16 clips at 16 kHz with their splits."""

from kws.datasets.clip import Clip, Clips, Dataset, DatasetConfig
from kws.datasets.dataset_error import DatasetError

__all__ = ["Clip", "Clips", "Dataset", "DatasetConfig", "DatasetError", "load"]


def load(config: DatasetConfig) -> Dataset:
    """Loads, downloads or speaks the dataset that `config` names.

    Raises:
      DatasetError: anything about the data that the user can put right, unreadable folders included.
    """
    if config.dataset == "synthetic":
        from kws.datasets.synthetic import dataset as synthetic

        return synthetic.load(config)
    try:
        if config.dataset == "folder":
            from kws.datasets import folder

            return folder.load(config)
        from kws.datasets import speech_commands

        return speech_commands.load(config)
    except OSError as error:
        where = f"data_dir={config.data_dir}"
        raise DatasetError(f"{where} can't be read: {error.filename or where}: {error.strerror or error}") from error
