"""The streaming bench on QEMU: counts, comparison with the host, and what goes wrong."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import wave

import edited_c
import numpy as np
import pytest

from export.bundle import detector_file, random_bundle
from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.bundle.random_bundle import RandomBundleConfig
from export.model import detector as detectors
from export.model.detector import NEVER, Detector
from export.model.frontend_config import FrontEndConfig
from export.source import detector_source, stream_source
from kws.evaluation.streaming import sound
from microcontroller.boards import Board
from microcontroller.emulator import renode
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.streaming import measurement, recording
from microcontroller.streaming.measurement import StreamBenchConfig
from microcontroller.streaming.table import table

SHORT_HOPS = 151


def logits_of(bundle: Bundle, samples: np.ndarray) -> np.ndarray:
    """int8 [steps, labels] by the front end in Python, as `kws.stream` has them."""
    return sound.logits_of(
        bundle.model, sound.frames_of(samples, FrontEndConfig.from_json(bundle.frontend), processes=1)
    )


def eager(bundle: Bundle, samples: np.ndarray) -> Detector:
    """A detector of every label, whose posteriors reach its threshold in a thirtieth of the recording's steps."""
    detector = detectors.default(bundle.model, window=4, refractory=5)
    sums = detectors.smooth(detectors.posteriors(detector, logits_of(bundle, samples)).astype(np.int64), 4)
    thresholds = np.maximum(np.quantile(sums, 1 - 1 / 30, axis=0).astype(int), 1).tolist()
    return dataclasses.replace(detector, thresholds=tuple(thresholds))


def with_detector(bundle: Bundle, detector: Detector) -> Bundle:
    return bundles.add(bundle, detector_file.bundle_files(detector, {}))


def write_wav(path: pathlib.Path, samples: np.ndarray) -> pathlib.Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    """Three seconds of words, an odd number of hops, and some samples that fill none."""
    begin, length = 2 * 16000, SHORT_HOPS * 320 + 99
    return recording.synthetic(6, seed=2).samples[begin : begin + length]


@pytest.fixture(scope="module")
def audio(samples: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return write_wav(tmp_path_factory.mktemp("audio") / "short.wav", samples)


@pytest.fixture(scope="module")
def bundle(samples: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("stream") / "bundle"
    written = random_bundle.write(RandomBundleConfig(folder, seed=3, channels=8, blocks=1, clips=1))
    return with_detector(written, eager(written, samples))


def config(bundle: Bundle, folder: pathlib.Path, **changes: object) -> StreamBenchConfig:
    return StreamBenchConfig(**{"bundle": bundle.path, "emulator": "qemu", "build_dir": folder, **changes})


@pytest.fixture(scope="module")
def result(bundle: Bundle, audio: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    return measurement.measure(config(bundle, tmp_path_factory.mktemp("build"), audio=audio, board="stm32f4"))


def host_detections(bundle: Bundle, samples: np.ndarray) -> list[tuple[int, str]]:
    """(step, keyword) as `kws.stream` has them."""
    found = detectors.run(detector_file.of_bundle(bundle), logits_of(bundle, samples))
    return [(step, bundle.labels[label]) for step, label in found]


def test_the_device_detects_what_the_host_detects(result: dict, bundle: Bundle, samples: np.ndarray) -> None:
    assert result["mismatches"] == 0 and result["mismatch_examples"] == []
    assert result["recording"] == {"name": "short.wav", "seconds": 3.0261875, "hops": 151, "steps": 75}
    found = [(item["step"], item["keyword"]) for item in result["detections"]]
    assert len(found) > 2 and found == host_detections(bundle, samples)
    assert all(item["seconds"] == round((item["step"] + 1) * 0.04, 3) for item in result["detections"])


def test_counts_per_second_of_audio(result: dict) -> None:
    per_second, calls = result["instructions_per_second_of_audio"], result["calls"]
    assert list(per_second) == ["frontend", "network", "detector", "total"]
    assert per_second["frontend"] == pytest.approx(50 * calls["frontend"]["mean"], rel=1e-3)
    assert per_second["network"] == pytest.approx(25 * calls["network"]["mean"], rel=1e-3)
    assert per_second["detector"] == pytest.approx(25 * calls["detector"]["mean"], rel=1e-2)
    assert per_second["total"] == sum(per_second[part] for part in ("frontend", "network", "detector"))
    ratio, cycles = result["cycles_per_instruction"], result["estimated_cycles_per_second_of_audio"]
    assert 1 < ratio < 2.5 and cycles == pytest.approx(per_second["total"] * ratio, rel=1e-3)
    assert result["mhz_to_keep_up"] == round(1.25 * cycles / 1e6, 3)
    assert [calls[part]["calls"] for part in calls] == [151, 75, 75]
    assert per_second["frontend"] < 1_000_000


def test_memory_adds_up(result: dict) -> None:
    ram = result["ram_sections"]
    assert result["ram_bytes"] == sum(ram.values()) and 0 < ram["stack"] < 1024
    assert ram["frontend"] + ram["scratch"] <= 8192
    assert result["flash_bytes"] > result["flash_sections"]["model_and_engine"] > 10_000


def test_table_says_what_is_counted(result: dict) -> None:
    text = table(result)
    assert "(instructions, not cycles and not time)" in text
    assert f"{result['instructions_per_second_of_audio']['total']:,}" in text
    assert "short.wav; 3.03 s, 151 hops, 75 steps" in text
    assert f"detections: {len(result['detections'])}\n" in text
    assert "logit codes that differ: 0, detections that differ: 0" in text
    wrong = [
        {"step": 3, "logit": "yes", "device": 1, "expected": 2},
        {"step": 4, "detected": None, "expected": "yes"},
    ]
    text = table({**result, "mismatch_examples": wrong})
    assert "step 3, logit yes: 1, expected 2" in text and "step 4: detected nothing, expected yes" in text


def test_differences_are_counted_and_named() -> None:
    logits = np.zeros((8, 2), np.int8)
    expected = measurement.Answer(logits, np.full(8, -1, np.int32))
    device = dataclasses.make_dataclass("Device", ["logits", "classes"])(logits.copy(), expected.classes.copy())
    device.logits[5, 1], device.classes[2] = 7, 0
    found = measurement._differences(("a", "b"), device, expected)
    assert (found["mismatches"], found["mismatching_logits"], found["mismatching_detections"]) == (2, 1, 1)
    assert found["mismatch_examples"] == [
        {"step": 5, "logit": "b", "device": 7, "expected": 0},
        {"step": 2, "detected": "a", "expected": None},
    ]


@pytest.mark.slow
def test_another_detector_on_the_device_ends_with_exit_code_1(
    bundle: Bundle, audio: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    shutil.copytree(bundle.path, tmp_path / "deaf")
    own = detector_file.of_bundle(bundle)
    never = dataclasses.replace(own, thresholds=(NEVER,) * len(own.labels))
    edited_c.place(tmp_path / "deaf").mkdir()
    for name, text in (bundle.c_files | detector_source.generate(never)).items():
        (edited_c.place(tmp_path / "deaf") / name).write_text(text)
    command = [sys.executable, edited_c.__file__, "microcontroller.bench", "--streaming", "--emulator=qemu"]
    command += [f"--bundle={tmp_path / 'deaf'}", f"--audio={audio}", f"--build_dir={tmp_path / 'build'}", "--json=-"]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["mismatching_logits"] == 0 and found["mismatching_detections"] == found["mismatches"] > 2
    assert found["board"] == measurement.DEFAULT_BOARD


@pytest.mark.slow
@pytest.mark.parametrize("bits", [8, 4])
def test_a_minute_on_the_device(tmp_path: pathlib.Path, bits: int) -> None:
    """The full-size network over the synthetic minute: every logit, every detection, those of Python's front end."""
    written = random_bundle.write(RandomBundleConfig(tmp_path / "b", weight_bits=bits, activation_bits=bits, clips=1))
    samples = recording.synthetic().samples
    bundle = with_detector(written, eager(written, samples))
    result = measurement.measure(config(bundle, tmp_path / "build"))
    assert result["mismatches"] == 0
    assert result["recording"]["seconds"] == 60 and result["recording"]["steps"] == 1500
    found = [(item["step"], item["keyword"]) for item in result["detections"]]
    assert len(found) >= 5 and found == host_detections(bundle, samples)
    per_second = result["instructions_per_second_of_audio"]
    assert per_second["frontend"] < 1_000_000 and per_second["network"] < 2_400_000
    assert per_second["detector"] < 15_000 and result["ram_bytes"] < 18_000


@pytest.mark.slow
def test_a_core_without_the_dsp_extension_gets_its_own_code(
    bundle: Bundle, audio: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    result = measurement.measure(config(bundle, tmp_path, audio=audio, board="mps2_an385"))
    assert (result["profile"], result["mismatches"]) == ("packed", 0)
    assert result["origin"] == "C written for this run, made for a cortex-m3; the bundle's own profile is fast"


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "microcontroller.bench", "--streaming", "--emulator=qemu", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_flag_of_inferences_is_refused() -> None:
    done = run_command("--bundle=B", "--clips=3")
    assert done.returncode == 2
    assert done.stderr == "error: --clips is about inferences of clips: leave it out with --streaming\n"


def test_audio_needs_streaming() -> None:
    done = run_command("--bundle=B", "--nostreaming", "--audio=a.wav")
    assert done.returncode == 2 and done.stderr.startswith("error: --audio is played with --streaming only")


def test_a_recording_beyond_flash_is_one_line(bundle: Bundle, tmp_path: pathlib.Path) -> None:
    minute = write_wav(tmp_path / "minute.wav", np.zeros(60 * 16000))
    with pytest.raises(
        MeasurementError,
        match=r"lasts 60\.0 s, and stm32f4 holds 2\d\.\d s .*: give a shorter recording, or board=mps2_an386$",
    ):
        measurement.measure(config(bundle, tmp_path, audio=minute, board="stm32f4"))


def test_the_synthetic_recording_is_as_long_as_the_board_holds(bundle: Bundle, tmp_path: pathlib.Path) -> None:
    result = measurement.measure(config(bundle, tmp_path, board="stm32f4"))
    played = result["recording"]
    assert 20 < played["seconds"] < 30 and played["seconds"] % 1 == 0
    assert played["name"] == f"{played['seconds']:.0f} s of synthetic words, seed 0"
    assert result["mismatches"] == 0


def test_renode_gets_a_board_that_it_has_and_no_advice_to_leave_it(
    bundle: Bundle, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --board; its advice for too long a recording names no board that Renode lacks."""
    monkeypatch.setattr(renode, "version", lambda: "Renode v1.16.1")
    played = []

    def run(board: Board, *_: object) -> list[str]:
        played.append(board.name)
        raise EmulatorError("started")

    monkeypatch.setattr(renode, "run", run)
    with pytest.raises(EmulatorError, match=r"^started$"):
        measurement.measure(config(bundle, tmp_path, emulator="renode"))
    assert played == ["stm32f4"]
    minute = write_wav(tmp_path / "minute.wav", np.zeros(60 * 16000))
    with pytest.raises(
        MeasurementError, match=r"stm32f4 holds 2\d\.\d s beside the firmware: give a shorter recording$"
    ):
        measurement.measure(config(bundle, tmp_path, emulator="renode", audio=minute))


def rewritten(bundle: Bundle, folder: pathlib.Path) -> Bundle:
    """A bundle without a detector."""
    return bundles.write(
        folder / "other",
        model=bundle.model,
        tflite=b"",
        golden=bundle.golden,
        frontend=bundle.frontend,
        keras_model=None,
        card="",
        metrics={},
    )


def test_a_bundle_without_a_detector_is_one_line(bundle: Bundle, tmp_path: pathlib.Path) -> None:
    with pytest.raises(BundleError, match=r"has no detector: write one with python -m kws\.tune_detector"):
        measurement.measure(config(rewritten(bundle, tmp_path), tmp_path))


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ({"sample_rate": 20000}, "listens at 20000 Hz, recordings have 16000"),
        (
            {"coefficients": 2, "offsets": [0, 0], "shifts": [20, 20]},
            "a frame has 2 coefficients, the network takes 10",
        ),
    ],
)
def test_a_front_end_of_another_network_is_one_line(
    bundle: Bundle, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, front: dict, message: str
) -> None:
    other = dataclasses.replace(bundle, manifest=bundle.manifest | {"frontend": bundle.frontend | front})
    monkeypatch.setattr(bundles, "load", lambda path: other)
    with pytest.raises((BundleError, MeasurementError), match=message):
        measurement.measure(config(bundle, tmp_path))


def test_a_network_that_skips_frames_is_one_line(
    bundle: Bundle, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_source, "why_not", lambda model: "layer a skips rows")
    with pytest.raises(MeasurementError, match="has no streaming network: layer a skips rows; train another model"):
        measurement.measure(config(bundle, tmp_path))


def test_settings() -> None:
    with pytest.raises(MeasurementError, match=r"^profile=quick is unknown"):
        StreamBenchConfig(pathlib.Path("B"), profile="quick")
    with pytest.raises(MeasurementError, match=r"^timeout=0: give a positive"):
        StreamBenchConfig(pathlib.Path("B"), timeout_s=0)
