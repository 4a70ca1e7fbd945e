"""Streaming commands as a user meets them."""

import dataclasses
import importlib
import io
import json
import pathlib
import subprocess
import sys
import types
import wave

import numpy as np
import pytest
import soundfile
import streaming_corpus

from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from kws import datasets, stream, tune_detector
from kws.datasets import DatasetConfig
from kws.evaluation import backends
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming import evaluation, plot
from kws.evaluation.streaming.evaluation import StreamingConfig
from kws.evaluation.streaming.recording import Recipe
from kws.evaluation.streaming.sound import Detection
from kws.training import run_folder
from kws.training.training_error import TrainingError
from kws_cli.command import UserError


@pytest.fixture(name="data")
def _data(monkeypatch: pytest.MonkeyPatch) -> DatasetConfig:
    """Loads the tones."""
    monkeypatch.setattr(datasets, "load", lambda config: streaming_corpus.dataset())
    return DatasetConfig(words=("yes", "no"), processes=1)


@pytest.fixture(scope="module", name="bundle")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Whose detector hears something in everything."""
    return streaming_corpus.random_bundle(tmp_path_factory.mktemp("bundles") / "bundle", share=0.1).path


@pytest.fixture(scope="module", name="mute")
def _mute(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return streaming_corpus.random_bundle(tmp_path_factory.mktemp("bundles") / "mute", share=None).path


def _sound(seconds: float, level: float = 3000.0) -> np.ndarray:
    noise = np.random.default_rng(5).normal(0, level, round(16000 * seconds))
    return np.clip(noise, -32768, 32767).astype(np.int16)


def _wav(path: pathlib.Path, samples: np.ndarray, rate: int = 16000, channels: int = 1) -> pathlib.Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples, channels).astype("<i2").tobytes())
    return path


def _command(*flags: str, sound: bytes = b"") -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "kws.stream", *flags], input=sound, capture_output=True, check=False, timeout=120
    )


def test_file_and_raw_pcm_are_heard_alike(bundle, tmp_path):
    samples = _sound(6.3)
    wav = _wav(tmp_path / "sound.wav", samples)
    by_file = _command(f"--bundle={bundle}", f"--audio={wav}", "--json=-")
    assert by_file.returncode == 0, by_file.stderr.decode()
    result = json.loads(by_file.stdout)
    assert result["seconds"] == pytest.approx(6.3)
    assert result["detections"] and set(result["detections"][0]) == {"seconds", "keyword", "posterior"}
    raw = _command(f"--bundle={bundle}", "--audio=-", sound=samples.astype("<i2").tobytes())
    assert raw.returncode == 0, raw.stderr.decode()
    lines = raw.stdout.decode().splitlines()
    assert [line.split()[2] for line in lines] == [found["keyword"] for found in result["detections"]]
    assert [float(line.split()[0]) for line in lines] == [
        pytest.approx(found["seconds"], abs=0.005) for found in result["detections"]
    ]


def test_stereo_is_heard_as_mono(bundle, tmp_path):
    samples = _sound(4)
    found = []
    for channels in (1, 2):
        wav = _wav(tmp_path / f"{channels}.wav", samples, channels=channels)
        found.append(list(stream.listen(stream.StreamConfig(bundle, str(wav)))))
    assert found[0] == found[1]
    assert isinstance(found[0][0], Detection) and found[0][-1] == 4.0


def test_other_rates_are_resampled(tmp_path):
    assert len(stream.recording(str(_wav(tmp_path / "8khz.wav", _sound(2)[:16000], rate=8000)))) == 32000


def test_a_recording_may_be_shorter_than_a_clip_and_end_with_its_word(bundle, tmp_path):
    wav = _wav(tmp_path / "short.wav", _sound(0.4))
    *_, seconds = stream.listen(stream.StreamConfig(bundle, str(wav)))
    assert seconds == 0.4


def test_clipping_is_told(bundle, tmp_path, capsys):
    wav = _wav(tmp_path / "loud.wav", _sound(2, level=60000.0))
    list(stream.listen(stream.StreamConfig(bundle, str(wav))))
    assert "of the samples are at full scale" in capsys.readouterr().err


def test_unusable_recordings_are_one_line(tmp_path):
    silent = _wav(tmp_path / "none.wav", _sound(0))
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    truncated = tmp_path / "truncated.wav"
    truncated.write_bytes(_wav(tmp_path / "whole.wav", _sound(2)).read_bytes()[:9000])
    for path, message in (
        (silent, "has no samples"),
        (empty, "the file is empty"),
        (truncated, "truncated"),
        (tmp_path / "nowhere.wav", "is not a file"),
        (tmp_path, "is not a file"),
        ("x" * 5000, "is not a file"),
        ("a\0b", "is not a file"),
    ):
        with pytest.raises(UserError, match=message) as error:
            stream.recording(str(path))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(("form", "subtype"), [("OGG", "OPUS"), ("AIFF", "PCM_16"), ("RF64", "PCM_24"), ("MP3", None)])
def test_what_phones_and_recorders_write_is_heard(tmp_path, form, subtype):
    soundfile.write(tmp_path / "sound", _sound(2) / 32768, 16000, subtype, format=form)
    assert 32000 <= len(stream.recording(str(tmp_path / "sound"))) <= 34000


def test_a_headerless_file_is_one_line_that_says_how(tmp_path):
    path = tmp_path / "raw.pcm"
    path.write_bytes(_sound(2).astype("<i2").tobytes())
    with pytest.raises(UserError, match=r"not a WAV.*--audio=- < FILE"):
        stream.recording(str(path))


def test_unusable_raw_pcm_is_one_line():
    pcm = _sound(1.5).astype("<i2").tobytes()
    assert sum(len(block) for block in stream.raw_blocks(io.BytesIO(pcm))) == 24000
    for data, message in (
        (b"", "has no sound"),
        (pcm + b"x", "half a sample"),
        (b"x", "half a sample"),
        *((header + pcm, "file with a header") for header in (b"RIFF", b"RF64", b"FORM", b"ID3\4", b"OggS", b"caff")),
    ):
        with pytest.raises(UserError, match=message):
            list(stream.raw_blocks(io.BytesIO(data)))


def test_errors_of_the_command_are_one_line(bundle, mute, tmp_path):
    wav = _wav(tmp_path / "sound.wav", _sound(2))
    for flags, message in (
        ((f"--bundle={mute}", f"--audio={wav}"), "has no detector: write one with python -m kws.tune_detector"),
        ((f"--bundle={bundle}",), "give either --audio=FILE"),
        ((f"--bundle={bundle}", f"--audio={wav}", "--microphone"), "give either --audio=FILE"),
        ((f"--audio={wav}",), "--bundle is required"),
    ):
        done = _command(*flags)
        lines = done.stderr.decode().splitlines()
        assert done.returncode == 2 and len(lines) == 1 and message in lines[0], done.stderr.decode()


def test_microphone_without_its_package_is_one_line(monkeypatch):
    def absent(name: str) -> types.ModuleType:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(UserError, match=r"PortAudio library not found.*pip install sounddevice"):
        next(stream.microphone_blocks())


class _Device:
    """A sound device as `sounddevice` shows one: 16 kHz mono int16, three blocks, then unplugged."""

    PortAudioError = type("PortAudioError", (Exception,), {})

    def __init__(self, samplerate: int, channels: int, dtype: str, blocksize: int) -> None:
        assert (samplerate, channels, dtype) == (16000, 1, "int16")
        self.blocks = 0

    def __enter__(self) -> "_Device":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, frames: int) -> tuple[np.ndarray, bool]:
        self.blocks += 1
        if self.blocks > 3:
            raise self.PortAudioError("device unavailable")
        return np.full((frames, 1), self.blocks, np.int16), self.blocks == 2


def test_microphone_gives_blocks_until_it_is_gone(monkeypatch, capsys):
    module = types.SimpleNamespace(InputStream=_Device, PortAudioError=_Device.PortAudioError)
    monkeypatch.setattr(importlib, "import_module", lambda name: module)
    blocks = stream.microphone_blocks()
    assert [next(blocks)[0] for _ in range(3)] == [1, 2, 3]
    assert "sound was lost" in capsys.readouterr().err
    with pytest.raises(UserError, match="no sound from a microphone"):
        next(blocks)


def test_two_evaluations_give_the_same_numbers(bundle, data, tmp_path):
    config = StreamingConfig(bundle, data, Recipe(hours=0.05))
    first, second = evaluation.evaluate(config), evaluation.evaluate(config)
    assert first == second
    assert json.loads(json.dumps(first)) == first
    assert first["keywords"] + first["other_words"] > 40
    assert set(first["integer"]) >= {"detector", "at_false_alarms_per_hour", "det", "miss_rate_by_snr_db"}
    assert "miss rate at 1 false alarms per hour" in evaluation.table(first)
    assert "float" not in first
    plot.draw(first, tmp_path / "det.png")
    assert (tmp_path / "det.png").read_bytes().startswith(b"\x89PNG")
    for name in ("det.unknown", "none/det.png"):
        with pytest.raises(EvaluationError, match=f"can't write plot=.*{name}"):
            plot.draw(first, tmp_path / name)


def test_the_engine_gives_the_interpreters_figures(bundle, data):
    config = StreamingConfig(bundle, data, Recipe(hours=0.02))
    by_interpreter = evaluation.evaluate(config)
    by_engine = evaluation.evaluate(dataclasses.replace(config, backend=evaluation.ENGINE))
    assert by_engine.pop("backend") == "engine" and by_interpreter.pop("backend") == "interpreter"
    assert by_engine == by_interpreter


def test_evaluation_of_what_does_not_fit_is_one_line(bundle, mute, data, tmp_path, monkeypatch):
    recipe = Recipe(hours=0.05)
    with pytest.raises(BundleError, match=r"no detector: .*kws\.tune_detector"):
        evaluation.evaluate(StreamingConfig(mute, data, recipe))
    with pytest.raises(TrainingError, match="holds no run"):
        run_folder.float_model(tmp_path, {})
    other = dataclasses.replace(streaming_corpus.dataset(), labels=("_silence_", "_unknown_", "up", "down"))
    monkeypatch.setattr(datasets, "load", lambda config: other)
    with pytest.raises(EvaluationError, match="are not the bundle's"):
        evaluation.evaluate(StreamingConfig(bundle, data, recipe))


def test_tuning_writes_the_detector_that_evaluation_takes(bundle, mute, data, monkeypatch):
    # A network that knows the truth stands in for the random one.
    heard: list[evaluation.Heard] = []
    hear = evaluation.hear

    def listening(*args: object) -> evaluation.Heard:
        heard.append(hear(*args))
        return heard[-1]

    def knowing(model: bundles.Bundle, frames: np.ndarray, backend: str) -> np.ndarray:
        recording = heard[-1].recording
        logits = np.full((len(frames) // 2, 4), -128, np.int8)
        logits[:, 0] = 127
        for start, label in zip(recording.starts, recording.labels, strict=True):
            logits[start // 640 + 10 : start // 640 + 35] = np.where(np.arange(4) == label, 127, -128)
        return logits

    monkeypatch.setattr(evaluation, "hear", listening)
    monkeypatch.setattr(evaluation, "logits_of", knowing)
    recipe = Recipe(split="validation", hours=0.05)
    config = tune_detector.TuneConfig(mute, data, recipe, false_alarms_per_hour=1.0)
    written = tune_detector.tune(config)
    assert written["there"]["miss_rate"] == 0 and written["there"]["false_alarms"] == 0
    assert tune_detector.tune(config) == written
    assert "yes" in tune_detector.table(written)
    result = evaluation.evaluate(StreamingConfig(mute, data, Recipe(hours=0.05)))
    assert result["integer"]["detector"]["miss_rate"] == 0
    assert result["integer"]["detector"]["false_alarms"] == 0
    assert result["integer"]["at_false_alarms_per_hour"]["1"]["miss_rate"] == 0
    assert result["detector"] == written["detector"]


def test_flags_of_streaming_are_refused_without_it(bundle):
    done = subprocess.run(
        [sys.executable, "-m", "kws.evaluate", f"--bundle={bundle}", "--hours=1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "--hours is for --streaming" in done.stderr
    assert set(evaluation.BACKENDS) <= set(backends.BACKENDS)
