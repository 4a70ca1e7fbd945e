"""Clips placed alone in a stream: room noise, one word, room noise, at one ratio of word to noise, in a room or not.

Each clip has a segment of a stream for itself. Before the word there is more noise than the network and the detector
remember, so that both have settled on it; behind it, as much as a detection may take. The same draws (noise, place,
room) are made for a clip under every condition, so that conditions differ in nothing else.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np

from kws.datasets import noise
from kws.datasets.clip import CLIP_SAMPLES, SAMPLE_RATE, SPLITS, Clips
from kws.datasets.negatives import ImpulseResponse, reverberate
from kws.evaluation.streaming.recording import Recording, fade

BEFORE_SECONDS, BEHIND_SECONDS = 2.2, 1.5
"""Of noise around a clip of a second: the network looks back 1.3 s, the longest smoothing is 0.8 s; a word may be
detected for 1 s after its clip. Before a longer clip it is as much longer."""
_DOMAIN = 0x9A7E
CLIPS_AT_ONCE = 256
# The clip's place among the network's steps varies by up to this much.
_JITTER_SAMPLES = SAMPLE_RATE // 10


@dataclasses.dataclass(frozen=True)
class Condition:
    """What surrounds a word.

    Attributes:
      snr_db: level of the clip above that of the noise, both RMS; the clip before it is in a room.
      reverberant: heard in one of the rooms.
    """

    snr_db: float
    reverberant: bool = False

    @property
    def name(self) -> str:
        return f"{self.snr_db:g} dB" + (", reverberant" if self.reverberant else "")


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What a condition's sounds are drawn from.

    Attributes:
      noises: int16 [any length] each, none empty.
      rooms: impulse responses.
      seed: of every draw.
      step_samples: samples of one step of the network; a segment is a whole number of them.
      clip_samples: length of a clip.
    """

    noises: Sequence[np.ndarray]
    rooms: Sequence[ImpulseResponse]
    seed: int
    step_samples: int
    clip_samples: int = CLIP_SAMPLES

    @property
    def before_samples(self) -> int:
        """Noise before a clip."""
        return round(BEFORE_SECONDS * SAMPLE_RATE) + self.clip_samples - CLIP_SAMPLES

    @property
    def segment_samples(self) -> int:
        """Samples from one clip's noise to the next one's."""
        needed = self.before_samples + round(BEHIND_SECONDS * SAMPLE_RATE) + _JITTER_SAMPLES + self.clip_samples
        return math.ceil(needed / self.step_samples) * self.step_samples


def place(clips: Clips, chosen: np.ndarray, condition: Condition, around: Surroundings) -> Iterator[Recording]:
    """Streams that hold the clips `chosen` (indices int64 [n]) one after the other, some hundred in each."""
    for first in range(0, len(chosen), CLIPS_AT_ONCE):
        some = chosen[first : first + CLIPS_AT_ONCE]
        segments = [_segment(clips, int(clip), condition, around) for clip in some]
        offsets = around.segment_samples * np.arange(len(some))
        yield Recording(
            np.concatenate([sound for sound, _ in segments]),
            offsets + np.array([start for _, start in segments], np.int64),
            clips.labels[some],
            np.full(len(some), condition.snr_db),
            tuple(clips.names[clip] for clip in some),
            around.clip_samples,
        )


def _segment(clips: Clips, clip: int, condition: Condition, around: Surroundings) -> tuple[np.ndarray, int]:
    """A clip in its noise, int16 [segment_samples], and the sample at which it begins."""
    rng = np.random.default_rng(np.random.SeedSequence([_DOMAIN, around.seed, SPLITS.index(clips.split), clip]))
    start = around.before_samples + int(rng.integers(_JITTER_SAMPLES))
    background = noise.excerpt(rng, around.noises, around.segment_samples)
    room = around.rooms[int(rng.integers(len(around.rooms)))] if condition.reverberant else None
    word = fade(clips.samples[clip].astype(np.float64))
    level = noise.rms(word)
    if room is not None:
        word = reverberate(word, room)
    sound = noise.with_rms(background, level * 10 ** (-condition.snr_db / 20))
    word = word[: len(sound) - start]
    sound[start : start + len(word)] += word
    return noise.to_int16(sound), start
