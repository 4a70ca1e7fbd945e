"""Depthwise 3x3 convolution of a stream's rows as a product of polynomials: lanes are columns, and sums are kept."""

import numpy as np

from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel, half
from export.plan.kernels.four_bit import row_lanes
from export.plan.kernels.four_bit.row_lanes import Lanes, extremes
from export.plan.kernels.four_bit.row_pairs import not_few_inputs, not_few_outputs
from export.plan.kernels.stream.channel_rows import (
    CHANNEL_ROWS,
    LANE_BITS,
    MAX_SATURATED,
    POSITION_PAIRS,
    lane_words,
    row_words,
    width_refusal,
)
from export.plan.layout import padded

_PRODUCT_WORDS = 6
_MAX_WORDS = 127
_SIGNED = 3
"""Bits below the code of lanes with a sign: they hold -4 to 3 for what lanes carry, 4 more than that."""


def lanes(layer: Layer) -> Lanes:
    """The cheapest lanes in which the layer's proved sums fit.

    Raises:
      ValueError: there are none.
    """
    low, high = extremes(layer)
    limit = 1 << LANE_BITS - 1
    for one in (Lanes(_SIGNED, 0, layer.shift + _SIGNED), Lanes(0, 1, layer.shift)):
        least, most = (low, high) if one.flip else ((low << _SIGNED) - 1, (high + 1 << _SIGNED) - 1)
        if least >= -limit and most < limit and one.code_bit + layer.output_format.bits <= MAX_SATURATED:
            return one
    raise ValueError(f"sums {low} .. {high} with a shift of {layer.shift} don't fit 16-bit lanes")


def _refusal(layer: Layer) -> str:
    if layer.kernel_size != (3, 3) or layer.stride != (1, 1) or layer.padding != ((0, 0), (1, 1)):
        return (
            f"window {layer.kernel_size}, stride {layer.stride}, padding {layer.padding}: it takes 3x3, 1 at the sides"
        )
    if reason := width_refusal(layer) or not_few_inputs(layer) or not_few_outputs(layer):
        return reason
    if padded(layer.input_shape[2]) // 2 > _MAX_WORDS:
        return f"{layer.input_shape[2]} channels are more than the loop's offsets reach"
    return row_lanes.refusal(layer, lanes)


def _sum_words(layer: Layer) -> int:
    """Of a channel's sums of one row: lanes for one column more than there are."""
    return layer.output_shape[1] // 2 + 1


def _constants(layer: Layer) -> dict[str, Constant]:
    chosen, channels = lanes(layer), layer.input_shape[2]
    kernel = layer.kernel.astype(np.int64) << chosen.extra
    begin = np.zeros(padded(channels), np.int64)
    begin[:channels] = layer.bias.astype(np.int64) + half(layer)
    begin = (begin << chosen.extra) + (1 << LANE_BITS - 1 if chosen.flip else 1 << _SIGNED - 1)
    products = np.zeros((padded(channels), 3, 2), np.int64)
    products[:channels, :, 0] = (kernel[::-1, 2] + (kernel[::-1, 1] << LANE_BITS)).T
    products[:channels, :, 1] = kernel[::-1, 0].T
    words = (products & 0xFFFFFFFF).astype(np.uint32).reshape(-1, _PRODUCT_WORDS)
    stream = np.concatenate([words, lane_words(begin, _sum_words(layer))], axis=1)
    layout = "[channel]{[row 2, 1, 0]{w2 + w1 z, w0}, what sums begin with}, z = 2^16, w<column>"
    return {"weights": Constant(stream.ravel(), layout)}


def _args(layer: Layer) -> dict:
    rows, width, channels = layer.output_shape
    return dict(
        rows=rows,
        input_words=padded(channels) * row_words(width),
        output_words=width * padded(channels) // 2,
        product_words=_PRODUCT_WORDS,
        sum_words=_sum_words(layer),
        weights_words=padded(channels) * (_PRODUCT_WORDS + _sum_words(layer)),
    )


def _instances(layer: Layer) -> dict[str, Instance]:
    chosen, (_, width, channels) = lanes(layer), layer.output_shape
    arguments = (width, padded(channels) // 2, chosen.flip, chosen.code_bit, layer.output_format.bits)
    return {"loop": Instance("stream", "FXP_DEPTHWISE_LOOP_POSITION_PAIRS_DSP_LANES", arguments)}


def _instructions(layer: Layer) -> float:
    rows, width, channels = layer.output_shape
    channel_pair = 23 + 6 * (2 * width - 5 if width > 3 else width) + (3.5 + lanes(layer).flip) * width
    return rows * (padded(channels) // 2 * channel_pair + 40)


KERNEL = Kernel(
    "fxp_depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes",
    DEPTHWISE_CONV2D,
    CHANNEL_ROWS,
    POSITION_PAIRS,
    args=_args,
    constants=_constants,
    instances=_instances,
    instructions=_instructions,
    refusal=_refusal,
    proof=row_lanes.proof,
    kept_bytes=lambda layer: 8 * padded(layer.input_shape[2]) * _sum_words(layer),
    begin="fxp_begin_sums",
)
