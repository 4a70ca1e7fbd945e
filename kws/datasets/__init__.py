"""Datasets of spoken words. `load` gives the same type for all: one-second int16 clips at 16 kHz with their splits."""

from typing import TYPE_CHECKING

from kws.datasets.clip import WHOLE, Clip, Clips, Dataset, DatasetConfig, Part
from kws.datasets.dataset_error import DatasetError

if TYPE_CHECKING:
    from kws.datasets.builder import Source

__all__ = ["Clip", "Clips", "Dataset", "DatasetConfig", "DatasetError", "Part", "find", "load"]


def load(config: DatasetConfig, part: Part = WHOLE) -> Dataset:
    """Loads the dataset that `config` names: from its store on disk, or else it is read, downloaded or spoken first.

    A part comes from the store of the whole, where there is one; else it is read into memory, and no store is made.

    Raises:
      DatasetError: anything about the data that the user can put right, unreadable folders included.
      StoreError: the folder that was chosen for stores can't be used.
    """
    from kws.datasets import stored

    try:
        return stored.load(config, _source(config), part)
    except OSError as error:
        where = f"data_dir={config.data_dir}"
        raise DatasetError(f"{where} can't be read: {error.filename or where}: {error.strerror or error}") from error


def find(config: DatasetConfig) -> None:
    """Looks for the corpus, and fetches it where that is asked for, without reading a clip.

    Raises:
      DatasetError: it is not there, or not a whole one.
    """
    _source(config).root(config, WHOLE)


def _source(config: DatasetConfig) -> "Source":
    if config.dataset == "synthetic":
        from kws.datasets.synthetic import dataset as synthetic

        return synthetic.SOURCE
    if config.dataset == "folder":
        from kws.datasets import folder

        return folder.SOURCE
    from kws.datasets import speech_commands

    return speech_commands.source(config)
