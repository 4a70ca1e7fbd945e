"""Worker processes end when they are told to, on a machine without the program pgrep, too."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import loky
import pytest

from kws_cli.worker_pool import start_workers

SECONDS = 60
SHUT_DOWN = """
import pathlib, sys, time
from kws_cli.worker_pool import start_workers

def work(started):
    import os, pathlib, subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"], stderr=subprocess.DEVNULL)
    pathlib.Path(started).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(100)

started = pathlib.Path(sys.argv[1])
pool = start_workers(1)
pool.submit(work, str(started))
while not (started.exists() and started.read_text()):
    time.sleep(0.05)
pool.shutdown(wait=True, kill_workers=True)
"""


def _runs(process: int) -> bool:
    """Whether a process is there and is no zombie, which only waits to be reaped."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_killed_workers_and_their_children_end_without_pgrep(tmp_path: pathlib.Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path)}
    command = [sys.executable, "-c", SHUT_DOWN, str(tmp_path / "started")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    tree = [int(process) for process in (tmp_path / "started").read_text().split()]
    assert len(tree) == 2 and not any(_runs(process) for process in tree)


def test_an_interrupt_while_workers_start_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes when they have started, and ends them."""
    pools = []
    submit = loky.ProcessPoolExecutor.submit

    def interrupted(pool: loky.ProcessPoolExecutor, *task: object) -> object:
        pools.append(pool)
        os.kill(os.getpid(), signal.SIGINT)
        found = submit(pool, *task)
        pools.append(found)
        return found

    monkeypatch.setattr(loky.ProcessPoolExecutor, "submit", interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        start_workers(1)
    assert len(pools) == 2  # it came after the task
    assert signal.getsignal(signal.SIGINT) is before
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
    with pytest.raises(RuntimeError):
        submit(pools[0], int)


KILLED = """
import os, pathlib, signal, sys, time
from kws_cli.worker_pool import start_workers

def work(folder):
    import os, pathlib, time
    pathlib.Path(folder, str(os.getpid())).touch()
    time.sleep(100)

folder = pathlib.Path(sys.argv[1])
pool = start_workers(2)
for _ in range(2):
    pool.submit(work, str(folder))
while len(list(folder.iterdir())) < 2:
    time.sleep(0.05)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_end_with_a_parent_that_is_killed(tmp_path: pathlib.Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=SECONDS, check=False)
    assert done.returncode == -signal.SIGKILL
    workers = [int(path.name) for path in tmp_path.iterdir()]
    deadline = time.monotonic() + SECONDS / 2
    while any(map(_runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [worker for worker in workers if _runs(worker)]
    for worker in left:
        os.kill(worker, signal.SIGKILL)
    assert len(workers) == 2 and not left


@pytest.mark.parametrize(("yielding", "more"), [(True, 10), (False, 0)])
def test_workers_yield_where_they_are_to(yielding: bool, more: int) -> None:
    pool = start_workers(1, yielding=yielding)
    try:
        assert pool.submit(os.nice, 0).result() == min(19, os.nice(0) + more)
    finally:
        pool.shutdown(kill_workers=True)
