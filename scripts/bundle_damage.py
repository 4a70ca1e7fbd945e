"""Damage to a bundle, drawn at random: flipped bits, cut files, and absurd values with the right hashes."""

import io
import json
import math
import os
import pathlib
import random
import shutil
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from export.bundle import manifest as manifests

MANIFEST = manifests.NAME
_HEADER = "header"
_HUGE = (0, 1, -1, 2, 255, 2**31, -(2**31) - 1, 2**63, 2**64, 10**400, -(10**400))
_ODD: tuple[Any, ...] = (
    *_HUGE,
    *(
        None,
        True,
        False,
        0.5,
        1e308,
        math.nan,
        math.inf,
        "",
        " ",
        "a\nb",
        "../../x",
        "/dev/zero",
        "\ud800",
        "\0",
        "9" * 20,
    ),
    *("x" * 100_000, [], {}, [[]], [0] * 10_000, {"a": 1}, [None], {"": {}}),
)
_DTYPES = (
    "|i1",
    "<i2",
    "<i4",
    "<i8",
    "<u8",
    "<f4",
    "<f8",
    "|b1",
    "<U9",
    "<U1000000",
    "|O",
    "<c16",
    "<M8[s]",
    "|V7",
    "x",
)
_SHAPES = ((), (0,), (1,), (2**31,), (10**9, 10**9), (10**400,), (-1,), (1.5,), (True,), (1,) * 40, (3, 0, 5))
_ARRAYS = ("golden.npz", "integer_model.npz", "float_weights.npz")
_TEXTS = ("metrics.json", "detector.json")
_BOMB = 100_000_000
"""Bytes of zeros, of which a zip makes next to nothing."""


class Damage:
    """What is done to one copy of a bundle.

    Attributes:
      folder: of the copy.
      rng: decides.
    """

    def __init__(self, folder: pathlib.Path, rng: random.Random) -> None:
        self.folder, self.rng = folder, rng

    def file(self) -> pathlib.Path:
        """Any of the bundle's."""
        return self.rng.choice(sorted(path for path in self.folder.rglob("*") if path.is_file()))

    def bits(self) -> str:
        """One to eight bits of a file are others."""
        path, content = self._content()
        for _ in range(self.rng.choice((1, 1, 1, 2, 8))):
            content[self.rng.randrange(len(content))] ^= 1 << self.rng.randrange(8)
        path.write_bytes(content)
        return f"bits of {path.name}"

    def cut(self) -> str:
        """A file ends early, has a hole, goes on, is empty or is not there."""
        path, content = self._content()
        place = self.rng.randrange(len(content))
        kept = self.rng.choice(
            (content[:place], content[:place] + content[place + 512 :], content + content[place:], b"")
        )
        if self.rng.random() < 0.1:
            path.unlink()
        else:
            path.write_bytes(kept)
        return f"{path.name} cut"

    def json_value(self) -> str:
        """A value somewhere in a JSON file, or in the integer model's header, is absurd, is gone, or is another's."""
        name = self._any((MANIFEST, *_TEXTS, "integer_model.npz"))
        if name.endswith(".npz"):
            arrays = self._arrays(name)
            value, place = self._changed(json.loads(np.load(io.BytesIO(arrays[_HEADER])).tobytes()))
            arrays[_HEADER] = _npy(np.frombuffer(_dumped(value), np.uint8))
            self._write_arrays(name, arrays)
        else:
            value, place = self._changed(json.loads((self.folder / name).read_bytes()))
            (self.folder / name).write_bytes(_dumped(value))
        return f"{name}: {place}"

    def json_text(self) -> str:
        """A JSON file that is something else."""
        name = self._any((MANIFEST, *_TEXTS))
        what, text = self.rng.choice(
            (
                ("100,000 lists in lists", b"[" * 100_000 + b"]" * 100_000),
                ("100,000 objects in objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
                ("15 MB of lists", b"[" + b"[]," * 5_000_000 + b"[]]"),
                ("a number of 5,000 digits", b'{"format_version": ' + b"9" * 5000 + b"}"),
                ("no UTF-8", b'{"\xff\xfe": 1}'),
                ("UTF-16", '{"format_version": 3}'.encode("utf-16")),
                ("a list", b"[]"),
                ("a number", b"1"),
                ("nothing", b""),
                ("20 MB of blanks", b" " * 20_000_000),
            )
        )
        (self.folder / name).write_bytes(text)
        return f"{name}: {what}"

    def array(self) -> str:
        """An array declares what it isn't, is another, is gone, or stands there twice."""
        name = self._any(_ARRAYS)
        arrays = self._arrays(name)
        key = self.rng.choice(sorted(arrays))
        what = self.rng.choice((self._declared, self._declared, self._other, self._bomb, self._renamed))
        place = what(arrays, key)
        self._write_arrays(name, arrays)
        return f"{name}, {key}: {place}"

    def zip_file(self) -> str:
        """An .npz that is no zip, or an odd one."""
        name = self._any(_ARRAYS)
        path = self.folder / name
        kind = self.rng.choice(("npy", "stored twice", "empty", "comment", "encrypted", "unknown method"))
        if kind == "npy":
            path.write_bytes(_npy(np.zeros(3)))
        elif kind == "empty":
            path.write_bytes(b"PK\x05\x06" + bytes(18))
        elif kind == "comment":
            path.write_bytes(path.read_bytes() + b"PK\x05\x06" + bytes(200))
        elif kind == "stored twice":
            with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                archive.writestr(archive.namelist()[0], b"again")
        else:
            content, at = bytearray(path.read_bytes()), 6 if kind == "encrypted" else 8
            for signature, more in ((b"PK\x03\x04", 0), (b"PK\x01\x02", 2)):
                start = content.find(signature)
                content[start + at + more] = 1 if kind == "encrypted" else 77
            path.write_bytes(content)
        return f"{name}: {kind}"

    def other_kind(self) -> str:
        """Something else than a file under a file's name."""
        path = self.file()
        path.unlink()
        kind = self.rng.choice(("folder", "link to /dev/zero", "link to itself", "pipe", "4 GB of zeros"))
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "4 GB of zeros":
            with path.open("wb") as file:
                file.truncate(1 << 32)
        else:
            path.symlink_to("/dev/zero" if "zero" in kind else path.name)
        return f"{path.name}: {kind}"

    def _content(self) -> tuple[pathlib.Path, bytearray]:
        path = self.file()
        return path, bytearray(path.read_bytes()) or bytearray(b"x")

    def _any(self, names: tuple[str, ...]) -> str:
        """Of these files one that is there."""
        return self.rng.choice([name for name in names if (self.folder / name).is_file()])

    def _arrays(self, name: str) -> dict[str, bytes]:
        with zipfile.ZipFile(self.folder / name) as archive:
            return {member.removesuffix(".npy"): archive.read(member) for member in archive.namelist()}

    def _write_arrays(self, name: str, arrays: dict[str, bytes]) -> None:
        with zipfile.ZipFile(self.folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for key, content in arrays.items():
                archive.writestr(key + ".npy", content)

    def _changed(self, value: Any) -> tuple[Any, str]:
        """A JSON value with one place in it changed, and the place in words."""
        places = list(_places(value))
        path = self.rng.choice(places)
        if not path:
            return self.rng.choice(_ODD), "all of it"
        inside = value
        for step in path[:-1]:
            inside = inside[step]
        what = self.rng.random()
        if what < 0.1:
            del inside[path[-1]]
        elif what < 0.2 and isinstance(inside, dict):
            inside[self.rng.choice(("", "a", "__class__", "\ud800", "x" * 1000, "0"))] = self.rng.choice(_ODD)
        elif what < 0.3 and isinstance(inside, list):
            inside *= self.rng.choice((2, 1000))
        elif what < 0.4:
            other = value
            for step in self.rng.choice(places):
                other = other[step]
            inside[path[-1]] = json.loads(json.dumps(other))
        else:
            inside[path[-1]] = self.rng.choice(_ODD)
        return value, ".".join(map(str, path))[:80]

    def _declared(self, arrays: dict[str, bytes], key: str) -> str:
        whole = np.load(io.BytesIO(arrays[key]), allow_pickle=False)
        shape: Any = self.rng.choice((whole.shape, *_SHAPES))
        dtype = self.rng.choice((whole.dtype.str, *_DTYPES))
        order = self.rng.choice((False, False, True, 7))
        arrays[key] = _described(dtype, shape, order) + whole.tobytes()[: self.rng.choice((None, 1, 0))]
        return f"declares {dtype} {str(shape)[:40]}"

    def _other(self, arrays: dict[str, bytes], key: str) -> str:
        whole = np.load(io.BytesIO(arrays[key]), allow_pickle=False)
        others: tuple[Callable[[], Any], ...] = (
            lambda: whole[:0],
            lambda: whole[..., None],
            lambda: whole.reshape(-1),
            lambda: np.concatenate([whole, whole]) if whole.ndim else whole,
            lambda: np.full_like(whole, 127) if whole.dtype.kind in "iu" else whole.astype("U200"),
            lambda: np.full_like(whole, -128) if whole.dtype.kind in "i" else whole.T,
            lambda: np.zeros(whole.shape),
            lambda: np.full(whole.shape, np.nan),
            lambda: np.frombuffer(b"\xff\xff\xff\x7f" * max(1, whole.size), "<U1"),
            lambda: whole[()],
        )
        found = self.rng.choice(others)()
        arrays[key] = _npy(np.asarray(found))
        return f"{np.asarray(found).dtype} {np.asarray(found).shape}"

    def _bomb(self, arrays: dict[str, bytes], key: str) -> str:
        if self.rng.random() < 0.9:  # it takes a while to write
            return self._renamed(arrays, key)
        if key == _HEADER:
            arrays[key] = _npy(np.frombuffer(b"[" + b"[]," * (_BOMB // 3) + b"[]]", np.uint8))
        else:
            dtype = np.load(io.BytesIO(arrays[key]), allow_pickle=False).dtype
            count = _BOMB // max(1, dtype.itemsize)
            arrays[key] = _described(dtype.str, (count,), False) + bytes(count * dtype.itemsize)
        return f"{_BOMB:,} bytes"

    def _renamed(self, arrays: dict[str, bytes], key: str) -> str:
        content = arrays.pop(key)
        name = self.rng.choice(("../../x", "", "a" * 1000, "x.kernel", "\n", None))
        if name is not None:
            arrays[name] = content
        return f"called {name!r:.20}"


DAMAGES: dict[str, tuple[Callable[[Damage], str], bool]] = {
    "bits": (Damage.bits, False),
    "cut": (Damage.cut, False),
    "other kind of file": (Damage.other_kind, False),
    "bits, right hashes": (Damage.bits, True),
    "cut, right hashes": (Damage.cut, True),
    "absurd value, right hashes": (Damage.json_value, True),
    "other JSON, right hashes": (Damage.json_text, True),
    "absurd array, right hashes": (Damage.array, True),
    "odd zip, right hashes": (Damage.zip_file, True),
}
"""Kind -> what is done, and whether hashes are made right after it."""


def copy(whole: pathlib.Path, folder: pathlib.Path) -> None:
    """A copy of a bundle to be damaged."""
    shutil.copytree(whole, folder, copy_function=shutil.copyfile)


def seal(folder: pathlib.Path) -> None:
    """Gives a manifest the hashes of what is there, and its own, as far as it is one."""
    path = folder / MANIFEST
    try:
        value = json.loads(path.read_bytes())
        for name in value["files"]:
            if (folder / name).is_file():
                value["files"][name] = manifests.sha256(folder / name)
        value["sha256"] = manifests.own_hash(value)
        path.write_bytes(_dumped(value))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict | list):
        for step, inside in value.items() if isinstance(value, dict) else enumerate(value):
            found += _places(inside, (*path, step))
    return found


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return content.getvalue()


def _described(dtype: str, shape: Any, by_columns: Any) -> bytes:
    text = f"{{'descr': {dtype!r}, 'fortran_order': {by_columns!r}, 'shape': {shape!r}, }}"
    header = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
