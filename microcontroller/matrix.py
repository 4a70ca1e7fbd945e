"""Every bundle in every profile on every board: each logit code of each input against the exact interpreter.

Inputs are all of a bundle's golden vectors and adversarial and random codes besides. What has been compared is kept
in a folder, so that a run that was stopped goes on where it was; it is compared again once the firmware's bytes or
the inputs are others.

    python -m microcontroller.matrix --bundles=B,C --json=-
    python -m microcontroller.matrix --bundles=B --boards=nrf51,stm32f4 --profiles=portable --random_codes=10000
"""

import dataclasses
import hashlib
import itertools
import json
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
from absl import flags

from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.plan import PROFILES
from kws_cli import atomic, command, json_file
from kws_cli.command import UserError
from kws_cli.table import aligned
from microcontroller import bench, boards
from microcontroller.emulator import qemu
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware import build
from microcontroller.firmware.build import DoesNotFit, Kernels
from microcontroller.firmware.build_error import BuildError
from microcontroller.measurement import inference
from microcontroller.measurement.engines import ENGINES, FXP
from microcontroller.measurement.inference import Bench, Inputs
from microcontroller.measurement.measurement_error import MeasurementError

ALL = "all"
EQUAL, DIFFERS, NO_ROOM, FAILED = "equal", "differs", "does not fit", "failed"
_MEASURED = ("instructions_per_inference", "arena_bytes", "stack_bytes", "flash_bytes", "ram_bytes")


class _Kept(msgspec.Struct):
    key: str
    found: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class MatrixConfig:
    """What to compare.

    Attributes:
      bundles: folders.
      boards: folders of `boards`.
      profiles: of `export.plan`.
      random_codes: adversarial and random inputs, besides all golden vectors.
      folder: for firmware, images and what was compared.
      timeout_s: limit on the wall clock of one emulator run.
    """

    bundles: tuple[pathlib.Path, ...]
    boards: tuple[str, ...] = boards.names()
    profiles: tuple[str, ...] = PROFILES
    random_codes: int = 1000
    folder: pathlib.Path = pathlib.Path("build", "matrix")
    timeout_s: float = 1200.0

    def __post_init__(self) -> None:
        for name in ("bundles", "boards", "profiles"):
            given = [str(value) for value in getattr(self, name)]
            if not given or len(set(given)) != len(given):
                raise UserError(f"--{name}={','.join(given)}: name each of them once, and one at least")
        for board in self.boards:
            boards.load(board)
        for profile in self.profiles:
            if profile not in PROFILES:
                raise UserError(f"--profiles={profile} is unknown: choose from {', '.join(PROFILES)}, or {ALL}")
        if self.random_codes < 0:
            raise UserError(f"--random_codes={self.random_codes} is negative: give 0 or more")
        if not self.timeout_s > 0:
            raise UserError(f"--timeout={self.timeout_s:g}: give a positive number of seconds")


def compare(config: MatrixConfig, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Runs what has not been compared yet, in QEMU.

    Returns:
      A dictionary: `emulator_version, random_codes, inputs, logit_codes, mismatches, cells`. `cells` has one
      dictionary for every bundle, profile and board, with `state`: "equal", "differs", "does not fit" (the board's
      memory can't take the model) or "failed" (`reason` says why), and what was measured where it ran.

    Raises:
      UserError: toolchain or QEMU is missing, a bundle can't be read, or the folder can't be written.
    """
    version = qemu.version()
    build.tool("gcc")
    try:
        config.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"can't write to --folder={config.folder}: {error.strerror}") from error
    opened = [bundles.load(path) for path in config.bundles]
    kernels = {
        board: build.compiled(ENGINES[FXP].kernels(boards.load(board)), board, config.folder / "kernels" / board)
        for board in config.boards
    }
    total = len(opened) * len(config.profiles) * len(config.boards)
    cells: list[dict[str, Any]] = []
    for bundle in opened:
        inputs = bench.inputs_of(bundle, len(bundle.golden), config.random_codes)
        for profile, board in itertools.product(config.profiles, config.boards):
            started = time.monotonic()
            cell, kept = _cell(config, version, bundle, profile, board, kernels[board], inputs)
            cells.append(cell)
            took = "kept from before" if kept else f"{time.monotonic() - started:.0f} s"
            number = f"[{len(cells):{len(str(total))}}/{total}]"
            say(f"{number} {bundle.name}, {profile}, {board}: {_outcome(cell)} ({took})")
    ran = [cell for cell in cells if cell["state"] in (EQUAL, DIFFERS)]
    return {
        "emulator_version": version,
        "counts": "instructions, not cycles and not time",
        "random_codes": config.random_codes,
        "inputs": sum(cell["inputs"] for cell in ran),
        "logit_codes": sum(cell["logit_codes"] for cell in ran),
        "mismatches": sum(cell["mismatches"] for cell in ran),
        "cells": cells,
    }


def _cell(
    config: MatrixConfig, version: str, bundle: Bundle, profile: str, board: str, kernels: Kernels, inputs: Inputs
) -> tuple[dict[str, Any], bool]:
    """A cell, and whether it had been compared before."""
    cell = {
        "bundle": str(bundle.path),
        "name": bundle.name,
        "model_sha256": bundle.model.sha256,
        "profile": profile,
        "board": board,
        "cpu": boards.load(board).cpu,
        "golden": len(bundle.golden),
    }
    folder = config.folder / bundle.model.sha256[:12] / board / profile
    # Layers are not looked at here: one inference of every run is enough for them.
    settings = Bench(qemu, board, folder, profile, config.timeout_s, estimate_cycles=False, observed=1)
    try:
        code, firmware = inference.build_engine(settings, ENGINES[FXP], bundle, kernels)
        key = _key(firmware.elf.read_bytes(), inputs, version)
        kept = _read(folder / "result.json", key)
        if kept is not None:
            return {**cell, **kept}, True
        result = inference.measure(settings, ENGINES[FXP], bundle, inputs, (code, firmware))
    except DoesNotFit as error:
        return {**cell, "state": NO_ROOM, "reason": str(error)}, False
    except (BuildError, BundleError, EmulatorError, MeasurementError) as error:
        return {**cell, "state": FAILED, "reason": str(error)}, False
    found = {
        "state": DIFFERS if result["mismatches"] else EQUAL,
        "compiler": result["compiler"],
        "inputs": len(inputs.codes),
        "logit_codes": int(inputs.expected["single"].size),
        **{name: result[name] for name in ("mismatches", "mismatch_examples", *_MEASURED)},
    }
    _write(folder / "result.json", key, found)
    return {**cell, **found}, False


def _key(elf: bytes, inputs: Inputs, version: str) -> str:
    """The sha256 of what a comparison depends on: firmware, inputs, expected logits, emulator."""
    digest = hashlib.sha256()
    for part in (elf, inputs.codes.tobytes(), inputs.expected["single"].tobytes(), version.encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _read(path: pathlib.Path, key: str) -> dict[str, Any] | None:
    """What was kept under that key; None where there is nothing, something else, or half a file."""
    try:
        kept = json_file.read(path, _Kept)
        return kept.found if kept.key == key else None
    except (OSError, ValueError):
        return None


def _write(path: pathlib.Path, key: str, found: dict[str, Any]) -> None:
    atomic.write_text(path, json.dumps({"key": key, "found": found}, indent=2) + "\n")


def _outcome(cell: dict[str, Any]) -> str:
    if "reason" in cell:
        return f"{cell['state']}: {cell['reason']}"
    return f"{cell['inputs']:,} inputs, {cell['mismatches']:,} of {cell['logit_codes']:,} logit codes differ"


def table(result: dict[str, Any]) -> str:
    """Text of what `compare` returned: for every bundle instructions per inference by board and profile."""
    lines: list[str] = []
    for path, of_bundle in itertools.groupby(result["cells"], lambda cell: cell["bundle"]):
        cells = list(of_bundle)
        profiles = list(dict.fromkeys(cell["profile"] for cell in cells))
        rows = [["board", "core", *profiles]]
        for board, cpu in dict.fromkeys((cell["board"], cell["cpu"]) for cell in cells):
            found = {cell["profile"]: _entry(cell) for cell in cells if cell["board"] == board}
            rows.append([board, cpu, *(found[profile] for profile in profiles)])
        golden, name = cells[0]["golden"], cells[0]["name"]
        lines += [f"{name} ({path}): {golden:,} golden and {result['random_codes']:,} random inputs"]
        lines += [*aligned(rows, left=2), ""]
    states = [cell["state"] for cell in result["cells"]]
    rest = [f"{states.count(state)} {words}" for state, words in ((NO_ROOM, "without room"), (FAILED, "failed"))]
    lines += [
        "Instructions per inference: not cycles and not time.",
        f"{states.count(EQUAL) + states.count(DIFFERS)} of {len(states)} combinations compared, {', '.join(rest)}: "
        f"{result['inputs']:,} inferences, {result['mismatches']:,} of {result['logit_codes']:,} logit codes differ "
        "from the exact interpreter",
    ]
    for cell in result["cells"]:
        place = f"{cell['name']}, {cell['profile']}, {cell['board']}"
        if "reason" in cell:
            lines.append(f"  {place}: {cell['state']}: {cell['reason']}")
        for wrong in cell.get("mismatch_examples", ()):
            values = f"{wrong['device']}, expected {wrong['expected']}"
            lines.append(f"  {place}: clip {wrong['clip']}, logit {wrong['logit']}: {values}")
    return "\n".join(lines)


def _entry(cell: dict[str, Any]) -> str:
    if cell["state"] == EQUAL:
        return f"{cell['instructions_per_inference']:,}"
    return f"{cell['mismatches']:,} differ" if cell["state"] == DIFFERS else cell["state"]


def define_flags() -> None:
    """Defines this command's flags."""
    defaults = {field.name: field.default for field in dataclasses.fields(MatrixConfig)}
    command.define_required_flag(
        "bundles", "The bundles, written by export.convert or export.random_bundle.", is_list=True
    )
    flags.DEFINE_list("boards", [ALL], f"Boards: folders of microcontroller/boards, or {ALL}.")
    flags.DEFINE_list("profiles", [ALL], f"Kernels: of {', '.join(PROFILES)}, or {ALL}.")
    flags.DEFINE_integer("random_codes", defaults["random_codes"], "Random inputs, besides all golden vectors.")
    flags.DEFINE_string("folder", str(defaults["folder"]), "Folder for firmware and for what was compared.")
    flags.DEFINE_float("timeout", defaults["timeout_s"], "Limit on the wall clock of one emulator run, in seconds.")
    command.define_json_flag()


def _work(values: Any) -> None:
    config = MatrixConfig(
        bundles=tuple(pathlib.Path(path) for path in values.bundles),
        boards=boards.names() if values.boards == [ALL] else tuple(values.boards),
        profiles=PROFILES if values.profiles == [ALL] else tuple(values.profiles),
        random_codes=values.random_codes,
        folder=pathlib.Path(values.folder),
        timeout_s=values.timeout,
    )
    try:
        result = compare(config, lambda text: print(text, file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        print("stopped: the same command goes on with what has not been compared yet", file=sys.stderr)
        raise
    command.say(table(result), values.json)
    command.write_json(result, values.json)
    if not result["inputs"] or any(cell["state"] in (DIFFERS, FAILED) for cell in result["cells"]):
        sys.exit(1)


def main() -> None:
    """Entry point of `python -m microcontroller.matrix`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
