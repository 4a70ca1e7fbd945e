"""Words spoken on the spot by espeak-ng in many voices: no download, and the same for a seed to the bit.

It shows that the whole chain works; its accuracy says nothing about human speech.
"""

import pathlib
from collections.abc import Sequence

import numpy as np

from kws.datasets import labels, noise, silence
from kws.datasets.builder import DatasetBuilder, Rows, Source
from kws.datasets.clip import (
    KEYWORDS,
    SAMPLE_RATE,
    SILENCE,
    SPLITS,
    UNKNOWN,
    WHOLE,
    Dataset,
    DatasetConfig,
    Part,
    split_noises,
)
from kws.datasets.negatives import clips as negative_clips
from kws.datasets.synthetic import speaking, voices
from kws.datasets.synthetic.utterance import Utterance

# `_unknown_` of the 12-class task.
OTHER_WORDS = ("bed", "bird", "cat", "dog", "happy", "house", "marvin", "seven", "sheila", "tree", "wow", "zero")
# What is left of the corpus' 35 words, for task 35.
REMAINING_WORDS = (
    "backward",
    "eight",
    "five",
    "follow",
    "forward",
    "four",
    "learn",
    "nine",
    "one",
    "six",
    "three",
    "two",
    "visual",
)
SPLIT_SHARES = {"training": 0.8, "validation": 0.1, "testing": 0.1}
# Clips of a word of `_unknown_`, as a share of a keyword's.
_UNKNOWN_SHARE = 0.3
_RATES = (120, 230)
_PITCHES = (25, 75)
_PITCH_RANGES = (20, 80)
_NOISE_S = 50
_BABBLE_S = {"training": 30, "validation": 10, "testing": 10}
_NOISE_RMS = 1500.0
# Processes that speak are started for so many clips, 131 MB.
_SPOKEN_AT_ONCE = 4096


def collect(config: DatasetConfig, root: pathlib.Path | None, rows: Rows, part: Part = WHOLE) -> Dataset:
    """Speaks the dataset into `rows`; `root` is not read.

    `clips_per_word` clips of each keyword, 80/10/10 over the splits, and three tenths as many of each other word. The
    background is 50 s each of white, pink and brown noise and mains hum, cut in time, and babble of a split's voices.

    Raises:
      DatasetError: a word that is too long for a clip, or that espeak-ng can't pronounce.
    """
    measured = tuple(name for name in part.labels or () if name not in (SILENCE, UNKNOWN))
    every = (*KEYWORDS, *OTHER_WORDS, *REMAINING_WORDS)
    words = config.words or (every if config.task == "35" else measured or KEYWORDS)
    others = () if config.task == "35" else tuple(word for word in OTHER_WORDS if word not in words)
    names = part.labels or labels.choose(config, (*words, *others), "espeak-ng's vocabulary")
    builder = DatasetBuilder(config.dataset, names, rows, part=part)
    named = [each for each in _named(_plan(config, words, others)) if each[0] in part.splits]
    planned = [each for each in named if labels.label_of(each[1].word, names) in names]
    for block in builder.blocks(planned, _SPOKEN_AT_ONCE):
        clips = speaking.render_all([utterance for _, utterance, _ in block], config.worker_processes)
        for (split, utterance, name), samples in zip(block, clips, strict=True):
            variant = utterance.voice.partition("+")[2]
            builder.add(split, name, samples, labels.label_of(utterance.word, names), variant)
    noises = _noises(config, {split: builder.samples(split) for split in part.splits})
    noises = negative_clips.add(config, root, builder, names, noises, part)
    if SILENCE in names:
        silence.add_fixed_set(config, builder, names, noises)
    return builder.build(noises, "synthetic speech")


def _named(planned: Sequence[tuple[str, Utterance]]) -> list[tuple[str, Utterance, str]]:
    """(split, utterance, name) of every clip; those of a word and voice are counted."""
    counts: dict[tuple[str, str], int] = {}
    found = []
    for split, utterance in planned:
        word, voice = utterance.word, utterance.voice
        number = counts[word, voice] = counts.get((word, voice), -1) + 1
        found.append((split, utterance, f"{word}/{voice}_nohash_{number}.wav"))
    return found


def noise_recordings(seed: int) -> list[np.ndarray]:
    """50 s each of white, pink, brown noise and mains hum: int16 [800000] of RMS 1500."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    count = _NOISE_S * SAMPLE_RATE
    recordings = [noise.coloured(rng, count, slope) for slope in noise.COLOURS.values()]
    recordings.append(noise.hum(rng, count) + 0.05 * noise.coloured(rng, count, 1.0))
    return [noise.to_int16(noise.with_rms(recording, _NOISE_RMS)) for recording in recordings]


def _plan(config: DatasetConfig, words: tuple[str, ...], others: tuple[str, ...]) -> list[tuple[str, Utterance]]:
    """(split, utterance) of every clip; for each word the split's voices take turns in a shuffled order."""
    planned = []
    for split in SPLITS:
        per_keyword = max(1, round(config.clips_per_word * SPLIT_SHARES[split]))
        per_other = max(1, round(per_keyword * _UNKNOWN_SHARE))
        unknown = [(word, turn) for word in others for turn in range(per_other)]
        unknown = labels.thin_unknown(config, split, unknown, per_keyword * len(words))
        rng = np.random.default_rng(np.random.SeedSequence([config.seed, 0, SPLITS.index(split)]))
        cast = {word: rng.permutation(voices.VARIANTS[split]) for word in (*words, *others)}
        for word, turn in [(word, turn) for word in words for turn in range(per_keyword)] + unknown:
            variant = cast[word][turn % len(cast[word])]
            utterance = Utterance(
                word=word,
                voice=f"{voices.ACCENTS[rng.integers(len(voices.ACCENTS))]}+{variant}",
                rate=int(rng.integers(*_RATES, endpoint=True)),
                pitch=int(rng.integers(*_PITCHES, endpoint=True)),
                pitch_range=int(rng.integers(*_PITCH_RANGES, endpoint=True)),
                seed=int(rng.integers(2**31 - 1)),
                clip_samples=config.clip_samples,
            )
            planned.append((split, utterance))
    return planned


def _noises(config: DatasetConfig, speech: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, ...]]:
    """The synthesized recordings cut in time, and babble of each split's own voices."""
    noises = split_noises(noise_recordings(config.seed), tuple(speech))
    for split, spoken in speech.items():
        rng = np.random.default_rng(np.random.SeedSequence([config.seed, 2, SPLITS.index(split)]))
        babble = noise.babble(rng, spoken, _BABBLE_S[split] * SAMPLE_RATE)
        noises[split] += (noise.to_int16(noise.with_rms(babble, _NOISE_RMS)),)
    return noises


SOURCE = Source(lambda config, part: None, collect, (collect,), ("numpy", "scipy", "espeakng-loader"))
