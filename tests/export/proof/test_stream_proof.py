"""verify finds a wrong front end, streaming network or detector, and names the first code that differs."""

import dataclasses
import pathlib

import numpy as np
import pytest

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.frontend.frontend_error import FrontEndError
from export.model import detector as detectors
from export.model import stream_interpreter
from export.model.integer_model import IntegerModel
from export.proof import stream_proof
from export.proof.bundle_proof import VerifyConfig, verify_bundle

PARTS = VerifyConfig(implementations=("stream", "detector"), random_codes=1)
FRONTEND = VerifyConfig(implementations=("frontend",), clips=1, random_codes=0)


@pytest.fixture
def bundle(make_bundle, small_model: IntegerModel) -> Bundle:
    detector = detectors.default(
        dataclasses.replace(small_model, labels=("_silence_", "yes", "no")), window=3, refractory=5
    )
    detector = dataclasses.replace(detector, labels=small_model.labels)
    return bundles.add(make_bundle(small_model), detector_file.bundle_files(detector, {}))


def test_what_hears_a_stream_is_proved(bundle) -> None:
    result = verify_bundle(bundle, PARTS)
    assert result.mismatches == 0 and not result.skipped
    assert result.pair("stream").codes > 100 and result.pair("detector").codes == 4000


def test_a_wrong_streaming_network_is_named(bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    right = stream_interpreter.StreamInterpreter.run

    def wrong(self: stream_interpreter.StreamInterpreter, frames: np.ndarray) -> np.ndarray:
        logits = right(self, frames).copy()
        logits[7, 1] ^= 1
        return logits

    monkeypatch.setattr(stream_proof.StreamInterpreter, "run", wrong)
    result = verify_bundle(bundle, PARTS)
    assert result.pair("stream").mismatches == result.mismatches == 1
    assert result.pair("stream").first.clip == "step 7" and result.pair("stream").first.position == (0, 0, 1)


@pytest.mark.parametrize(
    "change", [{"window": 4}, {"refractory": 6}, {"rise": 4}, {"thresholds": (detectors.NEVER, 96000, 60000)}]
)
def test_a_wrong_detector_is_named(change: dict, bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the C had been generated from another one."""
    assert bundle.c_folder.is_dir()  # written from the bundle's own
    other = dataclasses.replace(detector_file.of_bundle(bundle), **change)
    monkeypatch.setattr(stream_proof.detector_file, "of_bundle", lambda _: other)
    assert verify_bundle(bundle, PARTS).pair("detector").mismatches > 3


def test_what_a_bundle_has_not_is_said(make_bundle, small_model: IntegerModel) -> None:
    result = verify_bundle(make_bundle(small_model), PARTS)
    assert "detector skipped: the bundle has no detector" in result.table()
    assert [pair.implementation for pair in result.pairs] == ["golden", "golden", "stream"]
    written = make_bundle(small_model)
    featured = dataclasses.replace(written, manifest={**written.manifest, "frontend": {}})
    frontend = verify_bundle(featured, FRONTEND)
    assert "frontend skipped: the bundle has no front end" in frontend.table()


@pytest.fixture(scope="module")
def hearing() -> Bundle:
    return bundles.load(pathlib.Path(__file__).resolve().parents[3] / "models" / "w4a4")


def test_the_front_end_is_proved(hearing: Bundle) -> None:
    result = verify_bundle(hearing, FRONTEND)
    assert result.mismatches == 0 and result.pair("frontend").codes == 24 * 49 * 10


@pytest.mark.parametrize("change", ["shifts", "offsets"])
def test_a_wrong_front_end_is_named(hearing: Bundle, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """As if the C had been generated from other parameters: coefficient 3's."""
    assert hearing.c_folder.is_dir()
    config = hearing.frontend_config
    values = list(getattr(config, change))
    values[3] += 1 if change == "shifts" else 1 << 18
    other = dataclasses.replace(config, **{change: tuple(values)})
    monkeypatch.setattr(Bundle, "frontend_config", other)
    found = verify_bundle(hearing, FRONTEND).pair("frontend")
    assert 100 < found.mismatches <= 24 * 49 and found.first.layer == "frontend"
    assert found.first.position[1] == 3 and found.first.clip.startswith("sound ")


def test_an_arm_machine_cannot_prove_it_and_says_so(hearing: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_build(_: np.ndarray) -> np.ndarray:
        raise FrontEndError("this build computes other integers")

    monkeypatch.setattr(stream_proof.cepstrum, "spectrum", other_build)
    assert verify_bundle(hearing, FRONTEND).skipped == {"frontend": "this build computes other integers"}
