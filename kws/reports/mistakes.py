"""The clips that a network is most wrong about, to listen to."""

import base64
import dataclasses
import io
import wave

import numpy as np

from kws.datasets.clip import SAMPLE_RATE, Clips
from kws.evaluation import metrics
from kws.evaluation.outcomes import Outcomes

MOST = 8


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A clip that was taken for something else.

    Attributes:
      name: of its file.
      label, taken_for: what it is, and what the network made of it.
      posterior: that the network gave to its answer, 0 to 1.
      wav: the sound, a WAV file in base64.
    """

    name: str
    label: str
    taken_for: str
    posterior: float
    wav: str


def worst(outcomes: Outcomes, clips: Clips, labels: tuple[str, ...], most: int = MOST) -> tuple[Mistake, ...]:
    """The mistakes in which the network was surest, the surest first; equals in the clips' order."""
    posteriors = np.exp(metrics.log_posteriors(outcomes.logits))
    answers = np.argmax(outcomes.logits, axis=1)
    wrong = np.flatnonzero(answers != outcomes.labels)
    sure = posteriors[wrong, answers[wrong]]
    chosen = wrong[np.argsort(-sure, kind="stable")][:most]
    return tuple(
        Mistake(
            outcomes.names[i],
            labels[outcomes.labels[i]],
            labels[answers[i]],
            float(posteriors[i, answers[i]]),
            _wav(np.asarray(clips.samples[i])),
        )
        for i in chosen
    )


def _wav(samples: np.ndarray) -> str:
    """int16 [n] as a WAV file, in base64."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, len(samples), "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return base64.b64encode(content.getvalue()).decode()
