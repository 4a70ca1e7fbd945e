"""1x1 convolution of int16 activations, two products per instruction and four positions at once: for cycles."""

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Instance, Kernel, not_pointwise
from export.plan.kernels.dsp.matrix_loops import W16
from export.plan.kernels.dsp.pointwise_conv2d_s16_dsp import kernel, steps
from export.plan.layout import S16, padded

POSITIONS = 4
"""At once."""
MAX_OUTPUT_BYTES = 1360
"""Of a position: three of them are an offset in an instruction."""
_NARROW = kernel(W16)


def positions_refusal(layer: Layer) -> str:
    """Why no loop takes four positions of a 1x1 convolution at once; empty where one does."""
    height, width, channels = layer.output_shape
    if height * width < POSITIONS:
        return f"{height * width} positions, fewer than {POSITIONS}"
    if (size := 2 * padded(channels)) > MAX_OUTPUT_BYTES:
        return f"a position of the output takes {size} bytes, more than {MAX_OUTPUT_BYTES}"
    return ""


def blocks(layer: Layer) -> int:
    """How often four positions are computed."""
    height, width, _ = layer.output_shape
    return -(-height * width // POSITIONS)


def _refusal(layer: Layer) -> str:
    return not_pointwise(layer) or W16.why_not(layer, steps(layer)) or positions_refusal(layer)


def _instances(layer: Layer) -> dict[str, Instance]:
    last = W16.instance(layer, steps(layer))
    repetitions, *rest = last.arguments
    arguments = (repetitions, 2 * padded(layer.output_shape[2]), *rest)
    return {"loop": Instance("dsp", "FXP_MATRIX_LOOP_S16_DSP_WIDE", arguments), "last_loop": last}


def _cost(layer: Layer, four: float, two: float, copies: float) -> float:
    """Of channel pairs of four positions and of two, and of copies for a channel."""
    height, width, channels = layer.output_shape
    fours, left = divmod(height * width, POSITIONS)
    loops = padded(channels) // 2 * (fours * four + (left + 1) // 2 * two)
    return loops + fours * (copies * padded(layer.input_shape[2]) + 90)


KERNEL = Kernel(
    "fxp_pointwise_conv2d_s16_dsp_wide",
    CONV2D,
    S16,
    S16,
    args=_NARROW.args,
    constants=_NARROW.constants,
    instances=_instances,
    instructions=lambda layer: _cost(layer, 28 * steps(layer) + 21, 10 * steps(layer) + 14, 1.25),
    cycles=lambda layer: _cost(layer, 32 * steps(layer) + 23, 18 * steps(layer) + 19, 4.9),
    refusal=_refusal,
    in_place=_NARROW.in_place,
    scratch_bytes=lambda layer: 8 * padded(layer.input_shape[2]),
)
