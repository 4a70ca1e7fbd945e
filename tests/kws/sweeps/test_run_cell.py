"""A cell ends with its sweep, whatever it is doing."""

import os
import subprocess
import sys
import time

# What does not end at Ctrl-C: foreign code that drops it.
STUBBORN = """
import os, signal, sys, time
from kws.sweeps import run_cell
run_cell._stop_with_sweep(int(sys.argv[1]))
# Straight to the pipe: what asks may come while "begun" is being written, and a buffer is not entered twice.
signal.signal(signal.SIGINT, lambda number, frame: os.write(1, b"asked\\n"))
os.write(1, b"begun\\n")
time.sleep(30)
"""


def stubborn(sweep: int) -> subprocess.Popen[str]:
    """Such a cell, whose sweep has just closed its pipe."""
    cell = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, str(sweep)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert cell.stdin and cell.stdout and cell.stdout.readline() == "begun\n"
    cell.stdin.close()
    assert cell.stdout.readline() == "asked\n"
    return cell


def test_what_does_not_end_is_cut_off_once_its_sweep_is_dead() -> None:
    with stubborn(os.getpid()) as waited_for, stubborn(0) as orphan:
        began = time.monotonic()
        try:
            assert orphan.wait(20) == 130
            assert time.monotonic() - began < 5
            assert waited_for.poll() is None
        finally:
            waited_for.kill()
            orphan.kill()
