"""Runs a bundle's model on an emulated Cortex-M: instructions, memory, and every logit code compared.

What is counted are instructions. They are not cycles, and never milliseconds on silicon.

    python -m microcontroller.bench --bundle=B --emulator=qemu --json=-
"""

import dataclasses
import pathlib
import sys
from types import ModuleType
from typing import Any

import numpy as np
from absl import flags

from cli import command
from cli.command import UserError
from export import bundle as bundles
from export import interpreter, random_model
from export.integer_model import IntegerModel
from microcontroller import clip_image, emulator, memory, protocol
from microcontroller.build import Firmware, build
from microcontroller.protocol import Report

ENGINES = ("fxp",)
CALIBRATION_TOLERANCE = 1e-4
"""Largest deviation from one tick per instruction: what a whole run could be off by."""
_RANDOM_SEED = 0
_MISMATCHES_NAMED = 5


@dataclasses.dataclass(frozen=True)
class BenchConfig:
    """Settings of a bench.

    Attributes:
      bundle: the bundle's folder.
      emulator: one of `emulator.NAMES`; "auto" is Renode where it is installed, else QEMU.
      engines: which implementations to measure; "fxp" is the project's own.
      board: a folder of `boards`.
      clips: how many of the bundle's golden clips to run.
      random_codes: how many adversarial and random inputs to run besides.
      build_dir: for firmware and images; None is build/bench/<model's name and hash>.
      timeout_s: limit on the wall clock of one emulator run.
    """

    bundle: pathlib.Path
    emulator: str = emulator.AUTO
    engines: tuple[str, ...] = ("fxp",)
    board: str = "stm32f4"
    clips: int = 20
    random_codes: int = 4
    build_dir: pathlib.Path | None = None
    timeout_s: float = 300.0

    def __post_init__(self) -> None:
        for engine in self.engines:
            if engine not in ENGINES:
                raise UserError(f"--engine={engine} is unknown: choose one of {', '.join(ENGINES)}")
        if len(self.engines) != 1:
            raise UserError(f"--engine={','.join(self.engines)}: name one engine of {', '.join(ENGINES)}")
        for name in ("clips", "random_codes"):
            if getattr(self, name) < 0:
                raise UserError(f"--{name}={getattr(self, name)} is negative: give 0 or more")
        if self.clips + self.random_codes == 0:
            raise UserError("--clips=0 and --random_codes=0 leave nothing to run: give one of them more")
        if not self.timeout_s > 0:
            raise UserError(f"--timeout={self.timeout_s:g}: give a positive number of seconds")


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What is run: int8 codes [n, h, w, c], a name for each, and the true label where there is one."""

    codes: np.ndarray
    names: tuple[str, ...]
    spoken: tuple[str | None, ...]


def measure(config: BenchConfig) -> dict[str, Any]:
    """Builds the firmware, runs it in the emulator and compares it with the exact interpreter.

    Returns:
      A dictionary with the keys `emulator, board, engine, instructions_per_inference, layers, arena_bytes,
      stack_bytes, ram_bytes, flash_bytes, mismatches, predictions` and more; docs/microcontroller.md tells them all.
      `mismatches` counts logit codes that differ from `export.interpreter` with single rounding.

    Raises:
      UserError: toolchain or emulator is missing, the model does not fit, or the run failed.
    """
    bundle = bundles.load(config.bundle)
    chosen, reason = emulator.choose(config.emulator)
    version = chosen.version()
    folder = config.build_dir or pathlib.Path("build", "bench", f"{bundle.name}-{bundle.model.sha256[:12]}")
    firmware = build(bundle.c_folder, folder, config.board)
    inputs = _inputs(bundle, config)
    reports = _run(chosen, firmware, inputs.codes, config.timeout_s)
    for report in reports:
        _check(report, bundle.model)
    return {
        "emulator": chosen.NAME,
        "emulator_reason": reason,
        "emulator_version": version,
        "board": config.board,
        "engine": config.engines[0],
        "counts": "instructions, not cycles and not time",
        "bundle": bundle.name,
        "model_sha256": bundle.model.sha256,
        "compiler": firmware.compiler,
        **_instructions(bundle.model, reports),
        **_memory(firmware, reports),
        **_answers(bundle.model, inputs, reports),
    }


def _inputs(bundle: bundles.Bundle, config: BenchConfig) -> Inputs:
    golden, model = bundle.golden, bundle.model
    if config.clips > len(golden):
        raise UserError(f"--clips={config.clips}: the bundle has {len(golden)} golden clips; ask for as many at most")
    extra = random_model.codes(_RANDOM_SEED, model, config.random_codes)
    return Inputs(
        np.concatenate([golden.features[: config.clips], extra]).astype(np.int8),
        (*golden.clips[: config.clips], *(f"random{i}" for i in range(config.random_codes))),
        (*(model.labels[i] for i in golden.labels[: config.clips]), *[None] * config.random_codes),
    )


def _run(chosen: ModuleType, firmware: Firmware, codes: np.ndarray, timeout_s: float) -> list[Report]:
    """One report per emulator run; as many runs as flash asks for."""
    size = clip_image.capacity(firmware, codes[0].size)
    reports = []
    for start in range(0, len(codes), size):
        part = codes[start : start + size]
        image = clip_image.write(firmware.elf.parent / f"clips{start}.bin", firmware, part)
        reports.append(protocol.parse(chosen.run(firmware.board, firmware.elf, image, timeout_s)))
    return reports


def _check(report: Report, model: IntegerModel) -> None:
    """Raises `UserError` for a report that can't be trusted or is another model's."""
    if report.model_sha256 != model.sha256:
        raise UserError(
            f"the bundle's C is of model {report.model_sha256[:12]}, its integer model is {model.sha256[:12]}: "
            "write the bundle again with python -m export.convert"
        )
    ratio = report.calibration_ticks / report.calibration_instructions
    if abs(ratio - 1) > CALIBRATION_TOLERANCE:
        raise UserError(
            f"the counter {report.counter} ticked {report.calibration_ticks} times for "
            f"{report.calibration_instructions} instructions ({ratio:.4f} per instruction, expected 1): "
            "the counts mean nothing; run the emulator with this project's own settings"
        )
    if len(report.layer_instructions) != len(model.layers):
        raise UserError(f"the firmware has {len(report.layer_instructions)} layers, the model {len(model.layers)}")


def _instructions(model: IntegerModel, reports: list[Report]) -> dict[str, Any]:
    counts = [clip.instructions for report in reports for clip in report.clips]
    mean = round(sum(counts) / len(counts))
    layers = []
    for i, layer in enumerate(model.layers):
        total = sum(report.layer_instructions[i] for report in reports)
        layers.append(
            {"name": layer.name, "op": layer.op, "macs": layer.macs, "instructions": round(total / len(counts))}
        )
    return {
        "inferences": len(counts),
        "instructions_per_inference": mean,
        "instructions_min": min(counts),
        "instructions_max": max(counts),
        "instructions_per_mac": round(mean / model.macs, 3) if model.macs else None,
        "macs": model.macs,
        "layers": layers,
    }


def _memory(firmware: Firmware, reports: list[Report]) -> dict[str, Any]:
    stack = max(report.stack_bytes for report in reports)
    ram = memory.ram_by_section(firmware.sections, stack)
    return {
        "arena_bytes": reports[0].arena_bytes,
        "stack_bytes": stack,
        "ram_bytes": sum(ram.values()),
        "ram_sections": ram,
        "flash_bytes": sum(section.bytes for section in firmware.sections if section.in_flash),
        "flash_sections": memory.flash_by_section(firmware.sections),
    }


def _answers(model: IntegerModel, inputs: Inputs, reports: list[Report]) -> dict[str, Any]:
    """Predictions, and the logit codes that are not the interpreter's."""
    clips = [clip for report in reports for clip in report.clips]
    device = np.stack([clip.logits for clip in clips])
    expected = interpreter.run(model, inputs.codes)
    if device.shape != expected.shape:
        raise UserError(f"the firmware answered logits {device.shape}, expected {expected.shape}")
    wrong = np.argwhere(device != expected)
    predictions = [
        {"clip": name, "label": clip.label, "expected": model.labels[int(logits.argmax())], "spoken": spoken}
        for name, clip, logits, spoken in zip(inputs.names, clips, expected, inputs.spoken, strict=True)
    ]
    return {
        "mismatches": len(wrong),
        "mismatch_examples": [
            {
                "clip": inputs.names[i],
                "logit": model.labels[j],
                "device": int(device[i, j]),
                "expected": int(expected[i, j]),
            }
            for i, j in wrong[:_MISMATCHES_NAMED]
        ],
        "predictions": predictions,
    }


def table(result: dict[str, Any]) -> str:
    """The result for a person, in a few lines."""
    width = max(len(layer["name"]) for layer in result["layers"])
    total = result["instructions_per_inference"]
    lines = [
        f"{result['bundle']} on {result['board']}, engine {result['engine']}, {result['compiler']}",
        f"emulator: {result['emulator']} ({result['emulator_reason']}), {result['emulator_version']}",
        "",
        f"{'layer':<{width}}  {'op':<16} {'MAC':>9} {'instructions':>13} {'share':>6} {'per MAC':>8}",
    ]
    for layer in result["layers"]:
        count, macs = layer["instructions"], layer["macs"]
        per_mac = f"{count / macs:8.2f}" if macs else f"{'-':>8}"
        lines.append(
            f"{layer['name']:<{width}}  {layer['op']:<16} {macs:>9,} {count:>13,} {count / total:>6.1%} {per_mac}"
        )
    per_mac = f"{result['instructions_per_mac']:8.2f}" if result["instructions_per_mac"] else f"{'-':>8}"
    lines.append(f"{'inference':<{width}}  {'':<16} {result['macs']:>9,} {total:>13,} {1:>6.0%} {per_mac}")
    ram, flash = result["ram_sections"], result["flash_sections"]
    lines += [
        f"(mean of {result['inferences']} inferences, {result['instructions_min']:,} to "
        f"{result['instructions_max']:,}; instructions, not cycles and not time)",
        "",
        f"RAM   {result['ram_bytes']:>9,} bytes: arena {ram['arena']:,}, engine {ram['engine']:,}, "
        f"harness {ram['harness']:,}, stack {ram['stack']:,}",
        f"flash {result['flash_bytes']:>9,} bytes: model and engine {flash['model_and_engine']:,}, "
        f"harness {flash['harness']:,}, C library {flash['library']:,}",
        f"logit codes that differ from the exact interpreter: {result['mismatches']}",
    ]
    for wrong in result["mismatch_examples"]:
        lines.append(f"  clip {wrong['clip']}, logit {wrong['logit']}: {wrong['device']}, expected {wrong['expected']}")
    return "\n".join(lines)


def define_flags() -> None:
    """Defines this command's flags."""
    flags.DEFINE_string("bundle", None, "The bundle to run, written by python -m export.convert.")
    flags.DEFINE_string("emulator", emulator.AUTO, "auto (renode where it is installed, else qemu), qemu or renode.")
    flags.DEFINE_list("engine", ["fxp"], "Which engine to measure: fxp, the project's own.")
    flags.DEFINE_string("board", "stm32f4", "The board: a folder of microcontroller/boards.")
    flags.DEFINE_integer("clips", 20, "How many of the bundle's golden clips to run.")
    flags.DEFINE_integer("random_codes", 4, "How many adversarial and random inputs to run besides.")
    flags.DEFINE_string("build_dir", None, "Folder for firmware and images (default: build/bench/<model>).")
    flags.DEFINE_float("timeout", 300, "Limit on the wall clock of one emulator run, in seconds.")
    command.define_json_flag()


def _config(values: Any) -> BenchConfig:
    command.require(bundle=values.bundle)
    return BenchConfig(
        bundle=pathlib.Path(values.bundle),
        emulator=values.emulator,
        engines=tuple(values.engine),
        board=values.board,
        clips=values.clips,
        random_codes=values.random_codes,
        build_dir=pathlib.Path(values.build_dir) if values.build_dir else None,
        timeout_s=values.timeout,
    )


def _work(values: Any) -> None:
    result = measure(_config(values))
    command.say(table(result), values.json)
    command.write_json(result, values.json)
    if result["mismatches"]:
        sys.exit(1)


def main() -> None:
    """Entry point of `python -m microcontroller.bench`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
