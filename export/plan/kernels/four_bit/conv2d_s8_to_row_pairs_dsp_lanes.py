"""First convolution of one input channel as a product of polynomials: lanes are the five columns of a row."""

import numpy as np

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel, half
from export.plan.kernels.four_bit import row_lanes
from export.plan.kernels.four_bit.row_pairs import FOR_DEPTHWISE, not_few_outputs
from export.plan.layout import S8, padded

_COLUMNS, _STRIDE, _LEFT, _MAX_TAPS = 5, 2, 1, 4
_MAX_WINDOW_ROWS = 40
_MAX_POSITION_BYTES = 1020
_MAX_SATURATED = 15
_LANE_BITS = 16
_FLIP = 1 << _LANE_BITS - 1
_WORDS, _PAIR_WORDS = 3, 10
"""Words of a channel's sums, and of two rows of the input."""


def _refusal(layer: Layer) -> str:
    (window_rows, taps), (_, stride), (_, sides) = layer.kernel_size, layer.stride, layer.padding
    _, width, channels = layer.output_shape
    if layer.input_shape[2] != 1 or taps > _MAX_TAPS or (stride, sides[0], width) != (_STRIDE, _LEFT, _COLUMNS):
        return (
            f"{layer.input_shape[2]} input channels, window {layer.kernel_size}, stride {layer.stride}, padding "
            f"{layer.padding}, {width} columns: it takes 1, {_MAX_TAPS} columns, {_STRIDE} across, {_LEFT} to "
            f"the left, {_COLUMNS}"
        )
    if window_rows > _MAX_WINDOW_ROWS or layer.input_shape[1] > _STRIDE * _COLUMNS:
        return f"{window_rows} rows of {layer.input_shape[1]} columns: it takes {_MAX_WINDOW_ROWS} of {2 * _COLUMNS}"
    if reason := not_few_outputs(layer):
        return reason
    if 2 * padded(channels) > _MAX_POSITION_BYTES:
        return f"{channels} channels are more than the loop's offsets reach"
    if layer.shift + layer.output_format.bits > _MAX_SATURATED:
        return f"shift {layer.shift} and {layer.output_format} take more than {_MAX_SATURATED} bits"
    low, high = row_lanes.extremes(layer)
    if low < -_FLIP or high >= _FLIP:
        return f"sums {low} .. {high} don't fit {_LANE_BITS} bits"
    return ""


def _window_pairs(layer: Layer) -> int:
    """The window's rows by twos."""
    return -(-layer.kernel_size[0] // 2)


def _taps(layer: Layer) -> np.ndarray:
    """Weights int64 [channels, row pairs, 2, 4]: channels padded; columns and a row that the window has not are 0."""
    (window_rows, taps), channels = layer.kernel_size, layer.output_shape[2]
    kernel = np.zeros((padded(channels), 2 * _window_pairs(layer), _MAX_TAPS), np.int64)
    kernel[:channels, :window_rows, :taps] = layer.kernel[:, :, 0].transpose(2, 0, 1)
    return kernel.reshape(padded(channels), -1, 2, _MAX_TAPS)


def _weights_words(layer: Layer) -> int:
    """Of a channel pair."""
    return 2 * _WORDS + 4 * (_window_pairs(layer) + layer.kernel_size[0])


def _constants(layer: Layer) -> dict[str, Constant]:
    kernel, channels = _taps(layer), layer.output_shape[2]
    begin = np.full(len(kernel), _FLIP, np.int64)
    begin[:channels] += layer.bias.astype(np.int64) + half(layer)
    begins = np.repeat(begin * (1 + (1 << _LANE_BITS)), _WORDS).reshape(-1, 2 * _WORDS)
    ends = (kernel[:, :, 0, 2:0:-1] & 0xFFFF) + (kernel[:, :, 1, 2:0:-1] << _LANE_BITS)
    rows = kernel[..., 2:] + (kernel[..., :2] << _LANE_BITS)
    both = np.concatenate([ends[:, :, None], rows], axis=2)
    words = both.reshape(len(begins), 2, -1, 3, 2).transpose(0, 2, 3, 1, 4).reshape(len(begins), -1)
    stream = np.concatenate([begins, words], axis=1)[:, : _weights_words(layer)] & 0xFFFFFFFF
    layout = "[channel pair]{what sums begin with, 3 words each, [row pair]{w2 | w2', w1 | w1' of c0, c1, [row]{..}}}"
    return {"weights": Constant(stream.astype(np.uint32).ravel(), layout)}


def _row_pairs(layer: Layer) -> int:
    """Of the input with its padding."""
    return -(-(layer.output_shape[0] - 1) * layer.stride[0] // 2) + _window_pairs(layer)


def _packed_row_pairs(layer: Layer) -> int:
    """Once from an even row on, at an odd stride from an odd one, too."""
    return _row_pairs(layer) * (1 + layer.stride[0] % 2)


def _args(layer: Layer, lead: int) -> dict:
    height, width, channels = layer.output_shape
    top, rows = layer.padding[0][0], (height - 1) * layer.stride[0] + layer.kernel_size[0]
    return dict(
        height=height,
        lead=lead,
        row_codes=width * padded(channels),
        input_rows=max(0, min(layer.input_shape[0], rows - top)),
        input_width=layer.input_shape[1],
        top=min(top, rows),
        row_pairs=_row_pairs(layer),
        stride=layer.stride[0],
        weights_words=padded(channels) // 2 * _weights_words(layer),
    )


def _instances(layer: Layer) -> dict[str, Instance]:
    position_bytes = 2 * padded(layer.output_shape[2])
    arguments = (layer.kernel_size[0], position_bytes, layer.shift, layer.output_format.bits)
    return {"loop": Instance("four_bit", "FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_ROW", arguments)}


def _cost(layer: Layer, two_rows: float, one_row: float, around: float, packed: float) -> float:
    """Of channel pairs, by what rows of the window take and what is around them, and of packing two rows."""
    height, _, channels = layer.output_shape
    twos, odd = divmod(layer.kernel_size[0], 2)
    channel_pairs = padded(channels) // 2 * (twos * two_rows + odd * one_row + around)
    return height * (channel_pairs + 35) + _packed_row_pairs(layer) * packed


def kernel(lead: int) -> Kernel:
    """The kernel for a lead of the output."""
    return Kernel(
        "fxp_conv2d_s8_to_row_pairs_dsp_lanes",
        CONV2D,
        S8,
        FOR_DEPTHWISE[lead],
        args=lambda layer: _args(layer, lead),
        constants=_constants,
        instances=_instances,
        instructions=lambda layer: _cost(layer, 28, 17, 32, 70),
        cycles=lambda layer: _cost(layer, 50, 32, 44, 120),
        refusal=_refusal,
        proof=row_lanes.proof,
        scratch_bytes=lambda layer: 4 * _PAIR_WORDS * _packed_row_pairs(layer),
    )
