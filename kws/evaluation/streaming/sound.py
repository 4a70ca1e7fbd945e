"""From sound to logits and detections, as on the device: a frame per hop, a row of logits per step of the network."""

import dataclasses
import sys

import numpy as np
from tqdm import tqdm

from export.bundle.folder import Bundle
from export.model import detector as detectors
from export.model.detector import ONE, Detector, DetectorState
from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter
from kws import frontend
from kws.evaluation.evaluation_error import EvaluationError
from kws.examples import extraction
from kws.frontend import FrontEndConfig

_FRAMES_AT_ONCE = 3000
_WINDOWS_AT_ONCE = 512


def frames_of(
    samples: np.ndarray, config: FrontEndConfig, *, processes: int | None = None, label: str = "features"
) -> np.ndarray:
    """The frames of a stream from its start: one per hop, which digital silence is taken to precede.

    Frame h is computed from the window that ends with sample (h + 1) * hop_samples, as in the C front end's hop h.

    Args:
      samples: int16 [n]; what is left of the last hop is not used.
      config: calibrated parameters.
      processes: worker processes; None for one per core.
      label: what the progress bar says.

    Returns:
      int8 [n // hop_samples, coefficients].
    """
    hops = len(samples) // config.hop_samples
    codes = extraction.extract(_windows(samples, config), config, processes=processes, label=label)
    return codes.reshape(-1, config.coefficients)[:hops]


def frames_at_once(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """`frames_of` in this process and without a word: for many short streams."""
    windows = _windows(samples, config)
    parts = [np.zeros((0, config.coefficients), np.int8)]
    for first in range(0, len(windows), _WINDOWS_AT_ONCE):
        codes = frontend.INTEGER.features(np.array(windows[first : first + _WINDOWS_AT_ONCE]), config)
        parts.append(codes.reshape(-1, config.coefficients))
    return np.concatenate(parts)[: len(samples) // config.hop_samples]


def _windows(samples: np.ndarray, config: FrontEndConfig) -> np.ndarray:
    """A view int16 [n, clip_samples] whose frames, one clip's behind another's, are the stream's and some more."""
    hop = config.hop_samples
    hops = len(samples) // hop
    clips = -(-hops // config.frames)
    before = config.window_samples - hop
    length = max(clips - 1, 0) * config.frames * hop + config.clip_samples
    padded = np.zeros(length, np.int16)
    padded[before : before + hops * hop] = samples[: hops * hop]
    return np.lib.stride_tricks.sliding_window_view(padded, config.clip_samples)[:: config.frames * hop][:clips]


def network_of(model: IntegerModel) -> StreamInterpreter:
    """The model's streaming network. Raises `EvaluationError` for a model that can't be streamed."""
    try:
        return StreamInterpreter(model)
    except ValueError as error:
        raise EvaluationError(f"{model.name} has no streaming network ({error}): train another model") from error


def logits_of(model: IntegerModel, frames: np.ndarray, label: str = "logits") -> np.ndarray:
    """Logit codes int8 [n // frames_per_step, classes] of frames int8 [n, codes], with progress on stderr."""
    network = network_of(model)
    whole = len(frames) - len(frames) % network.frames_per_step
    at_once = _FRAMES_AT_ONCE * network.frames_per_step
    rows = [np.zeros((0, len(model.labels)), np.int8)]
    with tqdm(total=whole, desc=label, unit="frame", leave=False, disable=None, file=sys.stderr) as progress:
        for start in range(0, whole, at_once):
            part = frames[start : min(start + at_once, whole)]
            rows.append(network.run(part))
            progress.update(len(part))
    return np.concatenate(rows)


@dataclasses.dataclass(frozen=True)
class Detection:
    """A keyword that was heard.

    Attributes:
      seconds: of sound from the start of the stream until it was detected.
      keyword: its label.
      posterior: its smoothed posterior then, from 0 to 1.
    """

    seconds: float
    keyword: str
    posterior: float


class Listener:
    """Detects keywords in sound that comes in pieces of any length: front end, network and detector of a bundle.

    Attributes:
      step_samples: samples of one step.
      seconds: of sound heard so far, in whole steps.
    """

    def __init__(self, bundle: Bundle, detector: Detector, block_seconds: float = 0.2) -> None:
        """Begins in silence.

        Args:
          block_seconds: sound is worked on in blocks of this length, rounded to whole steps.

        Raises:
          EvaluationError: a bundle without a front end, or whose network can't be streamed.
        """
        self._config = bundle.frontend_config
        self._network = network_of(bundle.model)
        self._detector = detector
        self._state = DetectorState(detector)
        self.step_samples = self._network.frames_per_step * self._config.hop_samples
        self._block_steps = max(1, round(block_seconds * self._config.sample_rate / self.step_samples))
        # Computed with parameters of one length of sound, whatever is fed.
        overlap = self._config.window_samples - self._config.hop_samples
        length = overlap + self._block_steps * self.step_samples
        self._block_config = dataclasses.replace(self._config, clip_samples=max(length, self._config.window_samples))
        self._waiting = np.zeros(overlap, np.int16)
        self._steps = 0

    @property
    def seconds(self) -> float:
        return self._steps * self.step_samples / self._config.sample_rate

    def feed(self, samples: np.ndarray) -> list[Detection]:
        """The detections in the blocks that int16 [any length] completes."""
        self._waiting = np.concatenate([self._waiting, samples])
        block = self._block_steps * self.step_samples
        found = []
        while len(self._waiting) >= self._block_config.clip_samples:
            found += self._steps_of(self._waiting[: self._block_config.clip_samples], self._block_steps)
            self._waiting = self._waiting[block:]
        return found

    def finish(self) -> list[Detection]:
        """The detections in the steps that are whole but fill no block; the stream is over then."""
        missing = self._block_config.clip_samples - len(self._waiting)
        overlap = self._config.window_samples - self._config.hop_samples
        steps = (len(self._waiting) - overlap) // self.step_samples
        return self._steps_of(np.pad(self._waiting, (0, missing)), steps)

    def _steps_of(self, samples: np.ndarray, steps: int) -> list[Detection]:
        codes = frontend.INTEGER.features(samples[None], self._block_config)[0, :, :, 0]
        found = []
        for row in self._network.run(codes[: steps * self._network.frames_per_step]):
            label = self._state.step(row)
            self._steps += 1
            if label >= 0:
                average = int(self._state.sums[label]) / (ONE * self._detector.window)
                found.append(Detection(self.seconds, self._detector.labels[label], average))
        return found


def detections_in(
    detector: Detector, logits: np.ndarray, step_samples: int, sample_rate: int = 16000
) -> list[Detection]:
    """All detections in a stream of logit codes int8 [steps, classes]: `Listener`'s, at once."""
    sums = detectors.smooth(detectors.posteriors(detector, logits).astype(np.int64), detector.window)
    return [
        Detection(
            (step + 1) * step_samples / sample_rate,
            detector.labels[label],
            int(sums[step, label]) / (ONE * detector.window),
        )
        for step, label in detectors.run(detector, logits)
    ]
