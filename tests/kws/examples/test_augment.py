"""Augmentation: each step by what it does to a known signal, and that the generator decides it all."""

import dataclasses

import numpy as np
import pytest

from kws.examples.augment import AugmentConfig, augment, warp

STILL = AugmentConfig(
    speed=(1.0, 1.0),
    shift_samples=0,
    room_probability=0.0,
    noise_probability=0.0,
    snr_db=(10.0, 10.0),
    gain_db=(0.0, 0.0),
)


@pytest.fixture
def clip() -> np.ndarray:
    return np.random.default_rng(5).integers(-3000, 3000, 16000).astype(np.int16)


def tone(hertz: float) -> np.ndarray:
    return np.rint(8000 * np.sin(2 * np.pi * hertz * np.arange(16000) / 16000)).astype(np.int16)


def variant(clip: np.ndarray, seed: int = 0, noises: tuple[np.ndarray, ...] = (), **change: object) -> np.ndarray:
    return augment(clip, np.random.default_rng(seed), noises, dataclasses.replace(STILL, **change))


def test_nothing_drawn_changes_nothing(clip: np.ndarray) -> None:
    result = variant(clip)
    assert (result.dtype, result.shape) == (np.int16, (16000,))
    np.testing.assert_array_equal(result, clip)


def test_the_generator_decides(clip: np.ndarray) -> None:
    config = AugmentConfig()
    noises = [clip[::-1].copy()]
    one, same, other = (augment(clip, np.random.default_rng(seed), noises, config) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("shift", [-1600, -7, 0, 7, 1600])
def test_a_whole_shift_moves_samples(clip: np.ndarray, shift: int) -> None:
    expected = np.zeros(16000)
    if shift >= 0:
        expected[shift:] = clip[: 16000 - shift]
    else:
        expected[:shift] = clip[-shift:]
    np.testing.assert_array_equal(warp(clip, 1.0, shift), expected)


@pytest.mark.parametrize("speed", [0.85, 1.0, 1.18])
@pytest.mark.parametrize("shift", [-1600.0, 0.3, 1600.0])
def test_speed_scales_pitch_around_the_middle(speed: float, shift: float) -> None:
    warped = warp(tone(440), speed, shift)
    position = (np.arange(16000) - 7999.5 - shift) * speed + 7999.5
    inside = (position > 2) & (position < 15997)
    exact = 8000 * np.sin(2 * np.pi * 440 * position / 16000)
    assert inside.sum() > 11000
    assert np.abs(warped - exact)[inside].max() < 20
    assert not warped[(position < -2) | (position > 16001)].any()


def test_shift_and_speed_stay_in_range() -> None:
    impulse = np.zeros(16000, np.int16)
    impulse[8000] = 30000
    places = [int(np.abs(variant(impulse, seed, shift_samples=1600).astype(int)).argmax()) for seed in range(200)]
    assert min(places) < 8000 - 1200 and max(places) > 8000 + 1200
    assert max(abs(place - 8000) for place in places) <= 1601


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_noise_comes_at_the_ratio_drawn(snr_db: float) -> None:
    speech = tone(440)
    noise = np.random.default_rng(1).integers(-500, 500, 50000).astype(np.int16)
    added = variant(speech, noises=(noise,), noise_probability=1.0, snr_db=(snr_db, snr_db)) - speech.astype(float)
    ratio = 10 * np.log10(np.mean(speech.astype(float) ** 2) / np.mean(added**2))
    assert abs(ratio - snr_db) < 0.1


def test_noise_is_an_excerpt_of_a_recording() -> None:
    recordings = (np.arange(20000, dtype=np.int16), np.arange(30000, 10000, -1).astype(np.int16))
    rising = set()
    for seed in range(20):
        speech = np.full(16000, 100, np.int16)
        added = variant(speech, seed, recordings, noise_probability=1.0, snr_db=(0.0, 0.0)) - speech
        rising.add(bool(added[-1] > added[0]))
    assert rising == {True, False}


def test_noise_probability_is_the_share_of_noisy_clips() -> None:
    noise = np.random.default_rng(1).integers(-500, 500, 16000).astype(np.int16)
    speech = tone(300)
    noisy = [(variant(speech, seed, (noise,), noise_probability=0.8) != speech).any() for seed in range(400)]
    assert 0.72 < np.mean(noisy) < 0.88


def test_a_room_adds_a_tail_after_the_direct_sound() -> None:
    impulse = np.zeros(16000, np.int16)
    impulse[3000] = 20000
    heard = [variant(impulse, seed, room_probability=1.0) for seed in range(20)]
    assert all(clip[3000] == 20000 and not clip[:3000].any() and clip[3030:7000].any() for clip in heard)
    assert len({clip.tobytes() for clip in heard}) > 10


def test_room_probability_is_the_share_of_clips_in_a_room() -> None:
    speech = tone(300)
    changed = [(variant(speech, seed, room_probability=0.2) != speech).any() for seed in range(400)]
    assert 0.14 < np.mean(changed) < 0.26


def test_a_short_recording_is_repeated_and_none_is_white_noise() -> None:
    speech = tone(300)
    short = (np.array([100, -100, 50], np.int16),)
    assert (variant(speech, noises=short, noise_probability=1.0)[-100:] != speech[-100:]).any()
    added = variant(speech, noise_probability=1.0).astype(float) - speech
    spectrum = np.abs(np.fft.rfft(added)) ** 2
    assert 0.8 < spectrum[1:4000].mean() / spectrum[4000:].mean() < 1.25


def test_digital_silence_stays_silent(clip: np.ndarray) -> None:
    assert not variant(np.zeros(16000, np.int16), noises=(clip,), noise_probability=1.0).any()
    np.testing.assert_array_equal(variant(clip, noises=(np.zeros(16000, np.int16),), noise_probability=1.0), clip)


def test_gain_is_in_decibels_and_clips() -> None:
    half = variant(tone(440), gain_db=(-6.0206, -6.0206))
    assert np.abs(half - tone(440) / 2).max() <= 1
    loud = variant(np.array([-32768, 32767, 20000, 0], np.int16), gain_db=(6.0, 6.0))
    np.testing.assert_array_equal(loud, [-32768, 32767, 32767, 0])


@pytest.mark.parametrize("samples", [np.zeros(16000, np.float32), np.zeros((1, 16000), np.int16)])
def test_other_shapes_and_dtypes_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected int16 \[n\]"):
        variant(samples)


@pytest.mark.parametrize(
    "change",
    [
        {"room_probability": -0.1},
        {"speed": (1.2, 0.8)},
        {"speed": (0.0, 1.0)},
        {"shift_samples": -1},
        {"noise_probability": 1.5},
    ],
)
def test_impossible_ranges_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        AugmentConfig(**change)
