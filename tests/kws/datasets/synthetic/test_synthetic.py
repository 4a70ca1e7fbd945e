"""Synthetic speech: the same to the bit in any order and number of processes, whole words, voices in one split."""

import dataclasses
import itertools
import pathlib
import subprocess
import sys

import espeakng_loader
import numpy as np
import pytest

from kws import datasets
from kws.datasets import noise
from kws.datasets.clip import CLIP_SAMPLES, KEYWORDS, SILENCE, SPLITS, UNKNOWN, DatasetConfig
from kws.datasets.dataset_error import DatasetError
from kws.datasets.synthetic import espeak, speaking, utterance, voices
from kws.datasets.synthetic.utterance import Utterance

_WORD = Utterance("seven", "en-us+f3", 160, 50, 50, 7)


def _some(count: int) -> list[Utterance]:
    words, speakers = itertools.cycle(KEYWORDS), itertools.cycle(voices.VARIANTS["training"])
    return [
        Utterance(next(words), f"en+{next(speakers)}", 120 + 7 * index % 110, 40, 60, index) for index in range(count)
    ]


def test_a_clip_does_not_depend_on_what_was_spoken_before() -> None:
    alone = utterance.render(_WORD)
    for other in _some(4):
        utterance.render(other)
    np.testing.assert_array_equal(utterance.render(_WORD), alone)
    assert not np.array_equal(utterance.render(dataclasses.replace(_WORD, seed=8)), alone)


def test_any_number_of_processes_gives_the_same_clips() -> None:
    utterances = _some(7)
    one, three = (speaking.render_all(utterances, processes) for processes in (1, 3))
    np.testing.assert_array_equal(one, three)
    np.testing.assert_array_equal(one[4], utterance.render(utterances[4]))


def test_words_are_whole_audible_and_not_clipped() -> None:
    for spoken in _some(30):
        clip = utterance.render(spoken)
        assert clip.shape == (CLIP_SAMPLES,)
        assert 3000 < np.max(np.abs(clip.astype(int))) < 32000, spoken
        frames = np.sqrt(np.mean(np.square(clip.astype(float).reshape(100, 160)), axis=1))
        edge = max(frames[:3].max(), frames[-3:].max())
        assert edge < 0.3 * frames.max(), spoken


def test_trim_keeps_the_word_and_slow_speech_is_sped_up_to_fit() -> None:
    padded = np.concatenate([np.zeros(5000), np.ones(3000), np.zeros(5000)])
    assert np.sum(utterance.trim(padded, espeak.RATE)) == 3000
    assert len(utterance.trim(padded, espeak.RATE)) < 4200
    slow = dataclasses.replace(_WORD, word="backward", rate=80)
    assert utterance.render(slow).shape == (CLIP_SAMPLES,)


def test_a_text_that_never_fits_is_refused() -> None:
    endless = dataclasses.replace(_WORD, word="a sentence that takes much longer than a second to say")
    with pytest.raises(utterance.Unspeakable, match="at the fastest rate"):
        utterance.render(endless)
    with pytest.raises(DatasetError, match="choose another word"):
        speaking.render_all([endless], 1)
    with pytest.raises(DatasetError, match=r"says nothing for '\.\.\.'"):
        speaking.render_all([dataclasses.replace(_WORD, word="...")], 1)


def test_failures_of_the_library_are_reported() -> None:
    with pytest.raises(RuntimeError, match="no voice 'xx'"):
        espeak.speak("yes", "xx", rate=160, pitch=50, pitch_range=50, seed=1)
    with pytest.raises(RuntimeError, match=r"ended with 1: (.|\n)*no voice"):
        speaking.render_all([dataclasses.replace(_WORD, voice="xx")], 1)


def test_resampling_keeps_frequency_and_level() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    resampled = utterance.resample(tone)
    assert len(resampled) == 16000
    np.testing.assert_allclose(resampled, np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000), atol=1e-9)


def test_every_voice_exists_and_is_in_one_split() -> None:
    everyone = [variant for split in SPLITS for variant in voices.VARIANTS[split]]
    assert len(everyone) == len(set(everyone))
    folder = pathlib.Path(espeakng_loader.get_data_path()) / "voices" / "!v"
    assert set(everyone) <= {path.name for path in folder.iterdir()}
    for accent in voices.ACCENTS:
        assert len(espeak.speak("no", f"{accent}+m1", rate=200, pitch=50, pitch_range=50, seed=1)) > 1000


def test_related_variants_share_a_split() -> None:
    """Variants that share more than half of their parameters are derived from one another."""
    folder = pathlib.Path(espeakng_loader.get_data_path()) / "voices" / "!v"

    def parameters(variant: str) -> set[str]:
        lines = (folder / variant).read_text(errors="replace").splitlines()
        stripped = {line.partition("//")[0].strip() for line in lines}
        return {line for line in stripped if line and not line.startswith(("name", "language", "gender"))}

    for one, other in itertools.combinations(SPLITS, 2):
        for a, b in itertools.product(voices.VARIANTS[one], voices.VARIANTS[other]):
            shared = len(parameters(a) & parameters(b))
            assert shared <= 0.5 * min(len(parameters(a)), len(parameters(b))), (a, b)


_SMALL = DatasetConfig(words=("yes", "computer"), clips_per_word=10, silence_percentage=100, unknown_percentage=50)


@pytest.fixture(scope="module")
def small() -> datasets.Dataset:
    return datasets.load(_SMALL)


def test_dataset_of_own_words(small: datasets.Dataset) -> None:
    assert small.labels == (SILENCE, UNKNOWN, "yes", "computer")
    for split, expected in (("training", 8), ("validation", 1), ("testing", 1)):
        clips = small.splits[split]
        assert (np.sum(clips.labels == 2), np.sum(clips.labels == 3)) == (expected, expected)
        assert np.sum(clips.labels == 0) == (0 if split == "training" else 2)
        assert {clip.speaker for clip in clips if clip.label} <= set(voices.VARIANTS[split])
        assert len(set(clips.names)) == len(clips)
        assert len(small.noises[split]) == 5
        assert all(1400 < noise.rms(recording) < 1600 for recording in small.noises[split])


def test_a_seed_determines_the_dataset(small: datasets.Dataset) -> None:
    again = datasets.load(dataclasses.replace(_SMALL, processes=1))
    other = datasets.load(dataclasses.replace(_SMALL, seed=1))
    for split in SPLITS:
        assert again.splits[split].names == small.splits[split].names
        np.testing.assert_array_equal(again.splits[split].samples, small.splits[split].samples)
        np.testing.assert_array_equal(np.concatenate(again.noises[split]), np.concatenate(small.noises[split]))
        assert not np.array_equal(other.splits[split].samples, small.splits[split].samples)


def test_loading_needs_neither_tensorflow_nor_a_main_guard() -> None:
    program = (
        "import sys; from kws import datasets; "
        "datasets.load(datasets.DatasetConfig(words=('yes',), clips_per_word=10, unknown_percentage=50)); "
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.slow
def test_task_35_speaks_every_word() -> None:
    dataset = datasets.load(DatasetConfig(task="35", clips_per_word=10))
    assert len(dataset.labels) == 35
    assert SILENCE not in dataset.labels
    assert [len(dataset.splits[split]) for split in SPLITS] == [280, 35, 35]
