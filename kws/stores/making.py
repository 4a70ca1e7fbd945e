"""A store of clips while it is made: what was finished when the maker is killed is used by the next one.

journal                 a line for each finished block: the items done, and what the maker says of them
<group>/clips.int16, <group>/clips.sha256       as in the store, growing
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np

from kws.stores import cache_dir, clip_store
from kws.stores.clip_store import ABOUT_CLIPS, DIGESTS
from kws.stores.digests import DIGEST_BYTES, digest, row_digests
from kws.stores.sample_store import CLIPS, SampleStore
from kws_cli import atomic

_JOURNAL = "journal"
_CHECK_DIGITS = 16


class Making:
    """Takes clips one by one, and gives those back that an earlier maker took.

    Attributes:
      finished: what earlier makers said of their finished blocks, JSON values; the clips of these are there.
    """

    def __init__(self, folder: pathlib.Path, groups: Sequence[str], clip_samples: int) -> None:
        """Goes on with what is in `folder`, as far as it is whole. Raises `StoreError` where it can't be written."""
        self._folder = folder
        self._clip_samples = clip_samples
        with self._writing():
            folder.mkdir(exist_ok=True)
            lines = _read(folder / _JOURNAL)
            if lines and not self._holds(lines[-1]["clips"]):
                lines = []
            self.finished: list[Any] = [line["said"] for line in lines]
            self._clips: dict[str, int] = lines[-1]["clips"] if lines else dict.fromkeys(groups, 0)
            self._files = {name: self._open(name, count) for name, count in self._clips.items()}
            self._journal = _open_at(folder / _JOURNAL, sum(len(_line(line)) for line in lines))

    def _writing(self) -> contextlib.AbstractContextManager[None]:
        return cache_dir.writing(self._folder.parent)

    def _holds(self, clips: dict[str, int]) -> bool:
        """Whether the files have so many clips in them, and as they were written."""
        for name, count in clips.items():
            try:
                digests = np.fromfile(self._folder / name / DIGESTS, np.uint8, count * DIGEST_BYTES)
                found = row_digests(self._store(name).map_clips()[:count])
            except (OSError, ValueError):
                return False
            if not np.array_equal(found.reshape(-1), digests):
                return False
        return True

    def _open(self, name: str, count: int) -> tuple[IO[bytes], IO[bytes]]:
        group = self._folder / name
        group.mkdir(exist_ok=True)
        clips = _open_at(group / CLIPS, count * self._clip_samples * np.dtype(np.int16).itemsize)
        return clips, _open_at(group / DIGESTS, count * DIGEST_BYTES)

    def add(self, group: str, samples: np.ndarray) -> None:
        """Adds a clip, int16 [clip_samples]. Raises `StoreError`."""
        clips, digests = self._files[group]
        with self._writing():
            clips.write(np.ascontiguousarray(samples).data)
            digests.write(digest(samples))
        self._clips[group] += 1

    def finish_block(self, said: Any) -> None:
        """Keeps what was added so far, with what there is to say of it (JSON values). Raises `StoreError`."""
        with self._writing():
            for file in (file for files in self._files.values() for file in files):
                _flush(file)
            self._journal.write(_line({"clips": self._clips, "said": said}))
            _flush(self._journal)

    def samples(self, group: str) -> np.ndarray:
        """The clips of a group so far, int16 [n, clip_samples], read-only. Raises `StoreError`."""
        with self._writing():
            self._files[group][0].flush()
        return self._store(group).map_clips()

    def finish(
        self,
        place: pathlib.Path,
        about: Mapping[str, Any],
        about_clips: Mapping[str, Any],
        noises: Mapping[str, Sequence[np.ndarray]],
    ) -> None:
        """Moves the store to its place.

        Args:
          about: what it is of, JSON values.
          about_clips: group -> what there is to say of its clips, JSON values.
          noises: group -> recordings, int16 [any length].

        Raises:
          StoreError: it can't be written.
        """
        with self._writing():
            self.close()
            groups = {name: self._finish_group(name, about_clips[name], noises[name]) for name in self._files}
            clip_store.write_index(self._folder, {"about": dict(about), "groups": groups})
            (self._folder / _JOURNAL).unlink()
            atomic.put(self._folder, place)

    def _finish_group(self, name: str, about: Any, noises: Sequence[np.ndarray]) -> dict[str, Any]:
        store = SampleStore(str(self._folder / name), self._clip_samples, tuple(map(len, noises)))
        store.write_noises(noises)
        (self._folder / name / ABOUT_CLIPS).write_text(json.dumps(about), encoding="utf-8")
        return clip_store.describe_group(store)

    def close(self) -> None:
        """Closes the files; what was finished stays."""
        for file in (self._journal, *(file for files in self._files.values() for file in files)):
            file.close()

    def discard(self) -> None:
        """Removes all of it."""
        with contextlib.suppress(OSError):  # what is still to be written is of no use any more
            self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _store(self, name: str) -> SampleStore:
        return SampleStore(str(self._folder / name), self._clip_samples, ())


def _open_at(path: pathlib.Path, size: int) -> IO[bytes]:
    """A file to be gone on with after `size` bytes; what follows is cut off."""
    path.touch()
    file = path.open("r+b")
    file.truncate(size)
    file.seek(size)
    return file


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _line(content: dict[str, Any]) -> bytes:
    text = json.dumps(content)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:_CHECK_DIGITS]} {text}\n".encode()


def _read(path: pathlib.Path) -> list[dict[str, Any]]:
    """The journal's lines up to the first that is not whole."""
    found: list[dict[str, Any]] = []
    if path.is_file():
        for line in path.read_bytes().splitlines(keepends=True):
            try:
                content = json.loads(line.partition(b" ")[2])
            except ValueError:
                break
            if _line(content) != line:
                break
            found.append(content)
    return found
