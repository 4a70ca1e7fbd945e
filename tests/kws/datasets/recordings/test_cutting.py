"""Long recordings become clips of a second, a sound in the middle of each."""

import numpy as np
import pytest

from kws.datasets import noise
from kws.datasets.clip import CLIP_SAMPLES
from kws.datasets.recordings import cutting


def _sound(seconds: float) -> np.ndarray:
    return (8000 * np.sin(np.arange(int(16000 * seconds)) / 5)).astype(np.int16)


def _gap(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).integers(-20, 20, int(16000 * seconds)).astype(np.int16)


def test_cut_centres_each_sound_of_a_long_recording() -> None:
    recording = np.concatenate([_gap(2), _sound(0.5), _gap(1), _sound(0.3), _gap(0.1), _sound(0.3), _gap(2)])
    clips = cutting.cut(recording)
    assert len(clips) == 2
    for clip, length in zip(clips, (0.5, 0.7), strict=True):
        loud = np.flatnonzero(np.abs(clip) > 1000)
        assert abs((loud[0] + loud[-1]) / 2 - CLIP_SAMPLES / 2) < 400
        assert loud[-1] - loud[0] == pytest.approx(16000 * length, abs=50)


@pytest.mark.parametrize(("pause", "clips"), [(0.28, 1), (0.30, 2)])
def test_a_pause_divides_from_its_shortest_length_on(pause: float, clips: int) -> None:
    """In frames of 20 ms: 14 of them are below 0.3 s, 15 are not."""
    silence = np.zeros(16000, np.int16)
    pieces = [silence, _sound(0.2), np.zeros(round(16000 * pause), np.int16), _sound(0.2), silence]
    assert len(cutting.cut(np.concatenate(pieces))) == clips


def test_cut_divides_a_sound_that_lasts_longer_than_a_clip() -> None:
    clips = cutting.cut(np.concatenate([_gap(1), _sound(2.5), _gap(1)]))
    assert len(clips) == 3
    assert all(np.mean(np.abs(clip)) > 4000 for clip in clips)


@pytest.mark.parametrize("snr_db", [35, 25, 18])
@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_a_word_in_noise_is_one_clip_with_the_word_in_its_middle(snr_db: float, slope: float) -> None:
    """A phone's noise lies within 30 dB of the loudest frame: it is no sound, and no part of one."""
    rng = np.random.default_rng(3)
    recording = np.concatenate([np.zeros(12800), _sound(0.5), np.zeros(9600)])
    level = noise.rms(_sound(0.5)) * 10 ** (-snr_db / 20)
    noisy = noise.to_int16(recording + noise.with_rms(noise.coloured(rng, len(recording), slope), level))
    for cut in (cutting.cut, cutting.phrases):
        (clip,) = cut(noisy)
        loud = np.flatnonzero(np.abs(clip) > 4000)
        assert abs((loud[0] + loud[-1]) / 2 - CLIP_SAMPLES / 2) < 700


def test_a_word_that_fills_its_file_is_not_made_shorter() -> None:
    fading = (_sound(1.5) * np.linspace(1, 0.3, 24000)).astype(np.int16)
    assert len(cutting.cut(fading)) == 2


def test_a_word_with_a_pause_is_one_clip_with_the_word_in_its_middle() -> None:
    recording = np.concatenate([_gap(2), _sound(0.2), _gap(0.5), _sound(0.2), _gap(1)])
    assert len(cutting.cut(recording)) == 2
    (clip,) = cutting.word(recording, 1.0)
    loud = np.flatnonzero(np.abs(clip) > 1000)
    assert abs((loud[0] + loud[-1]) / 2 - CLIP_SAMPLES / 2) < 400
    assert loud[-1] - loud[0] == pytest.approx(16000 * 0.9, abs=50)


def test_a_word_may_last_as_long_as_it_may() -> None:
    """Frames have 20 ms: what lasts 0.90 s here is 45 of them."""
    recording = np.concatenate([np.zeros(32000, np.int16), _sound(0.9), np.zeros(32000, np.int16)])
    assert len(cutting.word(recording, 0.9)) == 1
    with pytest.raises(cutting.TooLong, match=r"its word lasts 0\.90 s, longer than max_word_seconds=0\.89"):
        cutting.word(recording, 0.89)
    with pytest.raises(cutting.TooLong):
        cutting.word(_sound(0.9), 0.5)


def test_a_word_without_a_sound_is_cut_as_any_recording() -> None:
    assert cutting.word(np.zeros(50000, np.int16), 1.0) == cutting.word(np.ones(50000, np.int16), 1.0) == []
    assert [len(clip) for clip in cutting.word(np.arange(500, dtype=np.int16), 1.0)] == [CLIP_SAMPLES]


def test_cut_ignores_clicks_and_silence() -> None:
    click = np.concatenate([_gap(1), _sound(0.02), _gap(1), _sound(0.4), _gap(1)])
    assert len(cutting.cut(click)) == 1
    assert cutting.cut(np.zeros(50000, np.int16)) == []
    assert cutting.cut(np.zeros(500, np.int16)) == []
    assert cutting.cut(np.ones(50000, np.int16)) == []
    assert len(cutting.cut(np.arange(500, dtype=np.int16))) == 1


def test_an_offset_alone_is_no_sound() -> None:
    for cut in (cutting.cut, cutting.phrases, lambda samples: cutting.word(samples, 1.0)):
        assert all(cut(np.full(length, 1000, np.int16)) == [] for length in (0, 1, 500, 16000, 50000))


def test_silence_is_cut_into_whole_clips() -> None:
    assert [clip.shape for clip in cutting.grid(np.zeros(50000, np.int16))] == [(CLIP_SAMPLES,)] * 3
