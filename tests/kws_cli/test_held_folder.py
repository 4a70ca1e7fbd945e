"""Temporary folders go with who made them, or with the next one of their kind."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import pytest

from kws_cli import held_folder

KILLED = """
import os, signal, sys
from kws_cli import held_folder
with held_folder.made("kind-", sys.argv[1]) as folder:
    (folder / "clips").write_bytes(bytes(1000))
    print(folder.name, flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def names(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_lasts_as_long_as_its_block(tmp_path) -> None:
    with pytest.raises(KeyError), held_folder.made("kind-", tmp_path) as folder:
        (folder / "file").touch()
        assert folder.parent == tmp_path and names(tmp_path) == [folder.name]
        raise KeyError
    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_removed_by_the_next_one(tmp_path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), "killed"], check=False)
    assert done.returncode == -signal.SIGKILL and len(names(tmp_path)) == 1
    with held_folder.made("other-", tmp_path):
        assert len(names(tmp_path)) == 2  # another kind
    with held_folder.made("kind-", tmp_path) as folder:
        assert names(tmp_path) == [folder.name]


def test_what_another_process_works_in_stays(tmp_path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), "lives"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        theirs = process.stdout.readline().strip()
        with held_folder.made("kind-", tmp_path) as ours:
            assert names(tmp_path) == sorted([theirs, ours.name])
        assert names(tmp_path / theirs) == [held_folder.HELD, "clips"]
        process.stdin.close()
    assert names(tmp_path) == []


def test_what_is_none_of_its_kind_stays(tmp_path) -> None:
    for name in ("kind-of-mine", "kind-abcdefgh", "unkind-abcdefgh"):
        (tmp_path / name).mkdir()
    (tmp_path / "unkind-abcdefgh" / held_folder.HELD).touch()
    (tmp_path / "kind-a-link").symlink_to(tmp_path / "unkind-abcdefgh")
    (tmp_path / "kind-a-file").touch()
    before = names(tmp_path)
    with held_folder.made("kind-", tmp_path):
        pass
    assert names(tmp_path) == before


def test_a_place_that_is_not_there_is_an_os_error(tmp_path) -> None:
    with pytest.raises(OSError, match="nowhere"), held_folder.made("kind-", tmp_path / "nowhere"):
        pass


def test_a_commands_temporary_files_go_with_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with held_folder.of_command():
        handle, name = tempfile.mkstemp()  # as a library makes it that does not live to remove it
        os.close(handle)
        (folder,) = tmp_path.iterdir()
        assert pathlib.Path(name).parent == folder and held_folder.system_folder() == tmp_path
        with held_folder.of_command():
            assert held_folder.system_folder() == tmp_path
    assert tempfile.gettempdir() == str(tmp_path) and list(tmp_path.iterdir()) == []


def test_a_killed_commands_temporary_files_go_with_the_next(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import os, tempfile\nfrom kws_cli import held_folder\nwith held_folder.of_command():\n"
    code += "    tempfile.mkstemp()\n    os.kill(os.getpid(), 9)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert len(list(tmp_path.rglob("tmp*"))) == 1
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with held_folder.of_command():
        pass
    assert list(tmp_path.iterdir()) == []


CUT_SHORT = """
import os, pathlib, sys, tempfile
from kws_cli import held_folder
from scripts.kill_point import Points
points = Points(sys.argv[1], int(sys.argv[2]))
points.install()
with held_folder.of_command(), held_folder.made("kind-") as folder:
    (folder / "clips").mkdir()
    (folder / "clips" / "a").touch()
    (folder / "b").touch()
print(points.reached)
"""


def test_a_kill_at_any_write_leaves_nothing_for_good(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the making, between folder and lock, in the removal: the next one removes the rest."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    def cut_short(at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", CUT_SHORT, str(tmp_path), str(at)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    points = int(cut_short(0).stdout)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert points > 10 and list(tmp_path.iterdir()) == []
    for at in range(1, points + 1):
        assert cut_short(at).returncode == -9
        with held_folder.of_command():
            pass
        assert list(tmp_path.iterdir()) == [], at
