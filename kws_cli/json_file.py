"""JSON from a file that may come from anywhere: of bounded size, in the shape that its reader names."""

import json
import pathlib
from typing import Any

import msgspec

LARGEST = 1 << 24
"""Bytes, 16 MB."""


def read(path: str | pathlib.Path, shape: Any = Any, largest: int | None = None) -> Any:
    """The file's JSON as `shape`: a type or a `msgspec.Struct`, whose bounds are checked.

    Args:
      largest: bytes that it may have; None for `LARGEST`.

    Raises:
      OSError: the file can't be read.
      ValueError: it is larger than `largest`, no JSON, or of another shape, whose place is named.
    """
    largest = LARGEST if largest is None else largest
    with pathlib.Path(path).open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"more than {largest:,} bytes of JSON")
    return parse(content, shape)


def parse(content: bytes, shape: Any = Any) -> Any:
    """`read` of what is in memory. Raises `ValueError`."""
    try:
        value = json.loads(content.decode())  # it reads NaN, which Python writes, and msgspec does not
    except RecursionError as error:
        raise ValueError("nested deeper than any file of this program") from error
    return shaped(value, shape)


def shaped(value: Any, shape: Any) -> Any:
    """JSON values as `shape`. Raises `ValueError`, which names the place where they are of another."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
