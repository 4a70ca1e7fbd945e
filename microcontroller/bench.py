"""Runs a bundle's model on an emulated Cortex-M: instructions, memory, and every logit code compared.

What is counted are instructions. They are not cycles, and never milliseconds on silicon. Estimated cycles stand
beside them, labelled as an estimate. Several engines run side by side, on the same bundle and the same clips.

    python -m microcontroller.bench --bundle=B --emulator=qemu --json=-
    python -m microcontroller.bench --bundle=B --engine=fxp,reference,cmsis_nn
    python -m microcontroller.bench --bundle=B --board=nrf51 --profile=small
    python -m microcontroller.bench --bundle=B --streaming --audio=long.wav
    python -m microcontroller.bench --bundle=B --check
"""

import dataclasses
import pathlib
import sys
from typing import Any

import numpy as np
from absl import flags

from export.bundle import folder as bundles
from export.model import interpreter, random_model
from export.plan import PROFILES
from export.plan.goals import GOALS, profile_for, profile_within
from kws_cli import command
from kws_cli.command import UserError
from microcontroller import boards, emulator
from microcontroller.measurement import inference, self_test
from microcontroller.measurement.engines import AUTO, CMSIS_NN, ENGINES, FXP, NAMES, PROFILE_NAMES
from microcontroller.measurement.inference import Bench, Inputs
from microcontroller.measurement.self_test import SelfTestConfig
from microcontroller.measurement.table import table
from microcontroller.streaming import measurement as streaming
from microcontroller.streaming import table as streaming_table
from microcontroller.streaming.measurement import StreamBenchConfig

DEFAULT_BOARD = "stm32f4"
_RANDOM_SEED = 0
# Flags that say what inferences are counted.
_CLIPS = 20
_OF_INFERENCES = ("engine", "clips", "random_codes", "max_ram")


@dataclasses.dataclass(frozen=True)
class BenchConfig:
    """Settings of a bench.

    Attributes:
      bundle: the bundle's folder.
      emulator: one of `emulator.NAMES`; "auto" is QEMU, or Renode where that alone is installed.
      engines: which implementations to measure, of `engines.NAMES`; the first is the result's own.
      board: a folder of `boards`.
      profile: of the engine fxp, one of `engines.PROFILE_NAMES`.
      clips: how many of the bundle's golden clips to run; None for 20, or all where it has fewer.
      random_codes: how many adversarial and random inputs to run besides.
      build_dir: for firmware and images; None is build/bench/<model's name and hash>.
      timeout_s: limit on the wall clock of one emulator run.
      estimate_cycles: whether to run once more in QEMU, for estimated cycles.
      max_ram: bytes of arena and stack; where `profile` takes more, it is the core's of least memory. None: no limit.
    """

    bundle: pathlib.Path
    emulator: str = emulator.AUTO
    engines: tuple[str, ...] = (FXP,)
    board: str = DEFAULT_BOARD
    profile: str = AUTO
    clips: int | None = None
    random_codes: int = 4
    build_dir: pathlib.Path | None = None
    timeout_s: float = 300.0
    estimate_cycles: bool = True
    max_ram: int | None = None

    def __post_init__(self) -> None:
        for engine in self.engines:
            if engine not in NAMES:
                raise UserError(f"--engine={engine} is unknown: choose from {', '.join(NAMES)}")
        if not self.engines or len(set(self.engines)) != len(self.engines):
            raise UserError(f"--engine={','.join(self.engines)}: name each engine once, of {', '.join(NAMES)}")
        if self.profile not in PROFILE_NAMES:
            raise UserError(f"--profile={self.profile} is unknown: choose one of {', '.join(PROFILE_NAMES)}")
        if self.max_ram is not None and FXP not in self.engines:
            raise UserError(
                f"--max_ram={self.max_ram} is of the engine {FXP}, which --engine={','.join(self.engines)} lacks"
            )
        if self.profile != AUTO and FXP not in self.engines:
            raise UserError(
                f"--profile={self.profile} is of the engine {FXP}, which --engine={','.join(self.engines)} lacks"
            )
        for name in ("clips", "random_codes"):
            if (getattr(self, name) or 0) < 0:
                raise UserError(f"--{name}={getattr(self, name)} is negative: give 0 or more")
        if self.clips == 0 == self.random_codes:
            raise UserError("--clips=0 and --random_codes=0 leave nothing to run: give one of them more")
        if not self.timeout_s > 0:
            raise UserError(f"--timeout={self.timeout_s:g}: give a positive number of seconds")


def measure(config: BenchConfig) -> dict[str, Any]:
    """Builds firmware for every engine, runs it in the emulator and compares it with the exact interpreter.

    Returns:
      A dictionary with the keys `emulator, board, engine, instructions_per_inference, layers, arena_bytes,
      stack_bytes, ram_bytes, flash_bytes, mismatches, predictions` and more, of the first engine; `engines` has the
      same of every engine, and their ratios to CMSIS-NN. docs/microcontroller.md tells them all. `mismatches` counts
      logit codes that differ from `export.model.interpreter` with the engine's rounding.

    Raises:
      UserError: toolchain or emulator is missing, the model does not fit, or the run failed.
    """
    bundle = bundles.load(config.bundle)
    chosen, reason = emulator.choose(config.emulator, boards.load(config.board))
    version = chosen.version()
    folder = config.build_dir or pathlib.Path("build", "bench", f"{bundle.name}-{bundle.model.sha256[:12]}")
    profile = _profile_within(config, bundle)
    bench = Bench(chosen, config.board, folder, profile, config.timeout_s, config.estimate_cycles)
    clips = min(_CLIPS, len(bundle.golden)) if config.clips is None else config.clips
    if clips > len(bundle.golden):
        raise UserError(f"--clips={clips}: the bundle has {len(bundle.golden)} golden clips; ask for as many at most")
    inputs = inputs_of(bundle, clips, config.random_codes)
    measured = [inference.measure(bench, ENGINES[name], bundle, inputs) for name in config.engines]
    return {
        "emulator": chosen.NAME,
        "emulator_reason": reason,
        "emulator_version": version,
        "board": config.board,
        "counts": "instructions, not cycles and not time",
        "bundle": bundle.name,
        "model_sha256": bundle.model.sha256,
        **measured[0],
        "engines": _with_ratios(measured),
    }


def _profile_within(config: BenchConfig, bundle: bundles.Bundle) -> str:
    """The profile asked for, or the board's of least memory where it takes more than `max_ram`. Raises `PlanError`."""
    if config.max_ram is None:
        return config.profile
    board = boards.load(config.board)
    suited = bundle.profile if bundle.profile in board.profiles else board.profiles[0]
    asked = suited if config.profile == AUTO else config.profile
    return profile_within(bundle.model, asked, config.max_ram, profile_for("ram", board.profiles))


def inputs_of(bundle: bundles.Bundle, clips: int, random_codes: int) -> Inputs:
    """The bundle's first golden clips, then adversarial and random codes, with what the interpreter answers.

    Raises:
      UserError: the interpreter's answers to the golden clips are not those in the bundle.
    """
    golden, model = bundle.golden, bundle.model
    extra = random_model.codes(_RANDOM_SEED, model, random_codes)
    codes = np.concatenate([golden.features[:clips], extra]).astype(np.int8)
    expected = {rounding: interpreter.run(model, codes, rounding) for rounding in interpreter.ROUNDINGS}
    for rounding, kept in (("single", golden.logits_single), ("double", golden.logits_double)):
        wrong = np.flatnonzero((expected[rounding][:clips] != kept[:clips]).any(axis=1))
        if len(wrong):
            raise UserError(
                f"--bundle={bundle.path}: the golden logits of clip {golden.clips[wrong[0]]} are not the "
                f"interpreter's ({rounding} rounding): write the bundle again with python -m export.convert"
            )
    return Inputs(
        codes,
        (*golden.clips[:clips], *(f"random{i}" for i in range(random_codes))),
        (
            *(model.labels[i] if i != bundles.UNKNOWN_LABEL else None for i in golden.labels[:clips]),
            *[None] * random_codes,
        ),
        expected,
    )


def _with_ratios(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every engine with its instructions and estimated cycles over CMSIS-NN's; None where one is missing."""
    baseline = {engine["engine"]: engine for engine in measured}.get(CMSIS_NN, {})

    def ratio(engine: dict[str, Any], key: str) -> float | None:
        both = engine[key], baseline.get(key)
        return round(both[0] / both[1], 4) if all(both) else None

    return [
        {
            **engine,
            "ratio_to_cmsis_nn": ratio(engine, "instructions_per_inference"),
            "cycles_ratio_to_cmsis_nn": ratio(engine, "estimated_cycles"),
        }
        for engine in measured
    ]


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_required_flag("bundle", "The bundle to run, written by python -m export.convert.")
    flags.DEFINE_string(
        "emulator", emulator.AUTO, "auto (qemu, or renode where that alone is installed), qemu or renode."
    )
    flags.DEFINE_list("engine", [FXP], f"Engines to measure side by side, of {', '.join(NAMES)}.")
    flags.DEFINE_string(
        "board",
        None,
        "The board: a folder of microcontroller/boards "
        f"(default: {DEFAULT_BOARD}; {streaming.DEFAULT_BOARD} with --streaming where the emulator has it).",
    )
    flags.DEFINE_string(
        "profile", AUTO, f"Kernels of {FXP}: auto (the bundle's own where they suit the core) or {', '.join(PROFILES)}."
    )
    flags.DEFINE_enum("optimize", None, list(GOALS), "Instead of --profile: what the kernels are chosen for.")
    flags.DEFINE_integer(
        "max_ram", None, "Bytes of arena and stack that an inference may take: row by row (profile ram) where it must."
    )
    flags.DEFINE_integer("clips", None, f"How many of the bundle's golden clips to run ({_CLIPS}, or all of fewer).")
    flags.DEFINE_integer("random_codes", 4, "How many adversarial and random inputs to run besides.")
    flags.DEFINE_string("build_dir", None, "Folder for firmware and images (default: build/bench/<model>).")
    flags.DEFINE_float("timeout", 300, "Limit on the wall clock of one emulator run, in seconds.")
    flags.DEFINE_boolean("estimate_cycles", True, "Also estimate cycles, with a plugin for QEMU.")
    flags.DEFINE_boolean("streaming", False, "Play a recording to front end, streaming network and detector.")
    flags.DEFINE_string(
        "audio", None, "With --streaming: a WAV file, 16 kHz, mono, 16 bits (default: synthetic words)."
    )
    flags.DEFINE_boolean(
        "check", False, "Test the tables on the device, and flip bits of them that the device has to report."
    )
    flags.DEFINE_integer("flips", 1000, "With --check: how many bits to flip, one at a time.")
    flags.DEFINE_integer("flip_seed", 0, "With --check: seed of the bits.")
    command.define_json_flag()


def _config(values: Any) -> BenchConfig:
    return BenchConfig(
        bundle=pathlib.Path(values.bundle),
        emulator=values.emulator,
        engines=tuple(values.engine),
        board=values.board or DEFAULT_BOARD,
        profile=_profile(values),
        clips=values.clips,
        random_codes=values.random_codes,
        build_dir=pathlib.Path(values.build_dir) if values.build_dir else None,
        timeout_s=values.timeout,
        estimate_cycles=values.estimate_cycles,
        max_ram=values.max_ram,
    )


def _profile(values: Any) -> str:
    if values.max_ram is not None and values["profile"].present:
        raise UserError(f"--max_ram={values.max_ram} and --profile={values.profile}: give one of them")
    if values.optimize is None:
        return values.profile
    if values["profile"].present:
        raise UserError(f"--optimize={values.optimize} and --profile={values.profile}: give one of them")
    return profile_for(values.optimize, boards.load(values.board or DEFAULT_BOARD).profiles)


def _self_test_config(values: Any) -> SelfTestConfig:
    _refuse(
        values, (*_OF_INFERENCES, "profile", "optimize", "streaming", "audio"), "is not about the tables", "--check"
    )
    return SelfTestConfig(
        bundle=pathlib.Path(values.bundle),
        emulator=values.emulator,
        board=values.board or DEFAULT_BOARD,
        build_dir=pathlib.Path(values.build_dir) if values.build_dir else None,
        flips=values.flips,
        flip_seed=values.flip_seed,
        timeout_s=values.timeout,
    )


def _refuse(values: Any, names: tuple[str, ...], why: str, beside: str) -> None:
    for name in names:
        if values[name].present:
            raise UserError(f"--{name} {why}: leave it out with {beside}")


def _streaming_config(values: Any) -> StreamBenchConfig:
    _refuse(values, _OF_INFERENCES, "is about inferences of clips", "--streaming")
    return StreamBenchConfig(
        bundle=pathlib.Path(values.bundle),
        audio=pathlib.Path(values.audio) if values.audio else None,
        emulator=values.emulator,
        board=values.board,
        profile=_profile(values),
        build_dir=pathlib.Path(values.build_dir) if values.build_dir else None,
        timeout_s=values.timeout,
        estimate_cycles=values.estimate_cycles,
    )


def _stream(values: Any) -> None:
    result = streaming.measure(_streaming_config(values))
    command.say(streaming_table.table(result), values.json)
    command.write_json(result, values.json)
    if result["mismatches"]:
        sys.exit(1)


def _check(values: Any) -> None:
    result = self_test.measure(_self_test_config(values))
    command.say(self_test.table(result), values.json)
    command.write_json(result, values.json)
    if result["silent"]:
        sys.exit(1)


def _work(values: Any) -> None:
    if values.check:
        _check(values)
        return
    _refuse(values, ("flips", "flip_seed"), "goes with --check", "other benches")
    if values.streaming:
        _stream(values)
        return
    if values.audio is not None:
        raise UserError("--audio is played with --streaming only: add it, or leave --audio out")
    result = measure(_config(values))
    command.say(table(result), values.json)
    command.write_json(result, values.json)
    if any(engine["mismatches"] for engine in result["engines"]):
        sys.exit(1)


def main() -> None:
    """Entry point of `python -m microcontroller.bench`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
