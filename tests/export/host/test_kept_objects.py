"""Objects are compiled once for the same content, and again for any other."""

import os
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from export.host import compiler, kept_objects
from export.host.engine import CEngine
from export.model import random_model
from export.source import model_source
from microcontroller import c_sources
from microcontroller.firmware import build

KEPT = "caches/fixed-point-kws/objects"


@pytest.fixture
def place(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Places the objects of two C files in a new folder, and says whether they were compiled for it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    files, header = [tmp_path / "a.c", tmp_path / "b.c"], tmp_path / "a.h"
    for path in (*files, header, tmp_path / "cc"):
        path.write_text(path.name)

    def placed(flags: tuple[str, ...] = ("-O2",), version: str = "cc 1") -> bool:
        command = (str(tmp_path / "cc"), *flags)
        folder = tmp_path / f"objects{len(list(tmp_path.glob('objects*')))}"
        folder.mkdir()
        compiled: list[pathlib.Path] = []

        def compile_here() -> None:
            for file in files:
                (folder / f"{file.stem}.o").write_text(f"{file.read_text()} {header.read_text()} {command}")
                compiled.append(file)

        found = kept_objects.place(folder, command, version, files, [header], compile_here)
        assert found == [folder / "a.o", folder / "b.o"]
        expected = [f"{file.read_text()} {header.read_text()} {command}" for file in files]
        assert [path.read_text() for path in found] == expected
        return bool(compiled)

    return placed


def test_the_same_is_compiled_once(place: Callable[..., bool]) -> None:
    assert [place(), place(), place()] == [True, False, False]


@pytest.mark.parametrize("name", ["a.c", "b.c", "a.h"])
def test_other_files_are_compiled_again(name: str, place: Callable[..., bool], tmp_path: pathlib.Path) -> None:
    assert place()
    kept = (tmp_path / name).read_text()
    (tmp_path / name).write_text("edited")
    assert place() and not place()
    (tmp_path / name).write_text(kept)
    assert not place()


def test_so_is_the_same_for_another_compiler(
    place: Callable[..., bool], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place()
    assert place(("-O1",)) and place(version="cc 2")
    monkeypatch.setattr("platform.machine", lambda: "another")  # that shares the home
    assert place() and not place()
    (tmp_path / "cc").write_text("another that says the same")
    assert place() and not place()
    monkeypatch.setenv("NIX_CFLAGS_COMPILE", "-O0")
    assert place() and not place()


@pytest.mark.parametrize("name", ["CPATH", "C_INCLUDE_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX"])
def test_nothing_is_kept_of_headers_and_programs_that_the_environment_names(
    name: str, place: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place()
    monkeypatch.setenv(name, "elsewhere")
    assert place() and place()
    monkeypatch.setenv(name, "")
    assert not place()


def test_damaged_objects_are_compiled_again(place: Callable[..., bool], tmp_path: pathlib.Path) -> None:
    assert place()
    (kept,) = (tmp_path / KEPT).iterdir()
    whole = kept.read_bytes()
    start = whole.index(b"a.c a.h")
    for damaged in (b"", whole[:-9], whole[:start] + b"x" + whole[start + 1 :]):
        kept.write_bytes(damaged)
        assert place() and not place()
    for at in range(len(whole)):  # also where it says how, if at all, a member is compressed: deflate, LZMA
        for value in (8, 14):
            kept.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            place()


def test_what_is_no_file_of_this_users_is_not_read(place: Callable[..., bool], tmp_path: pathlib.Path) -> None:
    assert place()
    (kept,) = (tmp_path / KEPT).iterdir()
    elsewhere = kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(elsewhere)
    assert place() and elsewhere.is_file()
    kept.unlink(missing_ok=True)
    os.mkfifo(kept)  # is not waited for
    assert place() and not place()
    with kept.open("r+b") as file:
        file.truncate(1 << 40)
    assert place() and not place()
    kept.chmod(0o666)
    assert place() and not place()
    (tmp_path / KEPT / "a folder.zip").mkdir()
    assert not place()


def test_a_folder_of_somebody_else_is_not_used(
    place: Callable[..., bool], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place() and not place()
    user = os.geteuid()
    with monkeypatch.context() as another:
        another.setattr("os.geteuid", lambda: user + 1)
        another.setattr("kws_cli.user_cache._ROOT", -1)
        assert place() and place()
    assert not place()


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o077])
def test_only_this_user_can_write_what_is_kept(mask: int, place: Callable[..., bool], tmp_path: pathlib.Path) -> None:
    before = os.umask(mask)
    try:
        (tmp_path / KEPT).mkdir(parents=True)  # as an earlier version did
        assert place() and not place()
    finally:
        os.umask(before)
    for path in (tmp_path / KEPT, *(tmp_path / KEPT).iterdir()):
        assert not path.stat().st_mode & 0o077


def test_a_clock_before_zip_files_were_invented(place: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    write_text = pathlib.Path.write_text

    def written_long_ago(path: pathlib.Path, text: str) -> None:
        write_text(path, text)
        os.utime(path, (0, 0))

    monkeypatch.setattr(pathlib.Path, "write_text", written_long_ago)
    assert place() and not place()


def test_without_a_folder_nothing_is_kept(place: Callable[..., bool], tmp_path: pathlib.Path) -> None:
    (tmp_path / "caches").write_text("a file")
    assert place() and place()


def test_the_last_used_are_kept(
    place: Callable[..., bool], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_objects, "_MOST", 2)
    assert place(("-D1",)) and place(("-D2",))
    assert not place(("-D1",))
    assert place(("-D3",))
    assert len(list((tmp_path / KEPT).iterdir())) == 2
    assert not place(("-D1",)) and place(("-D2",))


def test_the_engine_is_not_compiled_for_another_model(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for this machine nor for a board."""
    commands: list[str] = []

    def recorded(run: Callable[..., Any]) -> Callable[..., Any]:
        def call(command: list[str], *rest: Any, **named: Any) -> Any:
            commands.extend(command)
            return run(command, *rest, **named)

        return call

    for module in (compiler, build):
        monkeypatch.setattr(module, "_run", recorded(module._run))
    kernels = {str(path) for path in c_sources.engine().files}
    for seed in range(2):
        commands.clear()
        folder = tmp_path / str(seed)
        folder.mkdir()
        for name, text in model_source.generate(random_model.ds_cnn(seed, channels=4, blocks=1)).items():
            (folder / name).write_text(text)
        CEngine.build(folder).close()
        build.build(folder, folder / "build")
    assert commands.count(str(folder / model_source.SOURCE)) == 2
    assert not kernels & set(commands)
