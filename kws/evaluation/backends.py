"""What computes a bundle's logits: the interpreter, its C engine, proved on a sample in the same call, or TFLM."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from export.bundle.folder import Bundle
from export.host import float_steps
from export.host.engine import CEngine
from export.model import interpreter
from kws.evaluation.evaluation_error import EvaluationError

INTERPRETER, ENGINE, TFLM = BACKENDS = ("interpreter", "engine", "tflm")
_SAMPLE = 256


@dataclasses.dataclass(frozen=True)
class Inference:
    """Logits and where they come from.

    Attributes:
      logits: codes, int8 [n, labels].
      backend: one of BACKENDS.
      proved_clips: how many of them the interpreter computed too, with the same codes; 0 unless by the engine.
    """

    logits: np.ndarray
    backend: str
    proved_clips: int = 0

    def __str__(self) -> str:
        """As in "engine, equal to the interpreter on 256 of 1523 clips"."""
        if self.backend != ENGINE:
            return self.backend
        count = len(self.logits)
        which = f"all {count}" if self.proved_clips == count else f"{self.proved_clips} of {count}"
        return f"{self.backend}, equal to the interpreter on {which} clips"


def infer(bundle: Bundle, codes: np.ndarray, names: Sequence[str], backend: str, threads: int) -> Inference:
    """The logits of feature codes int8 [n, h, w, c].

    Args:
      names: of the clips, for errors.
      backend: one of BACKENDS.
      threads: of the engine.

    Raises:
      HostError: no C compiler, or C that does not compile.
      EvaluationError: the engine's codes are not the interpreter's.
    """
    if backend == TFLM:
        from export.proof.tflm import TflmModel

        return Inference(TflmModel(bundle.tflite_path.read_bytes()).run(codes), TFLM)
    if backend == INTERPRETER:
        return Inference(interpreter.run(bundle.model, codes, steps=float_steps.steps()), INTERPRETER)
    with CEngine.build(bundle.c_folder) as engine:
        logits = engine.run(codes, threads)
    return Inference(logits, ENGINE, _prove(bundle, codes, names, logits))


def _prove(bundle: Bundle, codes: np.ndarray, names: Sequence[str], logits: np.ndarray) -> int:
    """Compares `logits` with the interpreter's on clips all along the split, and gives their number.

    Raises:
      EvaluationError: a code that differs.
    """
    sample = np.unique(np.linspace(0, len(codes) - 1, min(_SAMPLE, len(codes))).astype(int))
    expected = interpreter.run(bundle.model, codes[sample])
    differ = np.argwhere(logits[sample] != expected)
    if len(differ):
        row, label = differ[0]
        clip = sample[row]
        raise EvaluationError(
            f"clip {names[clip]}, {bundle.labels[label]}: the engine's code is {logits[clip, label]}, but the "
            f"interpreter's is {expected[row, label]}; {bundle.c_folder} is not this model's, or its compiler is at "
            "fault: write the bundle again with python -m export.convert, or give backend=interpreter"
        )
    return len(sample)
