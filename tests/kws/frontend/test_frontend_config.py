"""Parameters of the front end: JSON, validation, hash, calibration."""

import dataclasses
import json
import re

import numpy as np
import pytest
from signals import speech_like

from export.frontend.frontend_error import FrontEndError
from export.model.model_error import ModelError
from kws.examples.extraction import calibrate_on_clips
from kws.frontend import FrontEndConfig, calibrate, features, input_format, mfcc
from quant.qformat import QFormat

CALIBRATED = FrontEndConfig(offsets=tuple(range(10)), shifts=(18,) * 10)


def test_defaults() -> None:
    config = FrontEndConfig()
    assert (config.frames, config.coefficients, config.calibrated) == (49, 10, False)
    assert (config.window_samples, config.hop_samples) == (640, 320)
    assert input_format() == QFormat(8, 5)


@pytest.mark.parametrize("config", [FrontEndConfig(), CALIBRATED])
def test_json_round_trip(config: FrontEndConfig) -> None:
    again = FrontEndConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again == config
    assert again.sha256 == config.sha256


def test_the_hash_covers_every_parameter() -> None:
    changed = [dataclasses.replace(CALIBRATED, offsets=tuple(range(1, 11)))]
    steps = {"fft_length": 512, "sample_rate": 8000}
    for field in dataclasses.fields(CALIBRATED):
        if field.name in ("offsets", "shifts", "coefficients", "mel_bands"):
            continue
        value = getattr(CALIBRATED, field.name) + steps.get(field.name, 1)
        changed.append(dataclasses.replace(CALIBRATED, **{field.name: value}))
    assert len({config.sha256 for config in [CALIBRATED, *changed]}) == len(changed) + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fft_length": 500}, "fft_length=500: expected a power of two"),
        ({"hop_samples": 0}, "hop_samples=0"),
        ({"hop_samples": "320"}, "hop_samples='320': expected int"),
        ({"mel_high_hz": 9000}, "mel_high_hz=9000"),
        ({"floor_bits": 2}, "floor_bits=2: expected 10 to 24"),
        ({"shifts": [18] * 9}, "10 offsets and 9 shifts"),
        ({"shifts": [0] * 10}, "expected 1 to 30"),
        ({"offsets": [0.5] * 10}, "expected a tuple of int"),
        ({"window_samples": 2000}, "window_samples=2000"),
        ({"sample_rate": 3999}, "sample_rate=3999: expected 4000 to 384000"),
        ({"sample_rate": 10**300}, ": expected 4000 to 384000"),
    ],
)
def test_bad_parameters_are_one_line(change: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=re.escape(message)):
        FrontEndConfig.from_json(CALIBRATED.to_json() | change)


def test_unknown_and_missing_parameters_are_named() -> None:
    with pytest.raises(ModelError, match="dither missing or unknown"):
        FrontEndConfig.from_json(CALIBRATED.to_json() | {"dither": 1})
    with pytest.raises(ModelError, match="hop_samples missing or unknown"):
        FrontEndConfig.from_json({k: v for k, v in CALIBRATED.to_json().items() if k != "hop_samples"})
    with pytest.raises(ModelError, match="expected a JSON object, found list"):
        FrontEndConfig.from_json([])


def test_calibrated_codes_use_the_range() -> None:
    clips = speech_like()
    config = calibrate(mfcc(clips, FrontEndConfig()), FrontEndConfig())
    codes = features(clips, config)[..., 0].astype(np.float64)
    deviations = codes.std((0, 1))
    assert (deviations > 20).all() and (deviations < 43).all()
    assert np.abs(codes.mean((0, 1))).max() < 2


def test_calibration_of_constant_features_is_finite() -> None:
    config = calibrate(np.full((2, 49, 10), 77, np.int32), FrontEndConfig())
    assert config.offsets == (77,) * 10 and config.shifts == (1,) * 10


def test_calibration_on_a_seeded_part() -> None:
    clips = speech_like()
    some = calibrate_on_clips(clips, FrontEndConfig(), clips=10, seed=1)
    assert some == calibrate_on_clips(clips, FrontEndConfig(), clips=10, seed=1)
    assert some != calibrate_on_clips(clips, FrontEndConfig(), clips=10, seed=2)
    assert calibrate_on_clips(clips, FrontEndConfig()) == calibrate(mfcc(clips, FrontEndConfig()), FrontEndConfig())


def test_calibration_refuses_nothing_and_other_shapes() -> None:
    with pytest.raises(FrontEndError, match="no clips"):
        calibrate(np.zeros((0, 49, 10), np.int32), FrontEndConfig())
    with pytest.raises(ValueError, match=r"expected \[n, 49, 10\]"):
        calibrate(np.zeros((3, 49, 13), np.int32), FrontEndConfig())
