"""The front end's arithmetic: against float64, on extreme signals, frame by frame, and frozen."""

import hashlib

import numpy as np
import pytest
import scipy.fft
from signals import adversarial, noise, speech_like

from export.frontend.cepstrum import band_logs, codes, spectrum, windowed
from export.model.frontend_tables import make_tables
from kws.frontend import FrontEndConfig, calibrate, features, mfcc
from kws.frontend.float_mfcc import float_features, float_mfcc

CONFIG = FrontEndConfig()


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return speech_like()


@pytest.fixture(scope="module")
def calibrated(speech: np.ndarray) -> FrontEndConfig:
    return calibrate(mfcc(speech, CONFIG), CONFIG)


def test_shapes_and_types(speech: np.ndarray, calibrated: FrontEndConfig) -> None:
    raw = mfcc(speech[:3], CONFIG)
    assert (raw.shape, raw.dtype) == ((3, 49, 10), np.int32)
    tensor = features(speech[:3], calibrated)
    assert (tensor.shape, tensor.dtype) == ((3, 49, 10, 1), np.int8)
    assert features(speech[:0], calibrated).shape == (0, 49, 10, 1)


def test_codes_are_those_of_a_float64_mfcc(speech: np.ndarray, calibrated: FrontEndConfig) -> None:
    offsets, steps = np.array(calibrated.offsets), 2.0 ** np.array(calibrated.shifts)
    exact = np.clip(np.floor((float_mfcc(speech, calibrated) - offsets) / steps + 0.5), -128, 127)
    difference = np.abs(features(speech, calibrated)[..., 0] - exact)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02
    error = (mfcc(speech, CONFIG) - float_mfcc(speech, CONFIG)) / steps
    assert np.abs(error).max() < 0.5


def test_the_float64_mfcc_is_a_fourier_sum_over_the_window(speech: np.ndarray) -> None:
    clips, time = speech[:2], np.arange(640)
    window = np.minimum(np.rint(np.sin(np.pi * time / 640) ** 2 * 2**15), 2**15 - 1) / 2**15
    fourier = np.exp(-2j * np.pi * np.outer(time, np.arange(257)) / 512) * window[:, None]
    power = np.abs(clips[:, np.arange(49)[:, None] * 320 + time].astype(np.float64) @ fourier) ** 2
    mel = 2595 * np.log10(1 + np.array([20.0, 7600.0]) / 700)
    edges = 700 * (10 ** (np.linspace(*mel, 42) / 2595) - 1)
    bins = 2595 * np.log10(1 + np.arange(257) * 31.25 / 700)
    corners = 2595 * np.log10(1 + edges / 700)
    filters = np.stack([np.interp(bins, corners[band : band + 3], [0, 1, 0]) for band in range(40)], axis=1)
    logs = np.log2(power @ filters * (64**2 * 2.0**-18) + 2**14) - 14
    expected = scipy.fft.dct(logs, type=2) * np.sqrt(1 / 80) * 2**22
    np.testing.assert_allclose(float_mfcc(clips, CONFIG), expected[..., :10], rtol=0, atol=1e-3)


def test_float_features_are_the_codes_before_rounding_and_saturation(
    speech: np.ndarray, calibrated: FrontEndConfig
) -> None:
    values = float_features(speech, calibrated)
    assert (values.shape, values.dtype) == ((40, 49, 10, 1), np.float32)
    assert np.abs(np.clip(values * 32, -128, 127) - features(speech, calibrated)).max() < 1
    assert (np.abs(values) > 4).any() and (values * 32 % 1 != 0).mean() > 0.9
    assert float_features(speech[:0], calibrated).shape == (0, 49, 10, 1)
    with pytest.raises(ValueError, match="isn't calibrated"):
        float_features(speech, CONFIG)


def test_extreme_signals_stay_near_the_float64_mfcc(calibrated: FrontEndConfig) -> None:
    signals = adversarial()
    error = np.abs(mfcc(signals, CONFIG) - float_mfcc(signals, CONFIG)) / 2.0 ** np.array(calibrated.shifts)
    # At full scale a squared bin's last bit is half the floor, which shows in bands that are empty but for it.
    loud = np.abs(signals.astype(int)).max(1) > 32000
    assert error.max() < 8
    assert error[~loud].max() < 1


def test_a_full_scale_window_doesnt_overflow() -> None:
    for level in (-32768, 32767):
        frames = np.full((1, 640), level, np.int16)
        exact = frames.astype(object) * make_tables(CONFIG).window.astype(object)
        exact[:, :128] += exact[:, 512:]
        np.testing.assert_array_equal(windowed(frames, CONFIG), exact[:, :512].astype(np.int64))


def test_folding_gives_the_spectrum_of_the_whole_window(speech: np.ndarray) -> None:
    frames = speech[:4, 6000:6640]
    whole = np.fft.rfft(frames * make_tables(CONFIG).window.astype(np.float64), 1024 * 5)[:, ::10] / 512
    bins = spectrum(windowed(frames, CONFIG)).astype(np.float64)
    assert np.abs(bins[..., 0] + 1j * bins[..., 1] - whole).max() < 16


def test_digital_silence_is_zero(calibrated: FrontEndConfig) -> None:
    silence = np.zeros((2, 16000), np.int16)
    assert not mfcc(silence, CONFIG).any()
    frames = features(silence, calibrated)[..., 0].reshape(-1, 10)
    assert (frames == frames[0]).all()


def test_a_constant_clip_has_constant_codes(calibrated: FrontEndConfig) -> None:
    for level in (1, 12345, 32767, -32768):
        frames = features(np.full((1, 16000), level, np.int16), calibrated)[0, :, :, 0]
        assert (frames == frames[0]).all()


def test_louder_is_never_less() -> None:
    one = noise(7, 255)
    energy = mfcc(np.stack([one * np.int16(2**bits) for bits in range(8)]), CONFIG)[:, :, 0]
    assert (np.diff(energy, axis=0) > 0).all()
    # Far above the floor, twice the amplitude adds 2 to every log2, that is 2 * 40 * dct[0] to the first coefficient.
    step = np.diff(energy, axis=0)[-1] / (2 * 256 * 40 * int(make_tables(CONFIG).dct[0, 0]))
    assert np.abs(step - 1).max() < 0.01


def test_one_shot_equals_frame_by_frame(speech: np.ndarray) -> None:
    clips = np.concatenate([speech[:2], adversarial()])
    raw = mfcc(clips, CONFIG)
    dct = make_tables(CONFIG).dct.astype(np.int64)
    for clip, expected in zip(clips, raw, strict=True):
        for number in range(0, 49, 4):
            frame = clip[number * 320 : number * 320 + 640]
            logs = band_logs(spectrum(windowed(frame[None], CONFIG)), CONFIG)[0]
            np.testing.assert_array_equal(dct @ logs.astype(np.int64), expected[number])


def test_a_batch_equals_its_clips(speech: np.ndarray) -> None:
    whole = mfcc(speech[:20], CONFIG)
    np.testing.assert_array_equal(whole, np.concatenate([mfcc(clip[None], CONFIG) for clip in speech[:20]]))


def test_the_integers_are_frozen() -> None:
    # When this changes on purpose, models trained before no longer fit.
    digest = hashlib.sha256(mfcc(adversarial()[:13], CONFIG).astype("<i4").tobytes()).hexdigest()
    assert digest == "d3e3aaf74c082bfb865363846b1094b7f18af0ebb9ba613f62f3337b3df871a0"


def test_codes_round_half_up_and_saturate() -> None:
    config = FrontEndConfig(coefficients=1, offsets=(10,), shifts=(2,))
    raw = np.array([10, 11, 12, 13, 7, 8, 9, 10**9, -(10**9)], np.int32)[:, None]
    np.testing.assert_array_equal(codes(raw, config)[:, 0], [0, 0, 1, 1, -1, 0, 0, 127, -128])


def test_sums_fit_32_bits() -> None:
    tables = make_tables(CONFIG)
    loudest = 32768**2 * int(tables.window.astype(np.int64).sum() ** 2) // 512**2
    most = max(np.add.reduceat(tables.mel_weights, np.cumsum(tables.mel_length) - tables.mel_length)) * (loudest >> 33)
    bound = int(np.ceil(np.log2(most)) - CONFIG.floor_bits) * 256
    assert bound * np.abs(tables.dct.astype(np.int64)).sum(1).max() < 2**31


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((1, 16000), np.float32),
        np.zeros((1, 16000), np.int32),
        np.zeros(16000, np.int16),
        np.zeros((1, 15999), np.int16),
        np.zeros((1, 16000, 1), np.int16),
    ],
)
def test_other_shapes_and_dtypes_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected"):
        mfcc(samples, CONFIG)


def test_codes_need_a_calibration(speech: np.ndarray) -> None:
    with pytest.raises(ValueError, match="isn't calibrated"):
        features(speech, CONFIG)


@pytest.mark.parametrize("mel", [{"mel_low_hz": 0, "mel_high_hz": 1}, {"mel_low_hz": 7599}, {"mel_high_hz": 500}])
def test_bands_without_a_bin_are_refused(mel: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="mel_bands=40: a band holds no bin of a 512-point FFT"):
        make_tables(FrontEndConfig(**mel))
