"""A sweep's folder where its machines share no disk: an object store, or whatever else fsspec knows by a URL.

What is there is written whole file by whole file, and a cell's result.json after all of its other files: a cell that
has one is finished, whatever happened to the machine that sent it.
"""

import pathlib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kws.sweeps.cell import RESULT
from kws.sweeps.sweep_error import SweepError
from kws_cli import atomic

_CHECKPOINTS = "checkpoints"


def is_url(sweep_dir: object) -> bool:
    """Whether it is a place for fsspec, such as s3://bucket/sweep, and not a path."""
    return "://" in str(sweep_dir)


class SharedStorage:
    """The files under a URL; names are relative to it.

    Every method raises `SweepError` where the storage can't be reached, read or written.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        import fsspec  # brings an event loop, which no sweep on a disk needs

        with self._reaching():
            self._files, self._root = fsspec.core.url_to_fs(url)

    def exists(self, name: str) -> bool:
        with self._reaching():
            return bool(self._files.exists(self._at(name)))

    def read(self, name: str) -> bytes | None:
        """What is in a file; None where there is none."""
        with self._reaching():
            try:
                return bytes(self._files.cat_file(self._at(name)))
            except FileNotFoundError:
                return None

    def fetch(self, patterns: Iterable[str], folder: pathlib.Path) -> None:
        """Copies the text files that match to the same names in `folder`."""
        with self._reaching():
            for pattern in patterns:
                for place in self._files.glob(self._at(pattern)):
                    atomic.write_text(folder / self._name(place), self._files.cat_file(place).decode())

    def fetch_folder(self, name: str, folder: pathlib.Path) -> None:
        """Copies a folder to the same name in `folder`, whole or not at all."""
        with self._reaching(), atomic.writing(folder / name) as fresh:
            for place in self._files.find(self._at(name)):
                path = fresh / pathlib.PurePosixPath(self._name(place)).relative_to(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(place, str(path))

    def send(self, name: str, folder: pathlib.Path) -> None:
        """Copies a file of `folder`, which replaces one of this name."""
        with self._reaching():
            self._put(name, (folder / name).read_bytes())

    def send_cell(self, name: str, folder: pathlib.Path) -> None:
        """Copies the folder of a finished cell, without checkpoints, and its result last."""
        paths = [path for path in sorted((folder / name).rglob("*")) if path.is_file()]
        sent = [path.relative_to(folder) for path in paths if not _is_checkpoint(path)]
        for path in sorted(sent, key=lambda path: path.name == RESULT and path.parent == pathlib.Path(name)):
            self.send(path.as_posix(), folder)

    def _put(self, name: str, data: bytes) -> None:
        """Writes a file that nobody sees before it is whole: a move is a file system's or store's one step."""
        place = self._at(name)
        partial = f"{place}.{uuid.uuid4().hex}.partial"
        self._files.makedirs(place.rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(partial, data)
        self._files.mv(partial, place)

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _name(self, place: str) -> str:
        return place.removeprefix(self._root).lstrip("/")

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of the libraries behind fsspec, each with exceptions of its own
            reason = " ".join(str(error).split()) or type(error).__name__
            raise SweepError(f"sweep_dir={self.url} can't be used: {reason}: check the place and the rights") from error


def _is_checkpoint(path: pathlib.Path) -> bool:
    return path.parent.name.startswith(_CHECKPOINTS)
