"""Ctrl-C, for programs that go on in other people's code: what asks for the end is not lost there.

Python raises `KeyboardInterrupt` wherever the main thread is. In a `__del__` or another callback nobody can take it,
and Python drops it: TensorFlow has many of these. So whoever computes for long asks `check` from time to time.
"""

import signal
import sys
import threading
from types import FrameType
from typing import Any, NoReturn

_asked = threading.Event()


def listen() -> None:
    """Takes note of SIGINT from now on, where Python would raise `KeyboardInterrupt`, and still raises it."""
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        sys.unraisablehook = _say_what_is_lost


def check() -> None:
    """Raises `KeyboardInterrupt` where one was asked for since `listen`, whatever became of that one."""
    if _asked.is_set():
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _asked.set()
    raise KeyboardInterrupt


def _say_what_is_lost(lost: Any) -> None:
    if not (issubclass(lost.exc_type, KeyboardInterrupt) and _asked.is_set()):
        sys.__unraisablehook__(lost)
