"""JSON from a file that may come from anywhere: of bounded size, in the shape that its reader names."""

import json
import pathlib
from collections.abc import Iterable
from typing import Any

import msgspec

LARGEST = 1 << 24
"""Bytes, 16 MB."""
DEEPEST = 100
"""Lists and objects within each other."""
MOST_VALUES = 1 << 20
"""An empty list takes three bytes in JSON and twenty times as many in Python. A file of more bytes than `LARGEST` may
have one value in sixteen of them."""
_TOO_DEEP = "nested deeper than any file of this program"


def read(path: str | pathlib.Path, shape: Any = Any, largest: int | None = None) -> Any:
    """The file's JSON as `shape`: a type or a `msgspec.Struct`, whose bounds are checked.

    Args:
      largest: bytes that it may have; None for `LARGEST`.

    Raises:
      OSError: the file can't be read.
      ValueError: it is larger than `largest`, no JSON, or of another shape, whose place is named; it has more values,
        or deeper ones, than any file of this program.
    """
    largest = LARGEST if largest is None else largest
    with pathlib.Path(path).open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"more than {largest:,} bytes of JSON")
    return parse(content, shape)


def parse(content: bytes, shape: Any = Any) -> Any:
    """`read` of what is in memory. Raises `ValueError`."""
    values = sum(map(content.count, (b",", b"[", b"{")))
    if values > max(MOST_VALUES, len(content) // 16):
        raise ValueError(f"{values:,} values in {len(content):,} bytes, more than any file of this program has")
    try:
        value = json.loads(content.decode())  # it reads NaN, which Python writes, and msgspec does not
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    _check_depth(value)
    return shaped(value, shape)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level if isinstance(outer, dict | list) for inner in _within(outer)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _within(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def check_text(value: Any) -> None:
    """Raises `ValueError` for text in JSON values that nobody can write: halves of surrogate pairs."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"text with {error.object[error.start]!a}, which is no character") from error


def shaped(value: Any, shape: Any) -> Any:
    """JSON values as `shape`. Raises `ValueError`, which names the place where they are of another."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
