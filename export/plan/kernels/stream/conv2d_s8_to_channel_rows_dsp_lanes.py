"""First convolution of a stream as a product of polynomials: lanes are columns, and rows are kept as words."""

import numpy as np

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel, half
from export.plan.kernels.four_bit import row_lanes
from export.plan.kernels.four_bit.row_pairs import not_few_outputs
from export.plan.kernels.stream.channel_rows import (
    CHANNEL_ROWS,
    LANE_BITS,
    MAX_SATURATED,
    lane_words,
    row_words,
    width_refusal,
)
from export.plan.layout import S8, padded

_STRIDE, _LEFT, _MAX_TAPS = 2, 1, 4
_MAX_WINDOW_ROWS = 40
_FLIP = 1 << LANE_BITS - 1


def _refusal(layer: Layer) -> str:
    (window_rows, taps), (_, stride), (rows, sides) = layer.kernel_size, layer.stride, layer.padding
    if layer.input_shape[2] != 1 or taps > _MAX_TAPS or stride != _STRIDE or sides[0] != _LEFT or any(rows):
        return (
            f"{layer.input_shape[2]} input channels, window {layer.kernel_size}, stride {layer.stride}, "
            f"padding {layer.padding}: it takes 1, {_MAX_TAPS} columns, {_STRIDE} across, {_LEFT} to the left"
        )
    if window_rows > _MAX_WINDOW_ROWS:
        return f"a window of {window_rows} rows, the unrolled loop takes {_MAX_WINDOW_ROWS}"
    if reason := width_refusal(layer) or not_few_outputs(layer):
        return reason
    if layer.input_shape[1] > _STRIDE * layer.output_shape[1]:
        return f"{layer.input_shape[1]} columns, it reads {_STRIDE * layer.output_shape[1]}"
    if layer.shift + layer.output_format.bits > MAX_SATURATED:
        return f"shift {layer.shift} and {layer.output_format} take more than {MAX_SATURATED} bits"
    low, high = row_lanes.extremes(layer)
    return "" if low >= -_FLIP and high < _FLIP else f"sums {low} .. {high} don't fit {LANE_BITS} bits"


def _constants(layer: Layer) -> dict[str, Constant]:
    (window_rows, taps), channels = layer.kernel_size, layer.output_shape[2]
    kernel = np.zeros((window_rows, _MAX_TAPS, padded(channels)), np.int64)
    kernel[:, :taps, :channels] = layer.kernel[:, :, 0]
    begin = np.full(padded(channels), _FLIP, np.int64)
    begin[:channels] += layer.bias.astype(np.int64) + half(layer)
    products = kernel[:, 2:] + (kernel[:, :2] << LANE_BITS)
    words = (products.transpose(2, 0, 1).reshape(padded(channels), -1) & 0xFFFFFFFF).astype(np.uint32)
    stream = np.concatenate([lane_words(begin, row_words(layer.output_shape[1])), words], axis=1)
    layout = "[channel]{what sums begin with, [row]{w2 + w0 z, w3 + w1 z}}, z = 2^16, w<column>"
    return {"weights": Constant(stream.ravel(), layout)}


def _weights_words(layer: Layer) -> int:
    return padded(layer.output_shape[2]) * (row_words(layer.output_shape[1]) + 2 * layer.kernel_size[0])


def _args(layer: Layer) -> dict:
    rows, width, channels = layer.output_shape
    return dict(
        rows=rows,
        width=width,
        input_width=layer.input_shape[1],
        window_rows=layer.kernel_size[0],
        stride=layer.stride[0],
        output_words=padded(channels) * row_words(width),
        weights_words=_weights_words(layer),
    )


def _instances(layer: Layer) -> dict[str, Instance]:
    arguments = (layer.kernel_size[0], layer.output_shape[1], layer.shift, layer.output_format.bits)
    return {"loop": Instance("stream", "FXP_CONV2D_LOOP_CHANNEL_ROWS_DSP_LANES", arguments)}


def _instructions(layer: Layer) -> float:
    rows, width, channels = layer.output_shape
    channel = (width + 3) * layer.kernel_size[0] + 9 + 3 * row_words(width)
    return rows * (padded(channels) * channel + 100 * layer.stride[0] + 100)


KERNEL = Kernel(
    "fxp_conv2d_s8_to_channel_rows_dsp_lanes",
    CONV2D,
    S8,
    CHANNEL_ROWS,
    args=_args,
    constants=_constants,
    instances=_instances,
    instructions=_instructions,
    refusal=_refusal,
    proof=row_lanes.proof,
    kept_bytes=lambda layer: 4 * layer.kernel_size[0] * (layer.output_shape[1] + 1),
)
