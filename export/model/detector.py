"""The detector of keywords in a stream of logits: integers only, the definition that its C equals.

One step takes one row of logit codes int8 [classes] and names at most one keyword:

    posterior  p[k] = floor(E[max - logit[k]] * 2**15 / sum_j E[max - logit[j]])     Q15, 0 .. 2**15
    smoothing  s[k] = sum of p[k] over the last `window` steps                       Q15 times window
    rise       a[k] = steps in a row, this one counted, in which s[k] has reached an eighth of the most that it can be
               (2**12 * window), or thresholds[k] if that is less
    decision   k is heard where s[k] >= thresholds[k] and a[k] <= rise (255 is no bound: any a[k]); of several, the one
               with the largest s[k] - thresholds[k] (the first of equals)
    refractory behind a detection nothing is detected for the next `refractory` - 1 steps, and the same keyword not
               before its s[k] has been below its threshold once: one detection per utterance

E[d] = round(2**15 * exp(-d * 2**-f)), for logits with f fraction bits: the posteriors are a softmax. Before the first
step all that is remembered is 0, so that no keyword is heard before enough steps say so. A word's sum rises at once,
within little more than the window; that of a noise which only resembles it lingers below the threshold for seconds
before it reaches it. Smoothed posteriors, a threshold and a refractory time are those of G. Chen, C. Parada, G.
Heigold, "Small-footprint keyword spotting using deep neural networks", ICASSP 2014.
"""

import dataclasses
from typing import Any

import numpy as np

from export.model.integer_model import IntegerModel

FILE = "detector.json"
FORMAT_VERSION = 1
RISE_FORMAT_VERSION = 2
"""Of a detector that bounds the rise: what reads version 1 alone must not take it for one that does not."""
POSTERIOR_BITS = 15
ONE = 1 << POSTERIOR_BITS
NEVER = 2**32 - 1
"""The threshold of what is no keyword, or never to be detected: no sum reaches it."""
MOST_STEPS = 255
ONSET_SHIFT = 3
"""A rise begins where a sum reaches this many bits less than the most that it can be."""


@dataclasses.dataclass(frozen=True)
class Detector:
    """The parameters of a detector.

    Attributes:
      labels: of the classes.
      fraction_bits: of the logits.
      window: steps that are averaged, 1 to 255.
      refractory: steps from one detection to the next, 1 to 255.
      thresholds: per class, of the sum over the window of Q15 posteriors, 1 to 2**32 - 1; `NEVER` for no keyword.
      rise: steps within which a sum reaches its threshold once it has begun to rise, 1 to 254; 255 for no bound.

    Raises:
      ValueError: a parameter outside its range.
    """

    labels: tuple[str, ...]
    fraction_bits: int
    window: int
    refractory: int
    thresholds: tuple[int, ...]
    rise: int = MOST_STEPS

    def __post_init__(self) -> None:
        if len(self.thresholds) != len(self.labels) or not self.labels:
            raise ValueError(f"{len(self.thresholds)} thresholds for {len(self.labels)} labels: give one each")
        for name in ("window", "refractory", "rise"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= MOST_STEPS:
                raise ValueError(f"{name}={value!r}: expected 1 to {MOST_STEPS} steps")
        if type(self.fraction_bits) is not int or not -32 <= self.fraction_bits <= 32:
            raise ValueError(f"fraction_bits={self.fraction_bits!r}: expected -32 to 32")
        for label, threshold in zip(self.labels, self.thresholds, strict=True):
            if type(threshold) is not int or not 1 <= threshold <= NEVER:
                raise ValueError(f"threshold of '{label}' is {threshold!r}: expected 1 to {NEVER}")

    @property
    def onset(self) -> int:
        """The sum at which a rise begins, Q15 times window."""
        return self.window * ONE >> ONSET_SHIFT

    @property
    def exponentials(self) -> np.ndarray:
        """E: uint16 [256], Q15, by the distance of a logit's code from the largest."""
        return np.floor(ONE * np.exp(-np.arange(256) * 2.0**-self.fraction_bits) + 0.5).astype(np.uint16)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; thresholds by label, those that are `NEVER` left out, and a rise without a bound too."""
        thresholds = {
            label: threshold
            for label, threshold in zip(self.labels, self.thresholds, strict=True)
            if threshold != NEVER
        }
        fields = dataclasses.asdict(self) | {"labels": list(self.labels), "thresholds": thresholds}
        if self.rise == MOST_STEPS:
            del fields["rise"]
        return {"format_version": RISE_FORMAT_VERSION if "rise" in fields else FORMAT_VERSION, **fields}

    @staticmethod
    def from_json(data: Any) -> "Detector":
        """Reads `to_json`'s result. Raises `ValueError` for anything else."""
        version = data.get("format_version") if isinstance(data, dict) else None
        if version not in (FORMAT_VERSION, RISE_FORMAT_VERSION):
            raise ValueError(f"not a detector of format version {FORMAT_VERSION} or {RISE_FORMAT_VERSION}")
        if version == FORMAT_VERSION and data.get("rise") is not None:
            raise ValueError(f"rise={data['rise']!r} is of format version {RISE_FORMAT_VERSION}, not {version}")
        try:
            labels, thresholds = tuple(data["labels"]), data["thresholds"]
            unknown = set(thresholds) - set(labels)
            if unknown:
                raise ValueError(f"thresholds for {sorted(unknown)}, which are no labels")
            values = tuple(thresholds.get(label, NEVER) for label in labels)
            rise = data["rise"] if version == RISE_FORMAT_VERSION else MOST_STEPS
            return Detector(labels, data["fraction_bits"], data["window"], data["refractory"], values, rise)
        except (KeyError, TypeError) as error:
            raise ValueError(f"a damaged detector ({error!r})") from error


def default(model: IntegerModel, window: int = 8, refractory: int = 20) -> Detector:
    """A detector that is not tuned: every keyword at an average posterior of 0.9."""
    threshold = round(0.9 * ONE) * window
    thresholds = tuple(NEVER if label.startswith("_") else threshold for label in model.labels)
    return Detector(model.labels, model.output_format.fraction_bits, window, refractory, thresholds)


def posteriors(detector: Detector, logits: np.ndarray) -> np.ndarray:
    """p: uint32 [steps, classes] in Q15, of logit codes int8 [steps, classes].

    Raises:
      ValueError: another shape or dtype.
    """
    if logits.dtype != np.int8 or logits.ndim != 2 or logits.shape[1] != len(detector.labels):
        raise ValueError(f"logits {logits.dtype} {logits.shape}, expected int8 (steps, {len(detector.labels)})")
    if len(logits) == 0:
        return np.zeros(logits.shape, np.uint32)
    codes = logits.astype(np.int32)
    exponentials = detector.exponentials.astype(np.uint32)[codes.max(1, keepdims=True) - codes]
    return (exponentials << POSTERIOR_BITS) // exponentials.sum(1, keepdims=True, dtype=np.uint32)


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """s: sums over the last `window` rows of [steps, classes], zeros before the first; dtype as given."""
    sums = np.cumsum(np.concatenate([np.zeros_like(values[:1]), values]), axis=0, dtype=values.dtype)
    late = sums[1:].copy()
    late[window:] -= sums[1:-window]
    return late


class DetectorState:
    """A detector on a stream, step by step, as its C."""

    def __init__(self, detector: Detector) -> None:
        """Begins with nothing remembered."""
        self.detector = detector
        self.reset()

    def reset(self) -> None:
        """Forgets all steps."""
        classes = len(self.detector.labels)
        self._recent = np.zeros((self.detector.window, classes), np.uint32)
        self._place = 0
        self._quiet = 0
        self._held = np.zeros(classes, bool)
        self._risen = np.zeros(classes, np.int64)

    @property
    def sums(self) -> np.ndarray:
        """s: int64 [classes], Q15 times window."""
        return self._recent.sum(0, dtype=np.int64)

    def step(self, logits: np.ndarray) -> int:
        """One step: logit codes int8 [classes] to the detected class, or -1.

        Raises:
          ValueError: another shape or dtype.
        """
        self._recent[self._place] = posteriors(self.detector, logits[None])[0]
        self._place = (self._place + 1) % self.detector.window
        thresholds = np.array(self.detector.thresholds, np.int64)
        excess: np.ndarray = self.sums - thresholds
        rising = self.sums >= np.minimum(thresholds, self.detector.onset)
        self._risen = np.where(rising, np.minimum(self._risen + 1, MOST_STEPS), 0)
        heard = excess >= 0
        self._held &= heard
        if self._quiet:
            self._quiet -= 1
            return -1
        free = heard & ~self._held & (self._risen <= self.detector.rise)
        if not free.any():
            return -1
        best = int(np.argmax(np.where(free, excess, -(2**40))))
        self._held[best] = True
        self._quiet = self.detector.refractory - 1
        return best


def run(detector: Detector, logits: np.ndarray) -> list[tuple[int, int]]:
    """All detections (step, class) in a stream of logit codes int8 [steps, classes] from its start.

    Raises:
      ValueError: another shape or dtype.
    """
    sums = smooth(posteriors(detector, logits).astype(np.int64), detector.window)
    return decide(sums, np.array(detector.thresholds, np.int64), detector, detector.onset)


def decide(sums: np.ndarray, thresholds: np.ndarray, times: Detector, onset: float) -> list[tuple[int, int]]:
    """`run` behind smoothing, for numbers of any kind: what decision, rise and refractory time make of the sums.

    Args:
      sums: [steps, classes].
      thresholds: [classes].
      times: the detector that refractory time and rise are taken of.
      onset: the sum at which a rise begins, of the kind of `sums`.

    Returns:
      (step, class), by step.
    """
    stretches = sorted(_quick(_stretches(sums >= thresholds), sums >= np.minimum(thresholds, onset), times.rise))
    refractory = times.refractory
    detections: list[tuple[int, int]] = []
    waiting: list[tuple[int, int, int]] = []
    free = following = 0
    while True:
        waiting = [stretch for stretch in waiting if stretch[1] > free]
        if not waiting and following == len(stretches):
            return detections
        step = free if waiting else max(free, stretches[following][0])
        while following < len(stretches) and stretches[following][0] <= step:
            if stretches[following][1] > step:
                waiting.append(stretches[following])
            following += 1
        if not waiting:
            continue
        best = max(waiting, key=lambda stretch: (sums[step, stretch[2]] - thresholds[stretch[2]], -stretch[2]))
        waiting.remove(best)
        detections.append((step, best[2]))
        free = step + refractory


def _stretches(heard: np.ndarray) -> list[tuple[int, int, int]]:
    """(first step, step behind the last, class) of every unbroken stretch in bool [steps, classes]."""
    edges = np.diff(np.pad(heard.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    stretches: list[tuple[int, int, int]] = []
    for number, column in enumerate(edges.T):
        starts, ends = np.flatnonzero(column == 1).tolist(), np.flatnonzero(column == -1).tolist()
        stretches += [(start, end, number) for start, end in zip(starts, ends, strict=True)]
    return stretches


def _quick(stretches: list[tuple[int, int, int]], rising: np.ndarray, rise: int) -> list[tuple[int, int, int]]:
    """What of each stretch lies within `rise` steps of where its sum began to rise.

    Args:
      rising: bool [steps, classes], true wherever a stretch is.
    """
    if rise == MOST_STEPS:
        return stretches
    since = steps_in_a_row(rising)
    ends = [(start, min(end, start + 1 + rise - int(since[start, label])), label) for start, end, label in stretches]
    return [(start, end, label) for start, end, label in ends if end > start]


def steps_in_a_row(true: np.ndarray) -> np.ndarray:
    """int64 of the same shape: how many steps, this one counted, a class of bool [steps, classes] has been true."""
    steps = np.arange(1, len(true) + 1)[:, None]
    return steps - np.maximum.accumulate(np.where(true, 0, steps), axis=0)
