"""Arrays of a file are read as NumPy reads them, and what is hostile or damaged is one line before memory is taken."""

import gc
import io
import pathlib
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from kws_cli import array_file


def header(descr: str, shape: tuple) -> bytes:
    file = io.BytesIO()
    fields = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def archive(path: pathlib.Path, **members: bytes) -> pathlib.Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


ARRAYS = {
    "codes": np.arange(-12, 12, dtype=np.int8).reshape(2, 3, 4),
    "by_columns": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "big_endian": np.arange(3, dtype=">i4"),
    "empty": np.zeros((0, 5), np.int64),
    "one": np.array(3.5),
    "names": np.array(["a.wav", "bcd.wav"]),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_as_numpy_reads_them(save, tmp_path) -> None:
    save(tmp_path / "x.npz", **ARRAYS)
    found = array_file.read(tmp_path / "x.npz")
    assert found.keys() == ARRAYS.keys()
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == expected.dtype and found[name].shape == expected.shape
        assert found[name].flags.writeable


HOSTILE = {
    "more than is there": ({"a": header("|i1", (10**11,))}, "a declares 100,000,000,000 bytes, the file holds"),
    "more than can be counted": ({"a": header("<f8", (2**40, 2**40))}, "a declares"),
    "a negative length": ({"a": header("|i1", (-1, -8)) + bytes(8)}, r"a is described as '\|i1' of shape \(-1, -8\)"),
    "an object": ({"a": npy(np.array([{}], object))}, "a holds object, expected numbers or text"),
    "too short": ({"a": header("|i1", (200,)) + bytes(150)}, "a (declares|ends after)"),
    "too long": ({"a": header("|i1", (3,)) + bytes(4)}, "a is longer than it declares"),
    "no header": ({"a": b"\x93NUMPY\x01\x00\x10\x00" + b"{" * 16}, "."),
    "a huge header": ({"a": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"{" * 16}, "."),
    "another version": ({"a": b"\x93NUMPY\x09\x00" + bytes(20)}, "a begins with .*, expected an array of NumPy"),
    "nested": ({"a": b"\x93NUMPY\x01\x00\x00\x20" + b"[" * 8192}, "."),
    "a record": ({"a": npy(np.zeros(2, [("x", "i1")]))}, r"a is described as \[\('x'"),
    "nothing": ({"a": b""}, "."),
    "no characters": (
        {"a": header("<U2", (2,)) + b"\xff\xff\xff\x7f" * 4},
        "a has the character 0x7fffffff, the last one is 0x10ffff",
    ),
    "no characters, the other byte first": ({"a": header(">U1", (1,)) + b"\x00\x11\x00\x00"}, "the character 0x110000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_declared_is_not_believed(name: str, tmp_path) -> None:
    members, message = HOSTILE[name]
    path = archive(tmp_path / "x.npz", **members)
    tracemalloc.start()
    with pytest.raises(ValueError, match=message):
        array_file.read(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


def test_a_file_that_unpacks_to_more_than_any_model_is_refused_unread(tmp_path) -> None:
    path = archive(tmp_path / "x.npz", a=header("|i1", (1 << 27,)) + bytes(1 << 27))
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"bytes of arrays, expected at most 134,217,728"):
        array_file.read(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


def test_damage_anywhere_is_a_value_error(tmp_path) -> None:
    np.savez_compressed(tmp_path / "x.npz", **ARRAYS)
    whole = (tmp_path / "x.npz").read_bytes()
    path = tmp_path / "damaged.npz"
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 1 + rng.integers(3)):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(len(whole))] if rng.random() < 0.2 else damaged)
        try:
            found = array_file.read(path)
        except ValueError:
            continue
        assert all(isinstance(array, np.ndarray) for array in found.values())
    for other in (b"", npy(np.zeros(3)), pickle.dumps({"x": 1}), b"PK\x03\x04"):
        path.write_bytes(other)
        with pytest.raises(ValueError, match=r"."):
            array_file.read(path)
    with pytest.raises(FileNotFoundError):
        array_file.read(tmp_path / "missing.npz")


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "x" * 201])
def test_a_name_that_would_garble_the_line_is_refused(name: str, tmp_path: pathlib.Path) -> None:
    path = archive(tmp_path / "odd.npz", **{name: npy(np.zeros(3))})
    with pytest.raises(ValueError, match="is no name of an array") as raised:
        array_file.read(path)
    assert str(raised.value).isprintable() and len(str(raised.value)) < 300


def test_an_array_twice_is_refused(tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        for value in (1, 2):
            file.writestr("a.npy", npy(np.array([value])))
    with pytest.raises(ValueError, match=r"a\.npy stands there twice"):
        array_file.read(tmp_path / "x.npz")


@pytest.mark.parametrize("name", [name for name in ARRAYS if name not in ("names",)])
def test_an_array_is_mapped_as_numpy_maps_it(name: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, ARRAYS[name])
    found = array_file.mapped(path)
    np.testing.assert_array_equal(found, ARRAYS[name])
    assert found.dtype == ARRAYS[name].dtype and found.flags.f_contiguous == ARRAYS[name].flags.f_contiguous


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header("|i1", (10**11,)), "x.npy declares 100,000,000,000 bytes, the file holds 0"),
        (header("<f8", (2**40, 2**40)), "x.npy declares"),
        (npy(np.arange(9))[:-1], "x.npy declares 72 bytes, the file holds 71"),
        (npy(np.array([{}], object)), "x.npy holds object"),
        (npy(np.zeros(2, [("a", "i4")])), "x.npy is described as"),
        (b"\x93NUMPY\x01\x00\x02\x00{(", "never closed|was not|EOF|unexpected"),
        (b"PK\x03\x04", "it holds several arrays"),
        (b"", "x.npy begins with b''"),
        (pickle.dumps(1), "x.npy begins with"),
    ],
)
def test_what_is_no_whole_array_is_not_mapped(content: bytes, message: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        array_file.mapped(path)


def test_what_is_written_is_read_again_always_the_same_bytes(tmp_path: pathlib.Path) -> None:
    for name in ("first.npz", "second.npz"):
        array_file.write(tmp_path / name, ARRAYS)
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()
    found = array_file.read(tmp_path / "first.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="no device that is full")
def test_a_full_disk_is_one_error(recwarn: pytest.WarningsRecorder, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="No space left"):
        array_file.write("/dev/full", ARRAYS)
    gc.collect()
    assert "Traceback" not in capfd.readouterr().err and not recwarn.list
