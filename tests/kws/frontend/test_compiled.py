"""Features by C are those of the definition, and the definition serves where there is no C or it differs."""

import dataclasses
import pathlib
import re

import numpy as np
import pytest
import signals

from export.frontend import cepstrum
from export.host import stand_in
from export.host.mfcc import CMfcc
from kws.frontend import INTEGER, FrontEndConfig, compiled

SPEECH = signals.speech_like()[:3]
CONFIG = FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10)


@pytest.fixture
def first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has not computed features yet."""
    monkeypatch.setattr(compiled, "_library", compiled._library.__wrapped__)
    stand_in._say.cache_clear()


def test_integer_features_are_these() -> None:
    assert INTEGER.features is compiled.features


@pytest.mark.parametrize("clips", [SPEECH, signals.adversarial(), SPEECH[:0]], ids=len)
def test_they_are_the_definitions(clips: np.ndarray) -> None:
    np.testing.assert_array_equal(compiled.mfcc(clips, CONFIG), cepstrum.mfcc(clips, CONFIG))
    found = compiled.features(clips, CONFIG)
    assert (found.dtype, found.shape) == (np.int8, (len(clips), 49, 10, 1))
    np.testing.assert_array_equal(found, cepstrum.features(clips, CONFIG))


def test_one_library_serves_every_length_and_calibration() -> None:
    clips = SPEECH[:2]
    configs = [
        CONFIG,
        dataclasses.replace(CONFIG, clip_samples=12345, offsets=(7,) * 10, shifts=(19,) * 10),
        FrontEndConfig(clip_samples=640),
    ]
    libraries = set()
    for config in configs:
        cut = clips[:, : config.clip_samples]
        np.testing.assert_array_equal(compiled.mfcc(cut, config), cepstrum.mfcc(cut, config))
        libraries.add(compiled._library(compiled._without_calibration(config)))
    assert len(libraries) == 1 and None not in libraries


@pytest.mark.usefixtures("first_use")
def test_without_a_compiler_the_definition_serves(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    clips = SPEECH[:2]
    for _ in range(2):
        np.testing.assert_array_equal(compiled.features(clips, CONFIG), cepstrum.features(clips, CONFIG))
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.usefixtures("first_use")
def test_for_another_shape_the_definition_serves(capsys: pytest.CaptureFixture[str]) -> None:
    config = dataclasses.replace(CONFIG, window_samples=512)
    clips = SPEECH[:1]
    np.testing.assert_array_equal(compiled.features(clips, config), cepstrum.features(clips, config))
    assert "window_samples=512" in capsys.readouterr().err


@pytest.mark.usefixtures("first_use")
def test_c_that_differs_in_one_integer_is_not_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    equal = CMfcc.mfcc

    def differs(library: CMfcc, samples: np.ndarray) -> np.ndarray:
        found = equal(library, samples)
        found.flat[-1] ^= 1
        return found

    monkeypatch.setattr(CMfcc, "mfcc", differs)
    clips = SPEECH[:1]
    np.testing.assert_array_equal(compiled.features(clips, CONFIG), cepstrum.features(clips, CONFIG))
    assert "the front end compiled by this machine's C compiler gives other results" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("samples", "config"),
    [(np.zeros((1, 16000)), CONFIG), (np.zeros((1, 9), np.int16), CONFIG), (SPEECH[:1], FrontEndConfig())],
)
def test_what_the_definition_refuses_is_refused(samples: np.ndarray, config: FrontEndConfig) -> None:
    with pytest.raises(ValueError) as expected:
        cepstrum.features(samples, config)
    with pytest.raises(ValueError, match=re.escape(str(expected.value))):
        compiled.features(samples, config)
