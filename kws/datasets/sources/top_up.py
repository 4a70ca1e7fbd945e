"""Further training clips of keywords that have few: spoken by espeak-ng, or of a corpus."""

import numpy as np

from kws.datasets.builder import DatasetBuilder
from kws.datasets.clip import SILENCE, UNKNOWN, DatasetConfig, Part
from kws.datasets.sources import corpus
from kws.datasets.sources.shares import SPOKEN
from kws.datasets.synthetic import speaking, voices
from kws.datasets.synthetic.utterance import Utterance
from kws.datasets.word_folders import as_said

_RATES, _PITCHES, _PITCH_RANGES = (120, 230), (25, 75), (20, 80)


def add(config: DatasetConfig, builder: DatasetBuilder, names: tuple[str, ...], part: Part) -> None:
    """Fills the training clips of every keyword up to `config.clips_per_word`; what is measured stays as it is.

    Raises:
      DatasetError: a word that doesn't fit into a clip or that espeak-ng can't pronounce, or no corpus.
    """
    if not config.top_up or "training" not in part.splits:
        return
    for number, word in enumerate(name for name in names if name not in (SILENCE, UNKNOWN)):
        missing = config.clips_per_word - builder.count("training", (word,))
        if missing > 0 and config.top_up == "speech_commands":
            corpus.add_keyword(config, builder, word, missing)
        elif missing > 0:
            _speak(config, builder, word, missing, number)


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
