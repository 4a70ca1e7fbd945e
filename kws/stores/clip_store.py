"""The clips of a corpus as they are kept: int16 that is mapped into memory, in groups, with what is known of each.

    index.json              version; what the store is of; of each group the number of clips and samples, and SHA-256
    seal.json               SHA-256 of index.json; size, times and inode of each file when it was last known to be good
    <group>/clips.int16     the clips, one after the other
    <group>/noises.int16    the recordings of noise, one after the other
    <group>/clips.sha256    the SHA-256 of each clip, 32 bytes each
    <group>/clips.json      what the maker says of each clip: names, labels, ...

Every use compares sizes, times and inodes with the seal, and reads the small files whole; a file that was written or
copied since is read whole. So a damaged store is noticed at every use, unless the medium changed bits behind the file
system's back: `open_store(..., check=True)` reads everything.
"""

import contextlib
import dataclasses
import hashlib
import json
import pathlib
from typing import Any

import numpy as np

from kws.stores.digests import DIGEST_BYTES, content_sha256, row_digests
from kws.stores.sample_store import CLIPS, NOISES, SampleStore
from kws_cli import atomic
from kws_cli.file_lock import FileLock

FORMAT = 1
INDEX, SEAL = "index.json", "seal.json"
DIGESTS, ABOUT_CLIPS = "clips.sha256", "clips.json"
_BLOCK_CLIPS = 1024
_SAMPLE_BYTES = np.dtype(np.int16).itemsize


class DamagedStore(Exception):
    """A store that is not whole; the message says what is wrong with it."""


@dataclasses.dataclass(frozen=True)
class Group:
    """The clips that belong together, such as those of a split.

    Attributes:
      store: what a worker process opens.
      samples: int16 [n, clip_samples], read-only: the file itself, of which no more is read than is looked at.
      digests: uint8 [n, 32], the SHA-256 of each clip.
      noises: recordings, int16 [any length], read-only.
      about: what the maker says of the clips, JSON values.
      lock: keeps the store from being pruned as long as the group lives.
    """

    store: SampleStore
    samples: np.ndarray
    digests: np.ndarray
    noises: tuple[np.ndarray, ...]
    about: Any
    lock: FileLock | None

    @property
    def sha256(self) -> str:
        """Of all clips."""
        return content_sha256(self.digests)


@dataclasses.dataclass(frozen=True)
class ClipStore:
    """A store that is whole.

    Attributes:
      about: what the maker says of it, JSON values.
      groups: name -> the group.
    """

    folder: pathlib.Path
    about: dict[str, Any]
    groups: dict[str, Group]


def open_store(folder: pathlib.Path, lock: FileLock | None = None, *, check: bool = False) -> ClipStore:
    """Opens a store.

    Args:
      lock: what keeps it from being removed while it is used.
      check: read all that it holds, whatever the seal says.

    Raises:
      DamagedStore: it is not there, not whole, or of another version.
    """
    try:
        index = read_index(folder)
        _check_contents(folder, index, check)
        return ClipStore(folder, index["about"], {name: _group(folder, index, name, lock) for name in index["groups"]})
    except OSError as error:
        raise DamagedStore(f"{error.filename or folder}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedStore(f"what {INDEX} and {SEAL} say does not hold ({error!r})") from error


def read_index(folder: pathlib.Path) -> dict[str, Any]:
    """What index.json holds. Raises `DamagedStore` where it is not what was sealed, `OSError` where there is none."""
    data = (folder / INDEX).read_bytes()
    if hashlib.sha256(data).hexdigest() != json.loads((folder / SEAL).read_bytes())[INDEX]:
        raise DamagedStore(f"{INDEX} is not what was sealed")
    index = json.loads(data)
    if index["format"] != FORMAT:
        raise DamagedStore(f"it is of version {index['format']}, not {FORMAT}")
    return index


def write_index(folder: pathlib.Path, index: dict[str, Any]) -> None:
    """Writes index.json and seals the files. Raises `OSError`."""
    data = json.dumps({"format": FORMAT, **index}, indent=1).encode()
    (folder / INDEX).write_bytes(data)
    _seal(folder, hashlib.sha256(data).hexdigest(), index)


def describe_group(store: SampleStore) -> dict[str, Any]:
    """What index.json says of a group whose files are written."""
    folder = pathlib.Path(store.folder)
    return {
        "clips": len(_digests(folder)),
        "clip_samples": store.clip_samples,
        "noise_lengths": list(store.noise_lengths),
        "sha256": {name: _sha256(folder / name) for name in (NOISES, DIGESTS, ABOUT_CLIPS)},
    }


def byte_size(index: dict[str, Any]) -> int:
    """Bytes of the samples in a store."""
    groups = index["groups"].values()
    return _SAMPLE_BYTES * sum(group["clips"] * group["clip_samples"] + sum(group["noise_lengths"]) for group in groups)


def _group(folder: pathlib.Path, index: dict[str, Any], name: str, lock: FileLock | None) -> Group:
    store = _store(folder, index, name)
    about = json.loads((folder / name / ABOUT_CLIPS).read_bytes())
    return Group(store, store.map_clips(), _digests(folder / name), tuple(store.map_noises()), about, lock)


def _store(folder: pathlib.Path, index: dict[str, Any], name: str) -> SampleStore:
    group = index["groups"][name]
    return SampleStore(str(folder / name), group["clip_samples"], tuple(group["noise_lengths"]))


def _check_contents(folder: pathlib.Path, index: dict[str, Any], check: bool) -> None:
    """Raises `DamagedStore` for a file that isn't what the index says; large ones are read if they may be others."""
    sealed = json.loads((folder / SEAL).read_bytes())["files"]
    read = []
    for name, group in index["groups"].items():
        for file in (DIGESTS, ABOUT_CLIPS):
            _check(folder / name / file, _sha256(folder / name / file) == group["sha256"][file])
        sizes = {CLIPS: group["clips"] * group["clip_samples"], NOISES: sum(group["noise_lengths"])}
        for file, samples in sizes.items():
            path = folder / name / file
            _check(path, path.stat().st_size == samples * _SAMPLE_BYTES)
            if check or sealed.get(f"{name}/{file}") != _state(path):
                read.append(path)
                good = _clips_are_good if file == CLIPS else _noises_are_good
                _check(path, good(_store(folder, index, name), group))
    if read:
        with contextlib.suppress(OSError):  # a store that can't be written is read whole at every use
            _seal(folder, _sha256(folder / INDEX), index)


def _check(path: pathlib.Path, holds: bool) -> None:
    if not holds:
        raise DamagedStore(f"{path.parent.name}/{path.name} is not what was written")


def _clips_are_good(store: SampleStore, group: dict[str, Any]) -> bool:
    expected = _digests(pathlib.Path(store.folder))
    starts = range(0, group["clips"], _BLOCK_CLIPS)
    blocks = (store.read_clips(start, min(start + _BLOCK_CLIPS, group["clips"])) for start in starts)
    found = (row_digests(block) for block in blocks)
    return all(np.array_equal(expected[s : s + _BLOCK_CLIPS], f) for s, f in zip(starts, found, strict=True))


def _noises_are_good(store: SampleStore, group: dict[str, Any]) -> bool:
    return _sha256(pathlib.Path(store.folder) / NOISES) == group["sha256"][NOISES]


def _seal(folder: pathlib.Path, index_sha256: str, index: dict[str, Any]) -> None:
    files = [f"{name}/{file}" for name in index["groups"] for file in (CLIPS, NOISES)]
    states = {file: _state(folder / file) for file in files}
    atomic.write_text(folder / SEAL, json.dumps({INDEX: index_sha256, "files": states}, indent=1))


def _state(path: pathlib.Path) -> list[int]:
    """What changes when a file is written, replaced or copied."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _digests(folder: pathlib.Path) -> np.ndarray:
    return np.frombuffer((folder / DIGESTS).read_bytes(), np.uint8).reshape(-1, DIGEST_BYTES)


def _sha256(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
