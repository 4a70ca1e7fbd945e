"""SHA-256 of samples clip by clip, and of a whole made from these, so that no clip is read again for the whole's."""

import hashlib
import pathlib
from collections.abc import Iterable

import numpy as np

DIGEST_BYTES = 32


def digest(samples: np.ndarray) -> bytes:
    """The SHA-256 of an array's bytes, 32 bytes."""
    return hashlib.sha256(np.ascontiguousarray(samples).data).digest()


def file_sha256(path: str | pathlib.Path) -> str:
    """SHA-256 of a file's content, 64 hexadecimal digits. Raises `OSError`."""
    with pathlib.Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def row_digests(rows: Iterable[np.ndarray]) -> np.ndarray:
    """`digest` of each row: uint8 [n, 32]."""
    return np.frombuffer(b"".join(digest(row) for row in rows), np.uint8).reshape(-1, DIGEST_BYTES)


def content_sha256(digests: np.ndarray) -> str:
    """SHA-256 of a whole whose rows have `digests` (uint8 [n, 32]), 64 hexadecimal digits."""
    return digest(digests).hex()
