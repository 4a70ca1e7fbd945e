"""What the machines of a cluster read in tests: numbers."""

import os
import pathlib
import time


def read_slowly(number: int) -> int:
    """Its square, after a tenth of a second; the file of events has a line of who read it."""
    with pathlib.Path(os.environ["KWS_TEST_EVENTS"]).open("a", encoding="utf-8") as file:
        file.write(f"{os.environ['KWS_TEST_MACHINE']} {number}\n")
    time.sleep(0.1)
    return number * number


def tenth_of(number: int) -> int:
    return 10 // number
