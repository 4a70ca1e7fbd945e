"""The page in a headless browser hears what the host hears, and every code is the same."""

import hashlib
import pathlib
import shutil
import wave
from typing import Any

import headless
import numpy as np
import pytest

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.bundle import manifest as manifests
from export.bundle.bundle_error import BundleError
from export.model import detector as detectors
from kws.evaluation.streaming import sound
from kws.frontend import FrontEndConfig
from microcontroller import web_page
from microcontroller.streaming import recording

pytestmark = pytest.mark.slow

DRIVER = pathlib.Path(__file__).with_name("drive.html")
MODEL = pathlib.Path(__file__).resolve().parents[3] / "models" / "w4a4"
SECONDS = 20


@pytest.fixture(scope="module", name="bundle")
def _bundle(tmp_path_factory: pytest.TempPathFactory) -> bundles.Bundle:
    """A trained model with a detector that is easily convinced."""
    path = tmp_path_factory.mktemp("bundles") / "w4a4"
    shutil.copytree(MODEL, path)
    bundle = bundles.load(path)
    easy = detectors.default(bundle.model, window=4, refractory=10)
    thresholds = tuple(t if t == detectors.NEVER else 4 * detectors.ONE // 2 for t in easy.thresholds)
    detector = detectors.Detector(easy.labels, easy.fraction_bits, easy.window, easy.refractory, thresholds, rise=9)
    bundles.add(bundle, detector_file.bundle_files(detector, {}))
    return bundles.load(path)


@pytest.fixture(scope="module", name="site")
def _site(bundle: bundles.Bundle, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the page, its driver and sounds."""
    if not shutil.which(web_page.COMPILER):
        pytest.skip(f"{web_page.COMPILER} is not installed")
    site = tmp_path_factory.mktemp("site")
    web_page.write(web_page.WebPageConfig(bundle.path, site / "keywords.html"))
    shutil.copyfile(DRIVER, site / DRIVER.name)
    samples = recording.synthetic(SECONDS).samples
    _wav(site / "words.wav", samples)
    _wav(site / "stereo.wav", np.repeat(samples[: 4 * 44100], 2), rate=44100, channels=2)
    _wav(site / "speech.wav", samples[2 * 16000 :])
    _wav(site / "short.wav", samples[:15999])
    (site / "notes.txt").write_text("no sound")
    return site


def _wav(path: pathlib.Path, samples: np.ndarray, rate: int = 16000, channels: int = 1) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def _drive(site: pathlib.Path, query: str, profile: pathlib.Path, *flags: str) -> dict[str, Any]:
    """What the page shows after "drop=FILE" or "listen"."""
    return headless.drive(site, f"{DRIVER.name}?{query}", profile, *flags)


def _sha256(codes: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(codes).tobytes()).hexdigest()


def test_a_dropped_recording_gives_the_hosts_codes_and_detections(bundle, site, tmp_path):
    samples = recording.synthetic(SECONDS).samples
    config = FrontEndConfig.from_json(bundle.frontend)
    frames = sound.frames_of(samples, config, processes=1)
    detector = detector_file.of_bundle(bundle)
    logits = sound.logits_of(bundle.model, frames)
    sums = detectors.smooth(detectors.posteriors(detector, logits).astype(np.int64), detector.window)
    listener = sound.Listener(bundle, detector)
    expected = [*listener.feed(samples), *listener.finish()]
    assert len(expected) >= 3

    found = _drive(site, "drop=words.wav", tmp_path)
    assert found["state"] == "done"
    assert found["status"] == f"words.wav: {len(expected)} detections in {SECONDS:.2f} s of sound"
    assert found["steps"] == len(logits)
    assert found["features"] == _sha256(frames)
    assert found["sums"] == _sha256(sums.astype("<u4"))
    shown = [(float(d["seconds"]), d["keyword"], float(d["posterior"])) for d in found["detections"]]
    assert shown == [(d.seconds, d.keyword, d.posterior) for d in expected]
    assert min(found["colours"]) >= 3
    assert found["by_page"] == found["by_c"] and sum(value >= 0 for value in found["by_c"]) == len(expected)
    more, fewer, own = found["sensitive"]
    assert more >= own == len(expected) > fewer >= 0
    keywords = zip(detector.labels, detector.thresholds, strict=True)
    assert found["legend"] == [
        f"{label} from {threshold / detectors.ONE / detector.window:.2f}"
        for label, threshold in keywords
        if threshold != detectors.NEVER
    ]
    assert found["playable"] and found["overflow"] == [0, 0] and found["heights"] == [94, 94, 158]


def test_a_recording_that_is_opened_takes_the_place_of_the_one_before(site, tmp_path):
    found = _drive(site, "replace=notes.txt", tmp_path)
    assert found["state"] == "done"
    assert found["status"].startswith("words.wav: ")
    assert found["steps"] == SECONDS * 25


def test_other_rates_and_channels_are_decoded(site, tmp_path):
    found = _drive(site, "drop=stereo.wav", tmp_path)
    assert found["state"] == "done"
    assert found["steps"] == 4 * 25


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("short.wav", "short.wav has 0.99 s of sound: the network hears a second at a time, open one at least"),
        ("notes.txt", "notes.txt is not a recording that this browser can decode: open a WAV file"),
    ],
)
def test_what_is_no_sound_is_one_line(site, tmp_path, name, message):
    found = _drive(site, f"drop={name}", tmp_path)
    assert (found["state"], found["status"], found["steps"]) == ("failed", message, 0)


def test_the_microphone_is_heard(site, tmp_path):
    found = _drive(site, "listen", tmp_path, *headless.hearing(site / "speech.wav"))
    assert found["state"] == "done", found["status"]
    assert found["steps"] >= 50
    assert found["different"] > 20
    assert found["status"].startswith("Stopped after ")


def test_no_microphone_is_one_line(site, tmp_path):
    found = _drive(site, "listen", tmp_path)
    assert found["state"] == "failed"
    assert found["status"].startswith("No sound from a microphone (")
    assert found["steps"] == 0


def test_errors_of_the_command_are_one_line(bundle, monkeypatch, tmp_path):
    mute = shutil.copytree(bundle.path, tmp_path / "mute")
    (mute / detectors.FILE).unlink()
    files = {name: value for name, value in bundle.manifest["files"].items() if name != detectors.FILE}
    manifests.write(mute, bundle.manifest | {"files": files})
    with pytest.raises(BundleError, match="has no detector: write one with python"):
        web_page.write(web_page.WebPageConfig(mute, tmp_path / "page.html"))
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(web_page, "compiled", lambda bundle: b"")
    with pytest.raises(web_page.UserError, match=r"can't write --page=.*folder: Is a directory"):
        web_page.write(web_page.WebPageConfig(bundle.path, tmp_path / "folder"))
    assert not list(tmp_path.glob(".*"))
    monkeypatch.undo()
    monkeypatch.setattr(web_page.shutil, "which", lambda name: None)
    with pytest.raises(web_page.UserError, match="emcc not found: run make web, or apt-get install emscripten"):
        web_page.write(web_page.WebPageConfig(bundle.path, tmp_path / "page.html"))
    assert not (tmp_path / "page.html").exists()
