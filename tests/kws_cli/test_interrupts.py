"""Ctrl-C that came where nobody could take it ends a command at its next `check`."""

import subprocess
import sys

PROGRAM = """
import os, signal, sys, time
from absl import flags
from kws_cli import command, interrupts

class Ends:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

def work(values):
    interrupts.check()
    Ends()
    print("went on", flush=True)
    interrupts.check()
    print("was not stopped", flush=True)

signal.signal(signal.SIGINT, %s)
command.run(work, lambda: None)
"""


def run(handler: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", PROGRAM % handler], capture_output=True, text=True, check=False)


def test_an_interrupt_that_python_drops_is_not_lost() -> None:
    done = run("signal.default_int_handler")
    assert (done.returncode, done.stdout, done.stderr) == (130, "went on\n", "interrupted\n")


def test_where_interrupts_are_ignored_they_stay_so() -> None:
    done = run("signal.SIG_IGN")
    assert (done.returncode, done.stdout, done.stderr) == (0, "went on\nwas not stopped\n", "")
