"""The C front end on the host: code by code what Python computes, at every hop of a stream."""

import dataclasses

import numpy as np
import pytest
import stimuli

from export.frontend.cepstrum import spectrum
from export.host.frontend import CFrontEnd
from export.host.host_error import HostError
from export.model.frontend_config import FrontEndConfig
from export.model.frontend_tables import make_tables
from export.source import frontend_source
from kws.frontend import features

HOP = 320


def _frame(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """Features of the last second, as if silence came before."""
    clip = np.zeros(config.clip_samples, np.int16)
    last = samples[-config.clip_samples :]
    clip[len(clip) - len(last) :] = last
    return features(clip[None], config)[0]


def test_clips_of_every_kind(c_frontend: CFrontEnd, config: FrontEndConfig) -> None:
    clips = stimuli.adversarial_clips(every=12)
    codes = c_frontend.clips(clips)
    np.testing.assert_array_equal(codes, features(clips, config))
    # Neither saturated nor all the same, or equality would say little.
    assert ((codes > -128) & (codes < 127)).mean() > 0.5 and len(np.unique(codes)) > 200


@pytest.mark.slow
def test_a_thousand_adversarial_clips(c_frontend: CFrontEnd, config: FrontEndConfig) -> None:
    clips = stimuli.adversarial_clips()
    assert len(clips) >= 1000
    np.testing.assert_array_equal(c_frontend.clips(clips), features(clips, config))


@pytest.mark.slow
def test_real_clips(c_frontend: CFrontEnd, config: FrontEndConfig, real_clips: np.ndarray) -> None:
    assert len(real_clips) >= 600
    np.testing.assert_array_equal(c_frontend.clips(real_clips), features(real_clips, config))


def test_every_hop_has_the_features_of_the_last_second(c_frontend: CFrontEnd, config: FrontEndConfig) -> None:
    stream = stimuli.adversarial_clips(every=300)[1:].reshape(-1)
    c_frontend.reset()
    np.testing.assert_array_equal(c_frontend.features(), _frame(stream[:0], config))
    for hop in range(0, 101):
        frames = c_frontend.hops(stream[hop * HOP : (hop + 1) * HOP])
        now = c_frontend.features()
        np.testing.assert_array_equal(frames[0], now[-1, :, 0])
        if hop % 7 == 0 or hop in (1, 48, 49, 50):
            np.testing.assert_array_equal(now, _frame(stream[: (hop + 1) * HOP], config))


def test_a_clip_is_complete_with_its_last_hop(c_frontend: CFrontEnd, config: FrontEndConfig) -> None:
    clip = stimuli.adversarial_clips(every=700)[1]
    c_frontend.reset()
    frames = c_frontend.hops(clip)
    one_shot = features(clip[None], config)[0, :, :, 0]
    # Hop h completes frame h - 1; what hop 0 completes begins before the clip.
    np.testing.assert_array_equal(frames[1:], one_shot)
    np.testing.assert_array_equal(c_frontend.features()[:, :, 0], one_shot)


def test_hops_at_once_are_hops_one_by_one(c_frontend: CFrontEnd) -> None:
    clip = stimuli.adversarial_clips(every=500)[1]
    c_frontend.reset()
    at_once = c_frontend.hops(clip)
    c_frontend.reset()
    np.testing.assert_array_equal(np.concatenate([c_frontend.hops(hop) for hop in clip.reshape(-1, HOP)]), at_once)
    # From an address that is no multiple of a word's.
    shifted = np.empty(len(clip) + 1, np.int16)[1:]
    shifted[:] = clip
    c_frontend.reset()
    np.testing.assert_array_equal(c_frontend.hops(shifted), at_once)


def _extreme_frames(config: FrontEndConfig) -> list[tuple[np.ndarray, np.ndarray]]:
    """Samples and windows whose folded products stay within 30 bits, up to the last one."""
    rng = np.random.default_rng(3)
    flat = np.where(np.arange(640) < 128, 16383, 32767).astype(np.int16)
    flat[512:] = 16383
    windows = [make_tables(config).window, flat, rng.integers(-16383, 16384, 640).astype(np.int16)]
    kinds = [
        np.full(640, -32768),
        np.full(640, 32767),
        np.where(np.arange(640) % 2, 32767, -32768),
        np.where(np.arange(640) // 8 % 2, 32767, -32768),
        np.eye(1, 640, 130)[0] * -32768,
        np.zeros(640),
        rng.choice([-32768, 32767], 640),
        *(rng.integers(-(2**bits), 2**bits, 640) for bits in range(16)),
    ]
    return [(kind.astype(np.int16), window) for window in windows for kind in kinds]


def test_spectra_are_cmsis_dsps(c_frontend: CFrontEnd, config: FrontEndConfig) -> None:
    for samples, window in _extreme_frames(config):
        product = samples.astype(np.int32) * window
        product[:128] += product[512:]
        expected = spectrum(product[None, :512])[0]
        bins, shift = c_frontend.spectrum(samples, window)
        np.testing.assert_array_equal(bins, expected)
        peak = int(np.abs(expected.astype(np.int64)).max())
        assert shift == min(31 - peak.bit_length(), 16)


@pytest.mark.parametrize(
    "changed",
    [{"mel_bands": 20}, {"mel_bands": 33}, {"coefficients": 13}, {"floor_bits": 10}, {"mel_low_hz": 300}],
)
def test_other_parameters(changed: dict[str, int], config: FrontEndConfig, tmp_path) -> None:
    coefficients = changed.get("coefficients", 10)
    other = dataclasses.replace(config, **changed, offsets=(1000,) * coefficients, shifts=(20,) * coefficients)
    for name, text in frontend_source.generate(other).items():
        (tmp_path / name).write_text(text)
    clips = stimuli.adversarial_clips(every=60)
    np.testing.assert_array_equal(CFrontEnd.build(tmp_path).clips(clips), features(clips, other))


def test_memory_is_below_8_kilobytes(c_frontend: CFrontEnd) -> None:
    assert c_frontend.state_bytes + c_frontend.scratch_bytes < 8192


@pytest.mark.parametrize("samples", [np.zeros(319, np.int16), np.zeros(320), np.zeros((1, 320), np.int16)])
def test_no_whole_hops_are_refused(samples: np.ndarray, c_frontend: CFrontEnd) -> None:
    with pytest.raises(ValueError, match="expected int16"):
        c_frontend.hops(samples)


def test_a_bundle_without_tables_is_one_line(tmp_path) -> None:
    with pytest.raises(HostError, match=r"fxp_frontend_config\.h is missing: write the bundle again"):
        CFrontEnd.build(tmp_path)
