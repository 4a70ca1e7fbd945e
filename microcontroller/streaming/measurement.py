"""A recording through front end, streaming network and detector on the device, compared with the host, and counted.

    python -m microcontroller.bench --bundle=B --streaming

The host computes the same recording with the front end's C in its plain variant, which `tests/` proves equal to
`kws.frontend`, the exact interpreter of the streaming network, and the detector's definition.
"""

import dataclasses
import math
import pathlib
from typing import Any

import numpy as np

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.host.frontend import CFrontEnd
from export.model import detector as detectors
from export.model.detector import Detector
from export.model.frontend_config import FrontEndConfig
from export.model.stream_interpreter import StreamInterpreter
from export.source import detector_source, frontend_source, stream_source
from microcontroller import boards, emulator
from microcontroller.boards import Board
from microcontroller.firmware import build, clip_image, memory
from microcontroller.firmware.build import Firmware
from microcontroller.measurement import device_run, inference
from microcontroller.measurement.engines import AUTO, PROFILE_NAMES, Code
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.streaming import clock, protocol, recording
from microcontroller.streaming.protocol import Report
from microcontroller.streaming.recording import Recording

DEFAULT_BOARD = "mps2_an386"
"""Its flash holds a minute and more of sound; `stm32f4`'s half a minute."""
_SAMPLE_BYTES = 2
_MISMATCHES_NAMED = 5
_C_FILES = (
    stream_source.HEADER,
    stream_source.SOURCE,
    frontend_source.HEADER,
    frontend_source.SOURCE,
    detector_source.HEADER,
    detector_source.SOURCE,
)


@dataclasses.dataclass(frozen=True)
class StreamBenchConfig:
    """Settings of a streaming bench.

    Attributes:
      bundle: the bundle's folder.
      audio: a WAV file; None for `recording.synthetic`, of a minute or of what the board's flash holds.
      emulator: one of `emulator.NAMES`.
      board: a folder of `boards`; None for `DEFAULT_BOARD`, or for another one where the emulator lacks that.
      profile: of `export.plan`, or "auto" for the bundle's own where it suits the core.
      build_dir: for firmware and image; None is build/bench/<model's name and hash>.
      timeout_s: limit on the wall clock of the emulator's run.
      estimate_cycles: whether to run an inference, too, for the cycles that an instruction takes.
    """

    bundle: pathlib.Path
    audio: pathlib.Path | None = None
    emulator: str = emulator.AUTO
    board: str | None = None
    profile: str = AUTO
    build_dir: pathlib.Path | None = None
    timeout_s: float = 300.0
    estimate_cycles: bool = True

    def __post_init__(self) -> None:
        if self.profile not in PROFILE_NAMES:
            raise MeasurementError(f"profile={self.profile} is unknown: choose one of {', '.join(PROFILE_NAMES)}")
        if not self.timeout_s > 0:
            raise MeasurementError(f"timeout={self.timeout_s:g}: give a positive number of seconds")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a stream gives.

    Attributes:
      logits: int8 [steps, labels].
      classes: int32 [steps], the detected class, -1 for none.
    """

    logits: np.ndarray
    classes: np.ndarray


def measure(config: StreamBenchConfig) -> dict[str, Any]:
    """Builds the firmware, plays the recording to it in the emulator and compares every step with the host.

    Returns:
      A dictionary with the keys `instructions_per_second_of_audio`, `mhz_to_keep_up`, `ram_bytes`, `detections`,
      `mismatches`, `recording` and more; docs/microcontroller.md tells them all. `mismatches` counts logit codes and
      decisions of the detector that differ.

    Raises:
      BundleError: no bundle, or one without a detector.
      BoardError, BuildError, EmulatorError: an unknown board, or toolchain or emulator is missing.
      MeasurementError: the bundle lacks a part, the recording can't be read or does not fit, or the run failed.
    """
    bundle = bundles.load_hearing(config.bundle)
    board = boards.load(config.board or emulator.board_for(config.emulator, DEFAULT_BOARD))
    detector, front_end = detector_file.of_bundle(bundle), _front_end(bundle)
    chosen, reason = emulator.choose(config.emulator, board)
    version = chosen.version()
    given = recording.read(config.audio) if config.audio else None
    root = config.build_dir or pathlib.Path("build", "bench", f"{bundle.name}-{bundle.model.sha256[:12]}")
    folder = root / "streaming"
    code = _code(bundle, board, config.profile, folder / "c")
    firmware = build.build(code.folder, folder, board.name, program=build.streaming())
    most = clip_image.capacity(firmware, front_end.hop_samples * _SAMPLE_BYTES)
    own_words = bundle.path / recording.WORDS if recording.WORDS in bundle.manifest["files"] else None
    seconds = _fitting_seconds(most, front_end.hop_samples)
    sound = given or recording.synthetic(seconds, words_file=own_words)
    hops = _hops(sound, most, board, chosen.NAME, front_end.hop_samples)
    image = clip_image.write(folder / "recording.bin", firmware, hops.view(np.int8))
    report = protocol.parse(device_run.run(chosen, firmware, image, config.timeout_s))
    _check(report, board, bundle, front_end, len(hops))
    expected = answer(bundle, detector, hops)
    network = StreamInterpreter(bundle.model)
    counted = _instructions(report, front_end, network)
    ratio: tuple[float | None, str] = None, "no estimate: estimate_cycles=false"
    if config.estimate_cycles:
        inferences = folder / "inference"
        ratio = clock.cycles_per_instruction(bundle, board, chosen, config.profile, inferences, config.timeout_s)
    return {
        "emulator": chosen.NAME,
        "emulator_reason": reason,
        "emulator_version": version,
        "board": board.name,
        "counts": "instructions, not cycles and not time",
        "bundle": bundle.name,
        "model_sha256": bundle.model.sha256,
        "recording": {"name": sound.name, "seconds": sound.seconds, "hops": report.hops, "steps": len(report.classes)},
        "profile": code.profile,
        "origin": code.origin,
        "counter": inference.counter_note(board, report.step_error),
        "compiler": firmware.compiler,
        **counted,
        **clock.keep_up(counted["instructions_per_second_of_audio"]["total"], *ratio),
        **_memory(firmware, report),
        **_differences(bundle.labels, report, expected),
        "detections": _detections(report, front_end, network),
    }


def answer(bundle: Bundle, detector: Detector, hops: np.ndarray) -> Answer:
    """What the host computes of a recording: int16 [hops, hop_samples].

    Raises:
      HostError: no C compiler, or C that does not compile.
    """
    network = StreamInterpreter(bundle.model)
    with CFrontEnd.build(bundle.c_folder) as front_end:
        frames = front_end.hops(hops.reshape(-1))
    logits = network.run(frames[: len(frames) - len(frames) % network.frames_per_step])
    classes = np.full(len(logits), -1, np.int32)
    for step, label in detectors.run(detector, logits):
        classes[step] = label
    return Answer(logits, classes)


def _front_end(bundle: Bundle) -> FrontEndConfig:
    """The bundle's front end, after a look at whether the bundle has what a stream needs."""
    config = bundle.frontend_config
    codes = math.prod(bundle.model.input_shape[1:])
    if codes != config.coefficients:
        raise MeasurementError(
            f"bundle={bundle.path}: a frame has {config.coefficients} coefficients, the network takes {codes} codes: "
            "write the bundle again with python -m export.convert"
        )
    if stream_source.SOURCE not in bundle.c_files:
        reason = bundle.c_files[stream_source.PLAN].strip()
        raise MeasurementError(f"bundle={bundle.path} has {reason}; train another model")
    return config


def _code(bundle: Bundle, board: Board, asked: str, folder: pathlib.Path) -> Code:
    """The bundle's C where it has the profile asked for, else with its streaming network written in that profile.

    `AUTO` is the bundle's own profile where it is among those made for the board's core, else the first of those.
    """
    own = bundle.profile
    if asked == own or (asked == AUTO and own in board.profiles):
        return Code(bundle.c_folder, own, "the bundle's C as it is")
    profile, why = (board.profiles[0], f", made for a {board.cpu}") if asked == AUTO else (asked, "")
    try:
        files = stream_source.generate(bundle.model, profile)
    except ValueError as error:
        raise MeasurementError(f"bundle={bundle.path} has no streaming C in profile {profile}: {error}") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _C_FILES:
            (folder / name).write_text((bundle.c_files | files)[name], encoding="utf-8")
    except OSError as error:
        raise MeasurementError(f"can't write to build_dir={folder.parent}: {error.strerror}") from error
    return Code(folder, profile, f"C written for this run{why}; the bundle's own profile is {own}")


def _fitting_seconds(most: int, hop_samples: int) -> int:
    """Of the synthetic recording: all of it, or the whole seconds that so many hops hold, but one at least."""
    return min(recording.SECONDS, max(1, most * hop_samples // recording.SAMPLE_RATE))


def _hops(sound: Recording, most: int, board: Board, emulator_name: str, hop_samples: int) -> np.ndarray:
    """The recording's whole hops, int16 [hops, hop_samples].

    Args:
      most: hops that the board's flash holds beside the firmware.

    Raises:
      MeasurementError: there are more.
    """
    hops = sound.samples[: len(sound.samples) // hop_samples * hop_samples].reshape(-1, hop_samples)
    if len(hops) > most:
        larger = board.name != DEFAULT_BOARD and boards.load(DEFAULT_BOARD).runs_in(emulator_name)
        remedy = f", or board={DEFAULT_BOARD}" if larger else ""
        raise MeasurementError(
            f"{sound.name} lasts {sound.seconds:.1f} s, and {board.name} holds "
            f"{most * hop_samples / recording.SAMPLE_RATE:.1f} s beside the firmware: give a shorter recording{remedy}"
        )
    return np.ascontiguousarray(hops, "<i2")


def _check(report: Report, board: Board, bundle: Bundle, front_end: FrontEndConfig, hops: int) -> None:
    """Raises `MeasurementError` for a report that can't be trusted or is another bundle's."""
    for what, found, expected in (
        ("streaming network", report.model_sha256, bundle.model.sha256),
        ("front end", report.frontend_sha256, front_end.sha256),
    ):
        if found != expected:
            raise MeasurementError(
                f"the C of the bundle's {what} was written from {found[:12]}, the bundle holds {expected[:12]}: write "
                "the bundle again with python -m export.convert"
            )
    inference.check_counter(board, report.calibration_ticks, report.calibration_instructions, report.step_error)
    if report.hops != hops:
        raise MeasurementError(f"the firmware took {report.hops} hops of {hops}: run it again")


def _instructions(report: Report, front_end: FrontEndConfig, network: StreamInterpreter) -> dict[str, Any]:
    """Instructions per second of audio, and per call."""
    hops_per_second = front_end.sample_rate / front_end.hop_samples
    per_second = {}
    for name, part in report.parts.items():
        # All hops of the front end, those of whole steps for the others.
        hops = report.hops if name == protocol.FRONTEND else len(report.classes) * network.frames_per_step
        per_second[name] = round(part.instructions * hops_per_second / hops)
    total = sum(per_second.values())
    return {
        "instructions_per_second_of_audio": {**per_second, "total": total},
        "calls": {
            name: {"calls": part.calls, "mean": round(part.instructions / part.calls), "most": part.most}
            for name, part in report.parts.items()
        },
    }


def _memory(firmware: Firmware, report: Report) -> dict[str, Any]:
    return {
        "ram_bytes": sum(report.memory.values()),
        "ram_sections": report.memory,
        "flash_bytes": sum(section.bytes for section in firmware.sections if section.in_flash),
        "flash_sections": memory.flash_by_section(firmware.sections),
    }


def _differences(labels: tuple[str, ...], report: Report, expected: Answer) -> dict[str, Any]:
    """Logit codes, and decisions of the detector, that are not the host's."""
    if report.logits.shape != expected.logits.shape:
        raise MeasurementError(f"the firmware answered logits {report.logits.shape}, expected {expected.logits.shape}")
    logits = np.argwhere(report.logits != expected.logits)
    decisions = np.flatnonzero(report.classes != expected.classes)
    examples = [
        {"step": int(i), "logit": labels[j], "device": int(device), "expected": int(host)}
        for (i, j), device, host in zip(
            logits[:_MISMATCHES_NAMED], report.logits[*logits.T], expected.logits[*logits.T], strict=False
        )
    ]
    examples += [
        {
            "step": int(i),
            "detected": _label(labels, int(report.classes[i])),
            "expected": _label(labels, int(expected.classes[i])),
        }
        for i in decisions[:_MISMATCHES_NAMED]
    ]
    return {
        "mismatches": len(logits) + len(decisions),
        "mismatching_logits": len(logits),
        "mismatching_detections": len(decisions),
        "mismatch_examples": examples,
    }


def _label(labels: tuple[str, ...], index: int) -> str | None:
    return labels[index] if index >= 0 else None


def _detections(report: Report, front_end: FrontEndConfig, network: StreamInterpreter) -> list[dict[str, Any]]:
    """The device's, with the seconds of sound until each was made."""
    step_seconds = network.frames_per_step * front_end.hop_samples / front_end.sample_rate
    return [
        {"step": int(step), "seconds": round((int(step) + 1) * step_seconds, 3), "keyword": label}
        for step, label in zip(np.flatnonzero(report.classes >= 0), report.labels, strict=True)
    ]
