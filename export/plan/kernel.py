"""What the plan knows of an engine function."""

import dataclasses
from collections.abc import Callable

import numpy as np

from export.model.integer_model import Layer
from export.plan.layout import ActivationLayout


@dataclasses.dataclass(frozen=True)
class Constant:
    """A const array of a layer.

    Attributes:
      values: one dimension; int8, int16, int32 or uint32.
      layout: its order, outermost first.
    """

    values: np.ndarray
    layout: str


@dataclasses.dataclass(frozen=True)
class Instance:
    """A function made for the numbers of a layer by a macro of the engine; layers with equal numbers share it.

    Attributes:
      folder: of the engine's nn/, where the macro's header lies.
      macro: called with the function's name and then with `arguments`.
      arguments: C expressions of letters, digits and underscores.
    """

    folder: str
    macro: str
    arguments: tuple[str | int, ...]

    @property
    def header(self) -> str:
        """What C includes for the macro, which is its header's name in upper case."""
        return f"nn/{self.folder}/{self.macro.lower()}.h"

    @property
    def name(self) -> str:
        """Of the function in C."""
        return "_".join(map(str, (self.macro.lower().removeprefix("fxp_"), *self.arguments)))


@dataclasses.dataclass(frozen=True)
class Kernel:
    """An engine function and everything needed to choose and to call it.

    Attributes:
      function: its C name: void f(const <args_type> *, const void *input, void *output[, void *scratch or *kept]).
      op: the layers that it may run, one of `integer_model.OPS`.
      input_layout, output_layout: of its activations.
      args: a layer's argument struct without constants: field -> number, C expression or nested fields.
      constants: a layer's const arrays: field -> array, from which the field's name in C follows.
      instances: functions made for the layer: field -> instance.
      refusal: why it can't run a layer of its op; empty where it can.
      instructions: per inference, estimated, for choosing.
      cycles: the same on a Cortex-M4 with zero wait states; None where nobody estimates them.
      kept_bytes: of a stream's layer, what the function itself keeps of earlier rows; None where it is given all rows
        of its window. Zeros at the start, or what `begin` writes.
      begin: its C name: void f(void *kept, const <args_type> *), as after rows of zeros.
      in_place: whether the output may overwrite the input of this layer (both begin at one address).
      scratch_bytes: further memory during the call; None for a function without that parameter.
      aligned: whether the input must lie at a multiple of 4 bytes, as what a layer wrote does and a caller's may not.
      proof: what was proved of a layer's sums for this kernel, beyond its declared accumulator, for the plan's table.
    """

    function: str
    op: str
    input_layout: ActivationLayout
    output_layout: ActivationLayout
    args: Callable[[Layer], dict]
    constants: Callable[[Layer], dict[str, Constant]]
    instructions: Callable[[Layer], float]
    instances: Callable[[Layer], dict[str, Instance]] = lambda layer: {}
    refusal: Callable[[Layer], str] = lambda layer: ""
    in_place: Callable[[Layer], bool] = lambda layer: False
    scratch_bytes: Callable[[Layer], int] | None = None
    proof: Callable[[Layer], str] = lambda layer: ""
    cycles: Callable[[Layer], float] | None = None
    kept_bytes: Callable[[Layer], int] | None = None
    begin: str = ""
    aligned: bool = False

    def scratch_of(self, layer: Layer) -> int:
        """Bytes of further memory during the layer's call; 0 for a function without that parameter."""
        return self.scratch_bytes(layer) if self.scratch_bytes else 0

    @property
    def args_type(self) -> str:
        """The C type of its arguments."""
        return self.function + "_args"


def half(layer: Layer) -> int:
    """What rounds the shift half up: 2**(shift - 1), or 0 without a shift."""
    return (1 << layer.shift) >> 1


def requantization(layer: Layer) -> dict[str, int]:
    """Fields of an fxp_requantization."""
    q = layer.output_format
    return dict(shift=layer.shift, min_code=q.min_code, max_code=q.max_code)


def shape_fields(shape: tuple[int, int, int]) -> dict[str, int]:
    """Fields of an fxp_shape."""
    return dict(zip(("height", "width", "channels"), shape, strict=True))


def window_args(layer: Layer) -> dict:
    """Fields of a convolution's arguments: shapes, window, stride and padding."""
    (top, _), (left, _) = layer.padding
    return {
        "input": shape_fields(layer.input_shape),
        "output": shape_fields(layer.output_shape),
        "window": dict(height=layer.kernel_size[0], width=layer.kernel_size[1]),
        "stride": dict(vertical=layer.stride[0], horizontal=layer.stride[1]),
        "padding": dict(top=top, left=left),
    }


def not_pointwise(layer: Layer) -> str:
    """Why a convolution is not one matrix product over all positions; empty where it is."""
    if layer.kernel_size != (1, 1):
        return f"the window is {layer.kernel_size[0]}x{layer.kernel_size[1]}, not 1x1"
    if layer.stride != (1, 1) or layer.padding != ((0, 0), (0, 0)):
        return f"stride {layer.stride} or padding {layer.padding}"
    return ""
