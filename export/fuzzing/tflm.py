"""The .tflite of a model in TensorFlow Lite Micro, against the interpreter that rounds as it does."""

from collections.abc import Sequence

from export.bundle import tflite
from export.fuzzing import refusals
from export.fuzzing.case import Case
from export.fuzzing.tally import Failure, Tally
from export.model import accumulator, interpreter
from export.proof import implementations

CHECK = "tflm"


def check(cases: Sequence[Case], tally: Tally, only: str | None = None) -> list[Failure]:
    """Compares what can be said as .tflite, counts the rest as refused."""
    failures: list[Failure] = []
    if only not in (None, CHECK):
        return failures
    for case in cases:
        try:
            reason = _difference(case, tally)
        except Exception as error:  # the very point: what is no refusal is a mistake of the program
            if refusals.is_refusal(error):
                tally.refused[f"{CHECK}: {refusals.words(str(error))}"] += 1
                continue
            reason = f"{type(error).__name__}: {error}"[:300]
        tally.compared[CHECK] += 1
        if reason:
            failures.append(Failure(CHECK, reason, case))
    return failures


def _difference(case: Case, tally: Tally) -> str:
    accumulator.prove(case.model)  # a .tflite has no declared widths that could be too narrow
    outputs = implementations.tflm(tflite.to_tflite(case.model))(case.codes)
    for layer, expected in interpreter.run_layers(case.model, case.codes, "double"):
        tally.codes += expected.size
        wrong = int((outputs[layer.name] != expected).sum())
        if wrong:
            return f"layer {layer.name} ({layer.op}): {wrong} of {expected.size} codes differ from the interpreter's"
    return ""
