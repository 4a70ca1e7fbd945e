"""Counts of executed instructions, from QEMU with this project's plugin."""

import dataclasses
import pathlib
import re
import subprocess
from collections.abc import Sequence

from export.host import compiler
from export.host.host_error import HostError
from microcontroller.cycles.cycles_error import CyclesError
from microcontroller.emulator import qemu
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware.build import Firmware, tool
from microcontroller.firmware.clip_image import ClipImage

_FOLDER = pathlib.Path(__file__).parent
_SOURCE = _FOLDER / "count_instructions.c"
_ENTRY, _OBSERVER = "fxp_model_invoke", "observe_layer"
_HARNESS = ".firmware_text"
_API_VERSION = 1
_OTHER_VERSION = re.compile(r"supports only (?:a minimum version of|up to version) (\d+)")


class Unavailable(CyclesError):
    """The plugin can't be had on this machine; the message is the reason."""


@dataclasses.dataclass(frozen=True)
class Site:
    """How often an instruction ran.

    Attributes:
      executed: in all.
      left: of these, followed by another instruction than the one behind it in memory.
      jumped: of these, preceded by another instruction than the one ahead of it in memory.
    """

    executed: int
    left: int
    jumped: int


Segment = dict[int, Site]
"""Sites by address; what ran between two calls of the observer, or in a whole inference."""


@dataclasses.dataclass(frozen=True)
class Counts:
    """One inference as a whole, and again layer by layer.

    Attributes:
      inference: unobserved.
      layers: of an observed inference, one segment per layer.
    """

    inference: Segment
    layers: tuple[Segment, ...]


def count(firmware: Firmware, image: ClipImage, observed: Sequence[int], timeout_s: float) -> Counts:
    """Runs the firmware over an image of one clip.

    Args:
      observed: layers in the order in which an observer sees their outputs; again for each row where it sees rows.

    Raises:
      Unavailable: no compiler for the host, or a QEMU without plugins.
      EmulatorError: the run failed.
      CyclesError: the plugin saw another number of inferences or layers.
    """
    folder = firmware.elf.parent
    out = folder / "counts.txt"
    version = _API_VERSION
    try:
        qemu.run(firmware.board, firmware.elf, image, timeout_s, _options(_plugin(folder, version), firmware, out))
    except EmulatorError as error:
        wanted = _OTHER_VERSION.search(str(error))
        if wanted is None:
            raise _explained(error) from error
        plugin = _plugin(folder, int(wanted[1]))
        try:
            qemu.run(firmware.board, firmware.elf, image, timeout_s, _options(plugin, firmware, out))
        except EmulatorError as second:
            raise _explained(second) from second
    return parse(out.read_text(encoding="utf-8"), observed)


def _explained(error: EmulatorError) -> EmulatorError | Unavailable:
    return Unavailable(f"QEMU can't use the plugin: {error}") if "plugin" in str(error) else error


def _plugin(folder: pathlib.Path, version: int) -> pathlib.Path:
    """Compiles the plugin for a version of QEMU's plugin interface."""
    library = folder / f"count_instructions{version}.so"
    try:
        gcc = compiler.path()
    except HostError as error:
        raise Unavailable(str(error)) from error
    flags = [
        *compiler.C_FLAGS,
        "-O2",
        "-shared",
        "-fPIC",
        "-fvisibility=hidden",
        f"-DQEMU_PLUGIN_API_VERSION={version}",
    ]
    command = [gcc, *flags, str(_SOURCE), "-o", str(library)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Unavailable(f"{gcc} can't be started: {error.strerror}") from error
    if done.returncode:
        reason = (done.stderr.splitlines() or [f"exit code {done.returncode}"])[0]
        raise Unavailable(f"QEMU's plugin does not compile: {reason}")
    return library


def _options(plugin: pathlib.Path, firmware: Firmware, out: pathlib.Path) -> list[str]:
    symbols = _symbols(firmware)
    harness = next(section for section in firmware.sections if section.name == _HARNESS)
    values = {
        "out": qemu.escaped(out),
        "code": f"{firmware.board.flash_origin:x}-{firmware.flash_end:x}",
        "harness": f"{harness.address:x}-{harness.address + harness.bytes:x}",
        "entry": f"{symbols[_ENTRY]:x}",
        "observer": f"{symbols[_OBSERVER]:x}",
    }
    return [
        "-plugin",
        ",".join([f"file={qemu.escaped(plugin)}", *(f"{name}={value}" for name, value in values.items())]),
    ]


def _symbols(firmware: Firmware) -> dict[str, int]:
    listing = subprocess.run(
        [tool("nm", firmware.board.instruction_set), str(firmware.elf)], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split() for line in listing.splitlines())
    return {row[2]: int(row[0], 16) for row in rows if len(row) == 3}


def parse(text: str, observed: Sequence[int]) -> Counts:
    """Reads the plugin's lines: a warm-up, an inference and an observed inference, in this order.

    Args:
      observed: as `count` takes it.

    Raises:
      CyclesError: another number of inferences or layers.
    """
    segments: dict[tuple[int, int], Segment] = {}
    for line in text.splitlines():
        inference, segment, address, *numbers = line.split()
        segments.setdefault((int(inference), int(segment)), {})[int(address, 16)] = Site(*map(int, numbers))
    expected = [(0, 0), (1, 0), *((2, segment) for segment in range(len(observed) + 1))]
    if sorted(segments) != expected:
        raise CyclesError(f"QEMU's plugin saw the segments {sorted(segments)}, expected {expected}: run it again")
    layers: dict[int, list[Segment]] = {layer: [] for layer in range(max(observed) + 1)}
    for number, layer in enumerate(observed):
        layers[layer].append(segments[2, number])
    return Counts(segments[1, 0], tuple(map(_sum, layers.values())))


def _sum(segments: Sequence[Segment]) -> Segment:
    """Of a layer whose rows were seen one by one."""
    total = dict(segments[0])
    for segment in segments[1:]:
        for address, site in segment.items():
            before = total.get(address, Site(0, 0, 0))
            added = (before.executed + site.executed, before.left + site.left, before.jumped + site.jumped)
            total[address] = Site(*added)
    return total
