"""The recording that the streaming bench plays."""

import json
import pathlib
import wave

import numpy as np
import pytest

from kws.datasets.synthetic import spoken_words
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.streaming import recording
from scripts import speak_words


def write(path: pathlib.Path, samples: np.ndarray, rate: int = 16000, channels: int = 1) -> pathlib.Path:
    with wave.open(str(path), "wb") as file:
        file.setframerate(rate)
        file.setnchannels(channels)
        file.setsampwidth(samples.dtype.itemsize)
        file.writeframes(samples.tobytes())
    return path


def test_the_synthetic_one_is_a_minute_and_the_same_for_a_seed() -> None:
    first, second = recording.synthetic(), recording.synthetic()
    assert first.samples.dtype == np.int16 and first.seconds == 60
    assert np.array_equal(first.samples, second.samples)
    assert not np.array_equal(first.samples, recording.synthetic(seed=1).samples)
    assert not first.samples[:32000].any() and first.samples[32000:48000].any()
    assert 10_000 < np.abs(first.samples.astype(int)).max() < 32_767


def test_its_words_are_what_the_script_speaks() -> None:
    assert json.loads(speak_words.TARGET.read_text()) == speak_words.words()


def test_a_bundles_own_words_are_played(tmp_path: pathlib.Path) -> None:
    path = tmp_path / recording.WORDS
    path.write_text(json.dumps(spoken_words.content(["lamp", "stop it"], "a test")))
    own = recording.synthetic(8, words_file=path)
    assert own.name == "8 s of the bundle's words, seed 0"
    assert own.samples[32000:].any() and not np.array_equal(own.samples, recording.synthetic(8).samples)
    assert {"yes", "stop"} < recording.known_words() and "lamp" not in recording.known_words()


@pytest.mark.parametrize("text", ["", "{}", '{"words": {}}', '{"words": {"lamp": {"samples": "AAAA"}}}', "[1]"])
def test_a_damaged_file_of_words_is_one_line(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / recording.WORDS
    path.write_text(text)
    with pytest.raises(MeasurementError, match=r"holds no words.*: write it again with python -m kws\.tune_detector$"):
        recording.synthetic(8, words_file=path)


def test_a_wav_file_is_read_as_it_is(tmp_path: pathlib.Path) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, 16001).astype(np.int16)
    read = recording.read(write(tmp_path / "a.wav", samples))
    assert np.array_equal(read.samples, samples) and read.name == "a.wav"


@pytest.mark.parametrize(
    ("samples", "form", "message"),
    [
        (np.zeros(32000, np.int16), {"channels": 2}, "16000 Hz, 2 channels, 16 bits: give a WAV file of 16 kHz, mono"),
        (np.zeros(16000, np.int16), {"rate": 8000}, "8000 Hz, 1 channels, 16 bits"),
        (np.zeros(16000, np.uint8), {}, "16000 Hz, 1 channels, 8 bits"),
        (np.zeros(15999, np.int16), {}, "has 15999 samples: give a second, 16000, at least"),
    ],
)
def test_other_forms_are_refused(tmp_path: pathlib.Path, samples: np.ndarray, form: dict, message: str) -> None:
    with pytest.raises(MeasurementError, match=message):
        recording.read(write(tmp_path / "a.wav", samples, **form))


def test_damaged_files_are_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.wav"
    with pytest.raises(MeasurementError, match="is not a file: give a WAV file"):
        recording.read(path)
    path.write_bytes(b"no sound")
    with pytest.raises(MeasurementError, match="can't be read"):
        recording.read(path)
    write(path, np.ones(20000, np.int16))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(MeasurementError, match="is truncated"):
        recording.read(path)
