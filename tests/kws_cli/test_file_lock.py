"""A lock is one process's, or shared; it ends with its holder, and its file can go while others wait for it."""

import errno
import pathlib
import subprocess
import sys
import threading
import time

import pytest

from kws_cli import file_lock

HOLDER = """
import sys, time
from kws_cli import file_lock
lock = file_lock.take(sys.argv[1])
print("held", flush=True)
time.sleep(60)
"""


def test_one_alone_or_several_together(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "lock"
    alone = file_lock.take(path)
    assert alone is not None
    assert file_lock.take(path, wait=False) is None and file_lock.take(path, shared=True, wait=False) is None
    alone.release()
    alone.release()
    together = [file_lock.take(path, shared=True, wait=False) for _ in range(2)]
    assert all(together) and file_lock.take(path, wait=False) is None
    del together
    assert file_lock.take(path, wait=False) is not None


def test_it_ends_with_the_process_that_holds_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        assert file_lock.take(path, wait=False) is None
        process.kill()
        process.wait()
        assert file_lock.take(path, wait=False) is not None


def test_who_waits_for_a_lock_whose_file_is_removed_gets_one_that_others_see(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "lock"
    first = file_lock.take(path)
    assert first is not None
    got: list[file_lock.FileLock | None] = []
    waiter = threading.Thread(target=lambda: got.append(file_lock.take(path)))
    waiter.start()
    time.sleep(0.1)
    first.remove()
    waiter.join(10)
    assert got and path.exists() and file_lock.take(path, wait=False) is None
    assert got[0] is not None
    got[0].remove()
    assert not path.exists()
    got[0].remove()


def test_a_file_system_without_locks(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(handle: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", missing)
    with pytest.raises(OSError, match="not implemented"):
        file_lock.take(tmp_path / "lock")
    assert all(file_lock.take(tmp_path / "lock", wait=False, needed=False) for _ in range(2))
