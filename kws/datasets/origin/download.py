"""Fetches a published archive with resume, progress and sha256, and unpacks it.

The archive is written to `<name>.part`; whatever cuts the download short, the next call goes on from there (HTTP
Range). Only a whole file of the right sha256 gets its name, is unpacked beside its destination, and moved in place.
"""

import dataclasses
import errno
import gzip
import hashlib
import http.client
import lzma
import os
import pathlib
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from tqdm import tqdm

from kws.datasets.dataset_error import DatasetError
from kws_cli import atomic

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30
_ATTEMPTS = 4
# What tells of it: an archive's structure, its compression, a flag that says it is encrypted or of a later version.
_ARCHIVE_ERRORS = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
_DAMAGE = (*_ARCHIVE_ERRORS, EOFError, FileNotFoundError, NotImplementedError, RuntimeError)
_UNPACKING = ".unpacking"
_STORAGE = "https://storage.googleapis.com/download.tensorflow.org/data"


@dataclasses.dataclass(frozen=True)
class Archive:
    """A published .tar.gz or .zip.

    Attributes:
      url: where it is.
      size: bytes.
      sha256: hexadecimal.
      inside: the folder in the archive that holds the corpus, "" for the top.
    """

    url: str
    size: int
    sha256: str
    inside: str = ""

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


# Size and sha256 as in TensorFlow Datasets' url_checksums/speech_commands.txt; torchaudio has the same.
SPEECH_COMMANDS = Archive(
    f"{_STORAGE}/speech_commands_v0.02.tar.gz",
    2428923189,
    "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
)
# The publisher gives no sha256 for this one: several independent public projects recorded this value.
MINI_SPEECH_COMMANDS = Archive(
    f"{_STORAGE}/mini_speech_commands.zip",
    182082353,
    "49650f2341b26d886b46b3f4fb8fed59e30300b17550f1ee4a768b3106cf93a0",
    inside="mini_speech_commands",
)


def fetch_into(archive: Archive, folder: pathlib.Path) -> None:
    """Downloads `archive` and unpacks it into `folder`; the archive itself is removed at the end.

    Raises:
      DatasetError: `folder` holds something else; not reachable, not there (404), a wrong sha256, no room to write.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = (archive.name, f"{archive.name}.part", _UNPACKING)
        foreign = sorted(path.name for path in folder.iterdir() if path.name not in own)
        if foreign:
            raise DatasetError(f"data_dir={folder} holds '{foreign[0]}': download=True needs an empty or a new folder")
        path = fetch(archive, folder)
        unpack(path, folder, archive.inside)
        path.unlink()
    except OSError as error:
        raise DatasetError(f"can't write {archive.name} to data_dir={folder}: {error.strerror or error}") from error


def fetch(archive: Archive, folder: pathlib.Path) -> pathlib.Path:
    """Downloads `archive` into `folder`, going on from a part that is there; returns the verified file.

    Raises:
      DatasetError: as `fetch_into`.
    """
    path = folder / archive.name
    part = folder / f"{archive.name}.part"
    if not path.is_file():
        _download(archive, part)
        atomic.put(part, path)
    found = _sha256(path)
    if found != archive.sha256:
        path.unlink()
        raise DatasetError(
            f"{archive.url} has sha256 {found}, expected {archive.sha256}: the file was removed; "
            "try again, and if it happens twice the published file has changed"
        )
    return path


def unpack(path: pathlib.Path, folder: pathlib.Path, inside: str = "") -> None:
    """Unpacks a .tar.gz or .zip into `folder`; a failure leaves nothing half unpacked there.

    Args:
      inside: only what the archive has in this folder, without the folder.

    Raises:
      DatasetError: the archive is damaged.
    """
    staging = folder / _UNPACKING
    shutil.rmtree(staging, ignore_errors=True)
    prefix = f"{inside}/" if inside else ""
    members = _zip_members(path) if zipfile.is_zipfile(path) else _tar_members(path)
    try:
        for name, content in tqdm(members, desc=f"unpack {path.name}", unit="file", file=sys.stderr, disable=None):
            name = name.removeprefix("./")
            parts = pathlib.PurePosixPath(name.removeprefix(prefix)).parts
            if not name.startswith(prefix) or ".." in parts or name.startswith("/"):
                continue
            target = staging.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(content, file)
        # Folders first: the lists, which say that the corpus is whole, come last.
        for entry in sorted(staging.iterdir(), key=lambda entry: (entry.is_file(), entry.name)):
            os.replace(entry, folder / entry.name)
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the archive's beginning
            raise
        raise _damaged(path, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _damaged(path: pathlib.Path, error: Exception) -> DatasetError:
    return DatasetError(f"{path} can't be unpacked ({error}): remove it and download it again")


def _tar_members(path: pathlib.Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, content


def _zip_members(path: pathlib.Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                with archive.open(member) as content:
                    yield member.filename, content


def _download(archive: Archive, part: pathlib.Path) -> None:
    """Completes `part`; a connection that breaks is taken up again a few times."""
    for attempt in range(_ATTEMPTS):
        before = part.stat().st_size if part.is_file() else 0
        if before == archive.size:
            return
        if before > archive.size:
            part.unlink()
        try:
            _continue(archive, part)
        except urllib.error.HTTPError as error:
            error.close()
            answer = f"HTTP {error.code} {error.reason}"
            raise DatasetError(f"{archive.url} can't be fetched ({answer}): check the network and run again") from error
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", None) or error
            if attempt == _ATTEMPTS - 1:
                raise _cut_short(archive, part, str(reason)) from error
    if part.stat().st_size != archive.size:
        raise _cut_short(archive, part, "the connection ended")


def _cut_short(archive: Archive, part: pathlib.Path, reason: str) -> DatasetError:
    size = part.stat().st_size if part.is_file() else 0
    if size > archive.size:
        part.unlink()
        return DatasetError(f"{archive.url} is longer than the published {archive.size} bytes: try again later")
    return DatasetError(
        f"{archive.url} can't be fetched ({reason}), {size} of {archive.size} bytes are there: "
        "check the network and run again, it goes on from there"
    )


def _continue(archive: Archive, part: pathlib.Path) -> None:
    """Asks for the rest of `part` and appends it; starts over if the server sends the whole."""
    start = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(archive.url)
    if start:
        request.add_header("Range", f"bytes={start}-")
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm(
                desc=archive.name,
                initial=start if resumed else 0,
                total=archive.size,
                unit="B",
                unit_scale=True,
                file=sys.stderr,
                disable=None,
            ) as bar,
        ):
            while chunk := response.read(_CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))
                if file.tell() > archive.size:
                    return


def _sha256(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
