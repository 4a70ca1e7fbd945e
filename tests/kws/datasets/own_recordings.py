"""A folder of somebody's own recordings: what is in it, and the settings that read it alone."""

import pathlib

import numpy as np

from kws.datasets.clip import DatasetConfig


def tone(seconds: float) -> np.ndarray:
    return 8000 * np.sin(2 * np.pi * 300 * np.arange(int(16000 * seconds)) / 16000)


def config(root: pathlib.Path, **settings: object) -> DatasetConfig:
    alone = {"negatives": "none", "top_up": "none"}
    return DatasetConfig(**{"dataset": "folder", "data_dir": str(root), **alone, **settings})
