"""All that this machine can compare: C of every profile with sanitizers, streams, TensorFlow Lite Micro."""

import pathlib
from collections.abc import Sequence

from export.fuzzing import tflm
from export.fuzzing.case import Case
from export.fuzzing.programs import machine
from export.fuzzing.programs.host_machine import HostMachine
from export.fuzzing.tally import Check, Failure, Tally


def check_in(folder: pathlib.Path) -> Check:
    """The comparison, which compiles in a folder of its caller's. Raises `HostError`."""
    host = HostMachine(folder)

    def check(cases: Sequence[Case], tally: Tally, only: str | None = None) -> list[Failure]:
        return [*machine.check(host, cases, tally, only), *tflm.check(cases, tally, only)]

    return check
