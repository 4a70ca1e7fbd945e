"""A file or folder is the old one or the whole new one, whatever happens while it is written."""

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

from kws_cli import atomic


class Stopped(Exception):
    """Stands in for whatever ends a program."""


def entries(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def new_folder(path: pathlib.Path, text: str) -> None:
    with atomic.writing(path) as fresh:
        fresh.mkdir()
        (fresh / "a").write_text(text)


def test_a_file_is_made_with_its_folder_and_replaced(tmp_path) -> None:
    path = tmp_path / "new" / "file.txt"
    atomic.write_text(path, "one\n")
    atomic.write_text(path, "two\n")
    assert path.read_text() == "two\n"
    assert entries(path.parent) == ["file.txt"]


def test_the_file_has_its_own_name_while_it_is_written(tmp_path) -> None:
    with atomic.writing(tmp_path / "codes.npy") as fresh:
        np.save(fresh, np.arange(3))  # which appends .npy to another name
        assert not (tmp_path / "codes.npy").exists()
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), [0, 1, 2])


def test_what_was_there_stays_where_writing_fails(tmp_path) -> None:
    atomic.write_text(tmp_path / "file", "old")
    new_folder(tmp_path / "folder", "old")
    for name in ("file", "folder/a"):
        with pytest.raises(Stopped), atomic.writing(tmp_path / name) as fresh:
            fresh.write_text("half")
            raise Stopped
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "a").read_text() == "old"
    assert entries(tmp_path) == ["file", "folder"] and entries(tmp_path / "folder") == ["a"]


def test_a_folder_is_replaced_with_all_that_is_in_it(tmp_path) -> None:
    path = tmp_path / "folder"
    new_folder(path, "old")
    (path / "b").touch()
    new_folder(path, "new")
    assert entries(path) == ["a"] and (path / "a").read_text() == "new"
    assert entries(tmp_path) == ["folder"]


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_is_replaced_on_any_file_system(exchanges: bool, tmp_path, monkeypatch) -> None:
    if not exchanges:
        monkeypatch.setattr(atomic, "_exchange", lambda *paths: False)
    for text in ("old", "new"):
        new_folder(tmp_path / "folder", text)
    assert (tmp_path / "folder" / "a").read_text() == "new" and entries(tmp_path) == ["folder"]


# Ends itself before or after a step of the second writing: argv are the folder, the step's name, and which of both.
KILLED = """
import os, pathlib, signal, sys
from kws_cli import atomic
folder, step, when = sys.argv[1:]
def write(text):
    with atomic.writing(pathlib.Path(folder) / "bundle") as fresh:
        fresh.mkdir()
        (fresh / "a").write_text(text)
        (fresh / "b").write_text(text)
write("old")
module, name = (os, step[3:]) if step.startswith("os.") else (atomic, step)
right = getattr(module, name)
def wrong(*arguments):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    right(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(module, name, wrong)
write("new")
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["put", "_flush", "_move", "_exchange", "os.fsync"])
def test_a_folder_is_whole_whenever_its_writer_is_killed(step: str, when: str, tmp_path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), step, when], check=False)
    assert done.returncode == -signal.SIGKILL
    texts = {name: (tmp_path / "bundle" / name).read_text() for name in entries(tmp_path / "bundle")}
    assert texts in ({"a": "old", "b": "old"}, {"a": "new", "b": "new"})
    new_folder(tmp_path / "bundle", "next")
    assert entries(tmp_path) == ["bundle"]  # what the killed one left is gone


def test_an_old_folder_comes_back_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch) -> None:
    path = tmp_path / "folder"
    new_folder(path, "old")
    replace = os.replace

    def fails(source: pathlib.Path, target: pathlib.Path) -> None:
        if pathlib.Path(source).name == "folder" and pathlib.Path(target) == path:
            raise OSError("no room")
        replace(source, target)

    monkeypatch.setattr(atomic, "_exchange", lambda *paths: False)
    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="no room"):
        new_folder(path, "new")
    assert (path / "a").read_text() == "old"
    assert entries(tmp_path) == ["folder"]


def test_a_file_never_takes_a_folders_place(tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        atomic.write_text(tmp_path / "folder", "text")
    assert entries(tmp_path) == ["folder"]


def test_a_link_is_followed(tmp_path) -> None:
    atomic.write_text(tmp_path / "elsewhere" / "file", "old")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "file")
    atomic.write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "elsewhere" / "file").read_text() == "new"


def test_everything_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch) -> None:
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda handle: done.append(os.readlink(f"/proc/self/fd/{handle}")) or fsync(handle)
    )
    monkeypatch.setattr(os, "replace", lambda *paths: done.append("moved") or replace(*paths))
    new_folder(tmp_path / "folder", "text")
    names = [pathlib.Path(path).name for path in done]
    assert names == ["folder", "a", "moved", tmp_path.name]


def test_others_may_read_what_the_umask_lets_them(tmp_path) -> None:
    mask = os.umask(0o022)
    try:
        new_folder(tmp_path / "folder", "text")
    finally:
        os.umask(mask)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "folder", tmp_path / "folder" / "a")]
    assert modes == [0o755, 0o644]
