"""Further training clips of keywords that have few: spoken by espeak-ng, or of a corpus."""

import sys

import numpy as np

from kws.datasets.builder import DatasetBuilder
from kws.datasets.clip import LEAST_CLIPS, NO_TOP_UP, SILENCE, UNKNOWN, DatasetConfig, Part
from kws.datasets.dataset_error import DatasetError
from kws.datasets.sources import corpus
from kws.datasets.sources.shares import SPOKEN
from kws.datasets.synthetic import speaking, voices
from kws.datasets.synthetic.utterance import Utterance
from kws.datasets.word_folders import as_said

_RATES, _PITCHES, _PITCH_RANGES = (120, 230), (25, 75), (20, 80)


FEW_VOICES = 10
"""A keyword that fewer people say in training is filled up unasked: a network would learn who speaks, not what."""


def add(config: DatasetConfig, builder: DatasetBuilder, names: tuple[str, ...], part: Part) -> None:
    """Fills the training clips of keywords up to `config.clips_per_word`; what is measured stays as it is.

    Raises:
      DatasetError: a word that doesn't fit into a clip or that espeak-ng can't pronounce, or no corpus. Where nobody
        asked for the words to be spoken, that is a line on stderr.
    """
    if config.top_up == NO_TOP_UP or "training" not in part.splits:
        return
    for number, word in enumerate(name for name in names if name not in (SILENCE, UNKNOWN)):
        missing = config.clips_per_word - builder.count("training", (word,))
        if missing <= 0:
            continue
        if config.top_up == "speech_commands":
            corpus.add_keyword(config, builder, word, missing)
        elif config.top_up:
            _speak(config, builder, word, missing, number)
        else:
            _speak_for_few_voices(config, builder, word, missing, number)


def _speak_for_few_voices(config: DatasetConfig, builder: DatasetBuilder, word: str, count: int, number: int) -> None:
    speakers = builder.speakers("training", word)
    if "" in speakers or len(speakers) >= FEW_VOICES or builder.count("training", (word,)) < LEAST_CLIPS:
        return
    voices_said = "1 voice" if len(speakers) == 1 else f"{len(speakers)} voices"
    try:
        _speak(config, builder, word, count, number)
    except DatasetError as error:
        print(f"warning: '{word}' is trained on {voices_said} alone, and is not filled up: {error}", file=sys.stderr)
    else:
        print(
            f"'{word}' is trained on {voices_said}: espeak-ng says it {count} times in others (--top_up={NO_TOP_UP}: "
            "it does not; more people are better)",
            file=sys.stderr,
        )


def _speak(config: DatasetConfig, builder: DatasetBuilder, word: str, count: int, number: int) -> None:
    rng = np.random.default_rng(np.random.SeedSequence([config.seed, 3, number]))
    cast = rng.permutation(voices.VARIANTS["training"])
    planned = [
        Utterance(
            word=as_said(word),
            voice=f"{voices.ACCENTS[rng.integers(len(voices.ACCENTS))]}+{cast[turn % len(cast)]}",
            rate=int(rng.integers(*_RATES)),
            pitch=int(rng.integers(*_PITCHES)),
            pitch_range=int(rng.integers(*_PITCH_RANGES)),
            seed=int(rng.integers(2**31 - 1)),
            clip_samples=config.clip_samples,
        )
        for turn in range(count)
    ]
    clips = speaking.render_all(planned, config.worker_processes)
    for turn, (utterance, samples) in enumerate(zip(planned, clips, strict=True)):
        variant = utterance.voice.partition("+")[2]
        builder.add("training", f"{word}/{SPOKEN}/{utterance.voice}_{turn}", samples, word, f"{SPOKEN}{variant}")
