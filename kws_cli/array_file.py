"""Arrays from an .npz file that may come from anywhere: what it declares is looked at before memory is taken for it."""

import ast
import io
import math
import pathlib
import sys
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO, Any, Literal

import numpy as np

LARGEST = 1 << 27
"""Bytes of all arrays of a file, 128 MB: far more than any model or set of golden vectors has."""
_SUFFIX = ".npy"
_NUMBERS = "biufU"
_READ = 1 << 20
_MAGIC = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_LONGEST_HEADER = 10_000
_LONGEST_NAME = 200


def write(path: str | pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as a compressed .npz, always the same bytes.

    In one piece: what NumPy writes by itself is closed again when a full disk has ended it, with a traceback.

    Raises:
      OSError: it can't be written.
    """
    content = io.BytesIO()
    np.savez_compressed(content, **dict[str, Any](arrays))
    pathlib.Path(path).write_bytes(content.getbuffer())


def read(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, by name; numbers and text alone.

    Raises:
      OSError: the file can't be opened.
      ValueError: it is no whole .npz file, or holds more than `LARGEST` bytes.
    """
    path = pathlib.Path(path)
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return _arrays(archive)
        # Damage speaks in all of these: a zip's structure, its compression, a header that is no literal of Python.
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError) as error:
            raise ValueError(str(error) or "it ends early") from error
        except (SyntaxError, TypeError, KeyError, MemoryError, OverflowError, RecursionError) as error:
            raise ValueError(str(error) or type(error).__name__) from error


def mapped(path: str | pathlib.Path) -> np.ndarray:
    """The array of numbers in an .npy file, mapped into memory: nothing of it is read yet.

    Raises:
      OSError: the file can't be opened.
      ValueError: it is no .npy file of numbers, or shorter than the array that it declares.
    """
    path = pathlib.Path(path)
    with path.open("rb") as file:
        if file.read(len(_ZIP)) == _ZIP:
            raise ValueError("it holds several arrays")
        file.seek(0)
        try:
            descr, by_columns, shape = _header(file, path.name)
            dtype = np.dtype(descr)
        except (SyntaxError, TypeError, KeyError, MemoryError, OverflowError, RecursionError) as error:
            raise ValueError(str(error) or type(error).__name__) from error
        start = file.tell()
    _check_kind(dtype, path.name)
    _check_size(math.prod(shape) * dtype.itemsize, path.stat().st_size - start, path.name)
    order: Literal["F", "C"] = "F" if by_columns else "C"
    if not math.prod(shape):
        return np.empty(shape, dtype, order)
    return np.memmap(path, dtype, mode="r", offset=start, shape=shape, order=order)


def _arrays(archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    members = archive.infolist()
    declared = sum(member.file_size for member in members)
    if declared > LARGEST:
        raise ValueError(f"{declared:,} bytes of arrays, expected at most {LARGEST:,}")
    found: dict[str, np.ndarray] = {}
    for member in members:
        name = member.filename.removesuffix(_SUFFIX)
        if not name.isprintable() or len(name) > _LONGEST_NAME:
            raise ValueError(f"{name[:_LONGEST_NAME]!r} is no name of an array")
        if name in found or name == member.filename:
            raise ValueError(f"{member.filename} stands there twice or is no array")
        with archive.open(member) as file:
            found[name] = _array(file, name, member.file_size)
    return found


def _array(file: IO[bytes], name: str, size: int) -> np.ndarray:
    descr, by_columns, shape = _header(file, name)
    dtype = np.dtype(descr)
    _check_kind(dtype, name)
    expected = math.prod(shape) * dtype.itemsize
    _check_size(expected, size, name)
    content = bytearray(expected)
    _fill(file, memoryview(content), name)
    array = np.frombuffer(content, dtype) if expected else np.empty(math.prod(shape), dtype)
    _check_text(array, name)
    return array.reshape(shape, order="F" if by_columns else "C")


def _check_text(array: np.ndarray, name: str) -> None:
    """Raises `ValueError` for characters that Unicode has not, of which NumPy makes no text."""
    if array.dtype.kind == "U" and array.itemsize and array.size:
        characters = array.view(array.dtype.byteorder.replace("|", "=") + "u4")
        if characters.max() > sys.maxunicode:
            raise ValueError(f"{name} has the character {characters.max():#x}, the last one is {sys.maxunicode:#x}")


def _check_kind(dtype: np.dtype, name: str) -> None:
    if dtype.kind not in _NUMBERS:
        raise ValueError(f"{name} holds {dtype}, expected numbers or text")


def _check_size(expected: int, found: int, name: str) -> None:
    if expected > found:
        raise ValueError(f"{name} declares {expected:,} bytes, the file holds {found:,}")


def _header(file: IO[bytes], name: str) -> tuple[str, bool, tuple[int, ...]]:
    """What an array's dtype is called, whether it lies by columns, and its shape."""
    start = file.read(len(_MAGIC) + 2)
    bytes_of_length = {_MAGIC + b"\x01\x00": 2, _MAGIC + b"\x02\x00": 4}.get(start)
    if bytes_of_length is None:
        raise ValueError(f"{name} begins with {start!r}, expected an array of NumPy, version 1 or 2")
    length = int.from_bytes(file.read(bytes_of_length), "little")
    if length > _LONGEST_HEADER:
        raise ValueError(f"{name} has a header of {length:,} bytes")
    fields = ast.literal_eval(file.read(length).decode("latin-1").strip())
    descr, by_columns, shape = (fields[key] for key in ("descr", "fortran_order", "shape"))
    lengths = shape if isinstance(shape, tuple) else (-1,)
    if not isinstance(descr, str) or not all(type(length) is int and length >= 0 for length in lengths):
        raise ValueError(f"{name} is described as {descr!r} of shape {shape}")
    return descr, bool(by_columns), shape


def _fill(file: IO[bytes], content: memoryview, name: str) -> None:
    done = 0
    while done < len(content):
        part = file.read(min(_READ, len(content) - done))
        if not part:
            raise ValueError(f"{name} ends after {done:,} of {len(content):,} bytes")
        content[done : done + len(part)] = part
        done += len(part)
    if file.read(1):  # at the end of a member its checksum is compared, too
        raise ValueError(f"{name} is longer than it declares")
