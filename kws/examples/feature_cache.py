"""Features on disk, found by the content of the samples and the parameters of the front end.

Several processes may share a folder: what one of them makes the others wait for.
"""

import contextlib
import hashlib
import pathlib
import sys
from collections.abc import Callable, Iterator

import numpy as np

from kws.examples.example_error import ExampleError
from kws.frontend.arithmetic import Arithmetic
from kws.frontend.config import FrontEndConfig
from kws.stores.code_identity import code_sha256
from kws.stores.digests import content_sha256, row_digests
from kws_cli import atomic, file_lock
from kws_cli.file_lock import FileLock


def key(samples: np.ndarray, config: FrontEndConfig, arithmetic: Arithmetic, sha256: str | None = None) -> str:
    """A name for all that the features of `samples` (int16 [n, clip_samples]) depend on: 64 hexadecimal digits.

    Args:
      sha256: of the samples, as `content_sha256` of their rows; None where it is not known.
    """
    code = code_sha256([arithmetic.features])
    content = sha256 or content_sha256(row_digests(samples))
    parts = (code, arithmetic.name, config.sha256, samples.shape, samples.dtype.str, content)
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


def path(cache_dir: str | pathlib.Path, name: str) -> pathlib.Path:
    """The file that holds the features called `name`."""
    return pathlib.Path(cache_dir) / f"{name}.npy"


def read(cache_dir: str | pathlib.Path, name: str, shape: tuple[int, ...], dtype: type) -> np.ndarray | None:
    """The features stored under `name`, or None; a damaged file is removed, with a warning on stderr."""
    file = path(cache_dir, name)
    if not file.exists():
        return None
    try:
        features = np.load(file, allow_pickle=False)
        if features.shape != shape or features.dtype != dtype:
            raise ValueError(f"holds {features.dtype} {features.shape}, expected {np.dtype(dtype)} {shape}")
    except (OSError, ValueError, EOFError) as error:
        print(f"warning: {file}: damaged ({error}); its features are computed again", file=sys.stderr)
        with contextlib.suppress(OSError):
            file.unlink()
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
        raise _unwritable(file, error) from error


def kept_or_made(
    cache_dir: str | pathlib.Path, name: str, shape: tuple[int, ...], dtype: type, make: Callable[[], np.ndarray]
) -> np.ndarray:
    """The features stored under `name`; where there are none they are made, by one process at a time, and stored.

    Raises:
      ExampleError: the folder can't be written.
    """
    kept = read(cache_dir, name, shape, dtype)
    if kept is not None:
        return kept
    with _alone(cache_dir, name):
        kept = read(cache_dir, name, shape, dtype)
        if kept is None:
            kept = make()
            write(cache_dir, name, kept)
        return kept


@contextlib.contextmanager
def _alone(cache_dir: str | pathlib.Path, name: str) -> Iterator[None]:
    lock = claim(cache_dir, name, wait=False) or wait_for(cache_dir, name)
    try:
        yield
    finally:
        lock.remove()


def claim(cache_dir: str | pathlib.Path, name: str, wait: bool) -> FileLock | None:
    """The right to make `name`, until it is removed; None where another process has it and `wait` is false.

    Raises:
      ExampleError: the folder can't be written.
    """
    file = path(cache_dir, name).with_suffix(".lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file_lock.take(file, wait=wait, needed=False)
    except OSError as error:
        raise _unwritable(path(cache_dir, name), error) from error


def wait_for(cache_dir: str | pathlib.Path, name: str) -> FileLock:
    """`claim` once it is free, which is said."""
    print(f"another process makes {path(cache_dir, name)}: waiting for it", file=sys.stderr)
    lock = claim(cache_dir, name, wait=True)
    assert lock is not None
    return lock


def _unwritable(file: pathlib.Path, error: OSError) -> ExampleError:
    return ExampleError(f"can't write the feature cache {file}: {error.strerror}; give another folder")
