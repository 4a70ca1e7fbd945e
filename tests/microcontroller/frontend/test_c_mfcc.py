"""The C that computes many frames at a time on the host: the integers of the definition, whatever shares a block."""

import dataclasses

import numpy as np
import pytest
import stimuli

from export.host.mfcc import CMfcc
from export.model.frontend_config import FrontEndConfig
from kws.frontend import mfcc


@pytest.fixture(scope="module")
def c_mfcc(config: FrontEndConfig) -> CMfcc:
    return CMfcc.of_config(config)


@pytest.mark.parametrize("clips", [0, 1, 3])
@pytest.mark.parametrize("samples", [640, 959, 960, 16000, 16319, 40000])
def test_any_number_of_frames(clips: int, samples: int, c_mfcc: CMfcc, config: FrontEndConfig) -> None:
    stream = stimuli.adversarial_clips(every=100)[1:].reshape(-1)
    cut = stream[: clips * samples].reshape(clips, samples)
    found = c_mfcc.mfcc(cut)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, mfcc(cut, dataclasses.replace(config, clip_samples=samples)))


def test_clips_of_every_kind(c_mfcc: CMfcc, config: FrontEndConfig) -> None:
    clips = stimuli.adversarial_clips(every=12)
    np.testing.assert_array_equal(c_mfcc.mfcc(clips), mfcc(clips, config))


@pytest.mark.slow
def test_a_thousand_adversarial_clips(c_mfcc: CMfcc, config: FrontEndConfig) -> None:
    clips = stimuli.adversarial_clips()
    np.testing.assert_array_equal(c_mfcc.mfcc(clips), mfcc(clips, config))


@pytest.mark.slow
def test_real_clips(c_mfcc: CMfcc, config: FrontEndConfig, real_clips: np.ndarray) -> None:
    np.testing.assert_array_equal(c_mfcc.mfcc(real_clips), mfcc(real_clips, config))


def test_samples_that_are_not_contiguous(c_mfcc: CMfcc, config: FrontEndConfig) -> None:
    clips = stimuli.adversarial_clips(every=100)
    np.testing.assert_array_equal(c_mfcc.mfcc(clips[::-2]), mfcc(clips[::-2], config))


@pytest.mark.parametrize(
    "changed",
    [{"mel_bands": 20}, {"mel_bands": 33}, {"coefficients": 13}, {"floor_bits": 10}, {"mel_low_hz": 300}],
)
def test_other_parameters(changed: dict[str, int]) -> None:
    other = FrontEndConfig(**changed)
    clips = stimuli.adversarial_clips(every=60)
    np.testing.assert_array_equal(CMfcc.of_config(other).mfcc(clips), mfcc(clips, other))


@pytest.mark.parametrize("samples", [np.zeros((1, 16000)), np.zeros(16000, np.int16), np.zeros((1, 639), np.int16)])
def test_what_is_no_clip_is_refused(samples: np.ndarray, c_mfcc: CMfcc) -> None:
    with pytest.raises(ValueError, match=r"expected int16 \(clips, 640 or more\)"):
        c_mfcc.mfcc(samples)


def test_there_is_no_c_for_another_shape() -> None:
    with pytest.raises(ValueError, match="fft_length=1024"):
        CMfcc.of_config(FrontEndConfig(fft_length=1024))
