"""Kills this process at its n-th write below a folder: what Python tells of opens, renames and removals is counted.

Files are opened for writing, folders made, names changed and removed; each is a point. The kill comes a moment after
the point was reached, so that it can fall into the middle of a write, too. Nothing in the project knows of it.
"""

import os
import signal
import sys
import threading
import time
from typing import Any

_PATHS = {
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Points:
    """Counts points; `install` makes Python tell of them.

    Attributes:
      within: the folder.
      at: the point that kills, from 1 on; 0 for none.
      delay: seconds from the point to the kill.
      reached: points so far.
    """

    def __init__(self, within: str, at: int = 0, delay: float = 0.0) -> None:
        self.within, self.at, self.delay = os.path.join(os.path.realpath(within), ""), at, delay
        self.reached = 0

    def install(self) -> None:
        """From now on, for as long as the process lives."""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            counts = isinstance(flags, int) and flags & _WRITING and self._is_within(path)
        else:
            counts = any(self._is_within(arguments[i]) for i in _PATHS.get(event, ()))
        if not counts:
            return
        self.reached += 1
        if self.reached == self.at:
            self._kill()

    def _is_within(self, path: object) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        return os.path.abspath(os.fsdecode(path)).startswith(self.within)

    def _kill(self) -> None:
        if not self.delay:
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Thread(target=self._kill_later, daemon=True).start()

    def _kill_later(self) -> None:
        time.sleep(self.delay)
        os.kill(os.getpid(), signal.SIGKILL)
