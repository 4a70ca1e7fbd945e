"""Programs on an emulated board: many models in one firmware, compiled as for a product."""

import pathlib
import tempfile
from collections.abc import Sequence

import numpy as np

from export.fuzzing.programs import machine, many_models_source
from export.fuzzing.programs.machine import RunError, Sums
from export.fuzzing.programs.planned import Planner
from export.fuzzing.programs.program import Program
from export.plan import CHOICES, PORTABLE
from microcontroller import boards
from microcontroller.emulator import qemu
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware import build, clip_image
from microcontroller.firmware.build_error import BuildError
from microcontroller.measurement import protocol
from microcontroller.measurement.protocol import DeviceError

_TIMEOUT_S = 1800.0
_WINDOWS = 1
"""Programs on one window: compiling them takes the most time, and this machine runs them all."""


class BoardMachine:
    """A board in QEMU, with the kernels made for its core.

    Attributes:
      name: of the board.
      planner: of its profiles, and of their kernels at random.
    """

    def __init__(self, board: str, folder: pathlib.Path) -> None:
        """Compiles the engine once.

        Args:
          board: one of `boards.names()`.
          folder: for builds; its caller's.

        Raises:
          BoardError: an unknown board.
          BuildError: no toolchain, or C that does not compile.
        """
        self.name = board
        target = boards.load(board)
        self._ram_bytes, profiles = target.ram_bytes, target.profiles
        # The portable kernels are everywhere the same: where there are others, those are what is to be seen.
        profiles = tuple(name for name in profiles if name != PORTABLE or profiles[0] == PORTABLE)
        kernels = dict.fromkeys(kernel for profile in profiles for kernel in CHOICES[profile].kernels)
        self.planner = Planner(profiles, tuple(kernels), _WINDOWS)
        self._folder = folder
        self._kernels = build.compiled(build.own_kernels(), board, folder / board)

    def holds(self, programs: Sequence[Program]) -> bool:
        """Whether the board may have memory for them: a build that can't be linked takes as long as one that can."""
        return sum(many_models_source.shared_memory(programs).values()) + build.STACK_BYTES <= self._ram_bytes

    def run(self, programs: Sequence[Program]) -> list[Sums | str]:
        """One firmware with all of them. Raises `RunError` or `DoesNotFit`."""
        try:
            with tempfile.TemporaryDirectory(dir=self._folder) as name:
                return self._run(pathlib.Path(name), programs)
        except build.DoesNotFit as error:
            raise machine.DoesNotFit(machine.TOO_LARGE) from error
        except (BuildError, DeviceError, EmulatorError) as error:
            raise RunError(" ".join(str(error).split())) from error

    def _run(self, folder: pathlib.Path, programs: Sequence[Program]) -> list[Sums | str]:
        files = [*many_models_source.write(folder, programs), many_models_source.write_memory(folder, programs)]
        firmware = build.build(folder, folder / "build", self.name, self._kernels, build.many_models(files))
        inputs = np.frombuffer(many_models_source.inputs(programs), np.int8)
        image = clip_image.write(folder / "inputs.bin", firmware, inputs[:, None])
        lines = qemu.run(firmware.board, firmware.elf, image, _TIMEOUT_S)
        protocol.check_end(lines)
        return list(machine.parse(lines))
