"""What a model is refused for, in words without its numbers; what is no refusal is a failure."""

import re
from collections.abc import Iterator

from export.model.integer_model import IntegerModel
from export.model.model_error import ModelError
from export.plan.kernel import Kernel
from export.plan.rows import NotByRowsError
from export.plan.schedule import NoKernelError
from export.source.source_error import SourceError

_NAMED = (ModelError, NoKernelError, NotByRowsError, SourceError)
_WORDS = ("the accumulator can reach", "rows skips some at stride")
"""Of refusals that are a plain `ValueError`."""
_LAYER = re.compile(r"layer \w+")
_NUMBER = re.compile(r"[su]?\d+(?:[.,]\d+)*(?:\.f-?\d+)?")
_LONGEST = 160


def is_refusal(error: Exception) -> bool:
    """Whether an exception says what of a model can't be had, and is no mistake of the program."""
    return isinstance(error, _NAMED) or (type(error) is ValueError and any(word in str(error) for word in _WORDS))


def words(message: str) -> str:
    """A message without names of layers, numbers and formats."""
    return _NUMBER.sub("N", _LAYER.sub("layer", message))[:_LONGEST]


def of_kernels(model: IntegerModel, kernels: tuple[Kernel, ...]) -> Iterator[str]:
    """What each kernel refuses of each layer of its op, in words."""
    for layer in model.layers:
        for kernel in kernels:
            if kernel.op == layer.op and (reason := kernel.refusal(layer)):
                yield f"{kernel.function}: {words(reason)}"
