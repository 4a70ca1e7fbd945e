"""Recordings of one's own words: by the page in a headless browser, and at a terminal."""

import base64
import importlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import types
import wave
import zipfile

import headless
import numpy as np
import pytest
from corpus import write_wav

from kws import record, stream
from kws.datasets.dataset_error import DatasetError
from kws.datasets.recordings import audio_file
from kws.recorder import page, settings, take
from kws.recorder.settings import RecordConfig
from kws_cli.command import UserError

DRIVER = pathlib.Path(__file__).with_name("drive.html")
ROOT = pathlib.Path(__file__).resolve().parents[3]


def _word(level: float, start: float, end: float, seconds: float = 1.5, noise: float = 20, seed: int = 0) -> np.ndarray:
    """int16 [n]: a tone in noise."""
    samples = np.random.default_rng(seed).normal(0, noise, round(16000 * seconds))
    first, last = round(16000 * start), round(16000 * end)
    samples[first:last] += level * np.sin(2 * np.pi * 440 * np.arange(last - first) / 16000)
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


SOUNDS = {
    "good": _word(8000, 0.5, 0.9),
    "long": _word(8000, 0.2, 1.35),
    "two parts": _word(8000, 0.3, 0.6) + _word(8000, 0.95, 1.2),
    "click before": _word(8000, 0.05, 0.07) + _word(8000, 0.7, 1.1),
    "silent": np.random.default_rng(1).integers(-3, 4, 24000).astype(np.int16),
    "zero": np.zeros(24000, np.int16),
    "begins too early": _word(8000, 0.0, 0.4),
    "ends too late": _word(8000, 1.2, 1.5),
    "loud": _word(60000, 0.5, 0.9),
    "quiet": _word(150, 0.5, 0.9, noise=3),
    "noisy": _word(1500, 0.5, 0.9, noise=650),
    "offset": _word(8000, 0.5, 0.9) + np.int16(2000),
}


def test_what_is_wrong_with_a_take_is_said() -> None:
    found = {name: take.take(samples) for name, samples in SOUNDS.items()}
    assert {name: each.fault for name, each in found.items()} == {
        "good": "",
        "long": "",
        "two parts": "",
        "click before": "",
        "silent": take.SILENT,
        "zero": take.SILENT,
        "begins too early": take.CUT_OFF,
        "ends too late": take.CUT_OFF,
        "loud": take.CLIPPED,
        "quiet": take.QUIET,
        "noisy": take.NOISY,
        "offset": "",
    }
    assert found["noisy"].is_good and not found["loud"].is_good
    assert found["good"].level_db == pytest.approx(20 * np.log10(8000 / np.sqrt(2) / 32768), abs=0.5)


def test_the_word_is_kept_in_the_middle() -> None:
    lengths = {name: len(take.take(samples).samples) for name, samples in SOUNDS.items()}
    assert lengths["good"] == lengths["two parts"] == lengths["click before"] == 16000
    assert lengths["long"] == pytest.approx(16000 * 1.35, abs=1000)
    kept = take.take(SOUNDS["click before"]).samples
    np.testing.assert_array_equal(kept, SOUNDS["click before"][6400:22400])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a/b",), "expected a word of printable characters"),
        (("_silence_",), "words can't name _silence_"),
        (("..",), "can't be a folder everywhere"),
        (("negatives",), "can't be a folder everywhere"),
        (("Lamp", "lamp"), "differ in capitals alone"),
        (("lamp", "lamp"), "names a word twice"),
        ((" ",), "empty word"),
    ],
)
def test_words_that_can_be_no_folder_are_refused(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        RecordConfig(words)
    with pytest.raises(DatasetError, match="takes=0: give 1 to 1000"):
        RecordConfig(("lamp",), takes=0)


def test_a_speakers_name_begins_a_files_name() -> None:
    for text in ("a__b", "x_nohash_y", "../../etc", "a/b\\c:d", "  ", "u\u0308"):
        name = settings.speaker_name(text)
        assert not set(name) & set('/\\:"<>|?*') and "__" not in name and "_nohash_" not in name
        assert name == name.strip(" ._")
    assert settings.speaker_name("u\u0308") == "\u00fc"


@pytest.mark.slow
def test_the_page_records_word_after_word(tmp_path: pathlib.Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    config = RecordConfig(("lamp", "stop it", "tür's"), takes=1, seconds=1.5, noise_seconds=1)
    record.write_page(config, site / "recorder.html")
    shutil.copyfile(DRIVER, site / DRIVER.name)
    (site / "sounds.json").write_text(json.dumps([samples.tolist() for samples in SOUNDS.values()]))
    write_wav(site / "microphone.wav", _word(8000, 0.8, 1.2, seconds=2.4))
    found = headless.drive(site, DRIVER.name, tmp_path / "profile", *headless.hearing(site / "microphone.wav"))

    for (name, samples), judged in zip(SOUNDS.items(), found["judged"], strict=True):
        expected = take.take(samples)
        assert (judged["fault"], judged["good"]) == (expected.fault, expected.is_good), name
        assert judged["level"] == pytest.approx(expected.level_db, abs=0.01)
        np.testing.assert_array_equal(judged["kept"], expected.samples)
    assert found["first"] == "Give the speaker's name and turn on the microphone"
    assert found["nameless"].startswith("Give the speaker's name first")
    assert found["takes"] == 4 and found["redone"] == found["prompts"][-1] == "The room"
    assert list(dict.fromkeys(found["prompts"])) == ["lamp", "stop it", "tür's", "The room"]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found["zip"]))) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "recordings")
    paths = sorted((tmp_path / "recordings").rglob("*.wav"))
    assert [path.parent.name for path in paths] == ["_background_noise_", "lamp", "stop it", "tür's"]
    assert all(path.name.startswith("Än na_ x__20") for path in paths), paths
    for path in paths:
        samples = audio_file.read(path)
        assert len(samples) == 16000 and np.abs(samples.astype(int)).max() < 20000
        if path.parent.name != "_background_noise_":
            assert take.take(np.pad(samples, 4000)).fault in ("", take.NOISY)
    assert found["warned"] and found["saved"] and found["state"] == "done" and found["plays"]
    assert found["status"].startswith("Saved recordings-Än na_ x.zip")
    assert found["overflow"] == [0, 0] and -60 <= found["meter"] <= 0


@pytest.mark.slow
def test_no_microphone_is_one_line(tmp_path: pathlib.Path) -> None:
    record.write_page(RecordConfig(("lamp",)), tmp_path / "recorder.html")
    shutil.copyfile(DRIVER, tmp_path / DRIVER.name)
    (tmp_path / "sounds.json").write_text("[]")
    found = headless.drive(tmp_path, DRIVER.name, tmp_path / "profile")
    assert found["failed"].startswith("No sound from a microphone (")


def test_the_page_is_one_file_that_loads_and_sends_nothing() -> None:
    text = page.page(RecordConfig(("lamp", "tür's & co")))
    assert "default-src 'none'" in text and "http" not in text.replace("http.server", "").replace(
        "http-equiv", ""
    ).replace("https and", "")
    assert "tür&#x27;s &amp; co" in text and text.count("<script") == text.count("</script>") == 3
    assert "$" not in text.split("<script")[0]


def _terminal(*answers: str) -> types.SimpleNamespace:
    asked: list[str] = []
    left = iter(answers)

    def ask(prompt: str) -> str:
        asked.append(prompt.split("   ")[0])
        return next(left, "q")

    return types.SimpleNamespace(ask=ask, asked=asked)


def test_the_terminal_prompts_and_writes_each_take(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    sounds = iter([SOUNDS["good"], SOUNDS["loud"], SOUNDS["good"], SOUNDS["quiet"], SOUNDS["good"], SOUNDS["noisy"]])
    terminal = _terminal("", "", "", "", "r", "", "", "", "")
    config = RecordConfig(("lamp", "stop it"), takes=2, seconds=1.5, noise_seconds=2)
    place = record.Place(tmp_path / "mine", "anna", "20260101T000000")
    heard = []

    def listen(seconds: float) -> np.ndarray:
        heard.append(seconds)
        return next(sounds, SOUNDS["good"])

    written = record.record(config, place, listen, terminal.ask)
    assert terminal.asked == [
        *("[1/2] lamp", "[1/2] stop it", "[1/2] stop it", "[2/2] lamp", "[2/2] stop it", "[2/2] lamp"),
        *("[2/2] stop it", "[1/2] _background_noise_"),
    ]
    assert heard == [1.5] * 6 + [2] and len(written) == 5
    assert sorted(path.relative_to(tmp_path / "mine").as_posix() for path in (tmp_path / "mine").rglob("*.wav")) == [
        "_background_noise_/anna__20260101T000000_007.wav",
        "lamp/anna__20260101T000000_001.wav",
        "lamp/anna__20260101T000000_005.wav",
        "stop it/anna__20260101T000000_003.wav",
        "stop it/anna__20260101T000000_006.wav",
    ]
    with wave.open(str(written[0]), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16000, 1, 16000)
    assert f"{take.CLIPPED}. Once more" in capsys.readouterr().out


def test_what_was_to_be_said_again_is_kept_if_that_is_wanted(tmp_path: pathlib.Path) -> None:
    terminal = _terminal("k", "", "k", "s", "")
    config = RecordConfig(("lamp", "door"), takes=1, noise_seconds=0)
    listen = iter([SOUNDS["good"], SOUNDS["loud"], SOUNDS["loud"]]).__next__
    written = record.record(config, record.Place(tmp_path, "anna", "x"), lambda _: listen(), terminal.ask)
    assert [path.parent.name for path in written] == ["lamp"]
    terminal = _terminal("", "k", "s")
    sounds = iter([SOUNDS["loud"]])
    written = record.record(config, record.Place(tmp_path, "ben", "x"), lambda _: next(sounds), terminal.ask)
    assert [path.parent.name for path in written] == ["lamp"]
    assert terminal.asked == ["[1/1] lamp", "[1/1] lamp", "[1/1] door"]


def test_what_was_recorded_stays_when_it_ends_early(tmp_path: pathlib.Path) -> None:
    def listen(seconds: float) -> np.ndarray:
        if list(tmp_path.rglob("*.wav")):
            raise UserError("no sound from a microphone (unplugged)")
        return SOUNDS["good"]

    place = record.Place(tmp_path, "anna", "stamp")
    with pytest.raises(UserError, match="no sound"):
        record.record(RecordConfig(("lamp",)), place, listen, _terminal("", "").ask)
    assert len(list(tmp_path.rglob("*.wav"))) == 1
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"can't write .*file/lamp/.*; what was recorded before is there"):
        record.record(
            RecordConfig(("lamp",)),
            record.Place(tmp_path / "file", "a", "b"),
            lambda seconds: SOUNDS["good"],
            _terminal("").ask,
        )


def test_the_keys_own_sound_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Device:
        def __init__(self, **_: object) -> None:
            self.count = 0

        def __enter__(self) -> "Device":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self, frames: int) -> tuple[np.ndarray, bool]:
            self.count += frames
            return np.arange(self.count - frames, self.count).astype(np.int16)[:, np.newaxis], False

    module = types.SimpleNamespace(InputStream=Device, PortAudioError=OSError)
    assert stream.SAMPLE_RATE == 16000  # it is loaded: what follows is no way to load modules
    monkeypatch.setattr(importlib, "import_module", lambda name: module)
    np.testing.assert_array_equal(record.microphone(1.0), np.arange(4800, 20800).astype(np.int16))


def test_a_missing_microphone_is_said_before_the_first_prompt(tmp_path: pathlib.Path) -> None:
    """A module of that name that finds no library is what a machine without PortAudio has."""
    (tmp_path / "sounddevice.py").write_text('raise OSError("PortAudio library not found")\n')
    done = subprocess.run(
        [sys.executable, "-m", "kws.record", "--words=lamp", "--microphone", "--speaker=a", f"--data_dir={tmp_path}/d"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        input="\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert "PortAudio library not found" in done.stderr and "--output=recorder.html" in done.stderr


def test_nothing_recorded_is_one_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "sounddevice.py").write_text(
        """
import numpy

PortAudioError = OSError


class InputStream:
    def __init__(self, **settings):
        self.read = lambda frames: (numpy.zeros((frames, 1), numpy.int16), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "kws.record", "--words=lamp", "--microphone", "--speaker=a", f"--data_dir={tmp_path}/d"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        input="q\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert "error: nothing was recorded, and nothing written to --data_dir=" in done.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--words=lamp",), "give either --output=recorder.html, a page that records, or --microphone"),
        (("--words=lamp", "--microphone", "--speaker=anna"), "--data_dir is required"),
        (("--words=lamp", "--microphone", "--data_dir=D", "--speaker=//"), "--speaker=// has no letter"),
        (("--words=a/b", "--output=x.html"), "expected a word of printable characters"),
        (("--words=lamp", "--output=/"), "can't write --output=/: "),
    ],
)
def test_mistakes_are_one_line(flags: tuple[str, ...], message: str, tmp_path: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kws.record", *flags],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and not list(tmp_path.iterdir())
    assert len(done.stderr.splitlines()) == 1 and message in done.stderr
