"""Features on disk, found by the content of the samples and the parameters of the front end."""

import hashlib
import pathlib
import sys

import numpy as np

from cli import atomic
from kws.examples.example_error import ExampleError
from kws.frontend.arithmetic import Arithmetic
from kws.frontend.config import FrontEndConfig
from kws.stores.code_identity import code_sha256


def key(samples: np.ndarray, config: FrontEndConfig, arithmetic: Arithmetic) -> str:
    """A name for all that the features of `samples` (int16 [n, clip_samples]) depend on: 64 hexadecimal digits."""
    code = code_sha256([arithmetic.features])
    parts = (code, arithmetic.name, config.sha256, samples.shape, samples.dtype.str)
    digest = hashlib.sha256(" ".join(map(str, parts)).encode())
    digest.update(np.ascontiguousarray(samples).data)
    return digest.hexdigest()


def path(cache_dir: str | pathlib.Path, name: str) -> pathlib.Path:
    """The file that holds the features called `name`."""
    return pathlib.Path(cache_dir) / f"{name}.npy"


def read(cache_dir: str | pathlib.Path, name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray | None:
    """The features stored under `name`, or None; a damaged file is None too, with a warning on stderr."""
    file = path(cache_dir, name)
    if not file.exists():
        return None
    try:
        features = np.load(file, allow_pickle=False)
        if features.shape != shape or features.dtype != dtype:
            raise ValueError(f"holds {features.dtype} {features.shape}, expected {np.dtype(dtype)} {shape}")
    except (OSError, ValueError, EOFError) as error:
        print(f"warning: {file}: damaged ({error}); its features are computed again", file=sys.stderr)
        return None
    return features


def write(cache_dir: str | pathlib.Path, name: str, features: np.ndarray) -> None:
    """Stores features under `name`; a reader sees the whole file or none.

    Raises:
      ExampleError: the folder can't be written.
    """
    file = path(cache_dir, name)
    try:
        with atomic.writing(file) as fresh:
            np.save(fresh, features, allow_pickle=False)
    except OSError as error:
        raise ExampleError(f"can't write the feature cache {file}: {error.strerror}; give another folder") from error
