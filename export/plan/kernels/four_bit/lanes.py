"""Convolutions as products of polynomials: sums of two rows side by side in lanes of 16 bits."""

import dataclasses

import numpy as np

from export.model import accumulator
from export.model.integer_model import CONV2D, DEPTHWISE_CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel, half, shape_fields
from export.plan.kernels.four_bit.row_pair_layout import (
    CODE_BITS,
    FOR_DEPTHWISE,
    FOR_POINTWISE,
    not_few_bits,
    not_few_outputs,
    row_pairs,
)
from export.plan.layout import S8, padded

_MAX_PLANE_WORDS = 250
_MAX_ROW_BYTES = 4095
_MAX_PRODUCTS = 256
_MAX_CODE_BIT = 15 - CODE_BITS
_MAX_NIBBLE = 7
_NIBBLE_SCALE = 12
"""Nibbles are taken as the upper four bits of halfwords."""
_NIBBLES = 0xF000F000
_LOWER_OFFSET = 0x8000
"""Keeps the lower of two nibbles from borrowing from the upper one."""


@dataclasses.dataclass(frozen=True)
class Lanes:
    """How a depthwise layer's sums lie in lanes of 16 bits; fxp_depthwise_loop_row_pairs_dsp_lanes.h says why.

    Attributes:
      extra: sums are scaled by 2**extra.
      flip: 1 where lanes start 2**15 higher, 0 where they start one higher.
      code_bit: the bit at which the code begins.
    """

    extra: int
    flip: int
    code_bit: int


def lanes(layer: Layer, cheapest: int, least: int) -> Lanes | None:
    """The cheapest lanes in which the layer's proved sums fit; None where there are none.

    Args:
      cheapest: code_bit that saves instructions.
      least: code_bit that the loop can do.
    """
    low, high = (int(peak) for peak in _extremes(layer))
    shift = layer.shift
    at_best = [Lanes(cheapest - shift, flip, cheapest) for flip in (0, 1)]
    for one in (*at_best, Lanes(2, 0, shift + 2), Lanes(0, 1, shift)):
        spare = 0 if one.flip else 3
        enough = one.extra >= (0 if one.flip else 2) and least <= one.code_bit <= _MAX_CODE_BIT
        if enough and low << one.extra >= -(2**15) and (high << one.extra) + spare < 2**15:
            return one
    return None


def _lane_bias(layer: Layer, chosen: Lanes) -> np.ndarray:
    """Of both lanes of a word, int64 [channels]."""
    bias = ((layer.bias.astype(np.int64) + half(layer)) << chosen.extra) + (2**15 if chosen.flip else 1)
    return bias + (bias << 16)


def _extremes(layer: Layer) -> tuple[int, int]:
    low, high = accumulator.bounds(layer)
    return low.min(), high.max()


def _lane_proof(layer: Layer) -> str:
    return f"{' .. '.join(map(str, _extremes(layer)))} fits 16 bits"


def _conv_lanes(layer: Layer) -> Lanes | None:
    return lanes(layer, cheapest=8, least=0)


def row_taps(layer: Layer) -> int:
    """Taps in a row of the window."""
    return layer.kernel.shape[1] * layer.kernel.shape[2]


def tap_pairs(layer: Layer) -> int:
    """Pairs of taps on one of the sequences that rows a stride apart form."""
    return -(-layer.kernel.shape[0] // (2 * layer.stride[0]))


def conv_products(layer: Layer) -> int:
    """Products of two taps and two codes that make two rows of an output."""
    return tap_pairs(layer) * layer.stride[0] * row_taps(layer)


def lane_conv_refusal(layer: Layer) -> str:
    """Why a convolution can't be a product of polynomials; empty where it can."""
    if reason := not_few_outputs(layer) or walk_refusal(layer):
        return reason
    if _conv_lanes(layer) is None:
        return f"sums {' .. '.join(map(str, _extremes(layer)))} with a shift of {layer.shift} don't fit 16-bit lanes"
    return ""


def walk_refusal(layer: Layer) -> str:
    """Why no loop walks a convolution's columns two rows at a time; empty where one does."""
    products = conv_products(layer)
    if products % 4 or products > _MAX_PRODUCTS:
        return f"{products} products per pair of rows: it takes multiples of 4 up to {_MAX_PRODUCTS}"
    if (row := 2 * padded(layer.output_shape[2]) * layer.output_shape[1]) > _MAX_ROW_BYTES:
        return f"a row of the output takes {row} bytes, more than {_MAX_ROW_BYTES}"
    return ""


def conv_args(layer: Layer) -> dict:
    """The arguments that both kinds of lanes have in common."""
    height, width, channels = layer.output_shape
    (top, _), (left, right) = layer.padding
    stride, _ = layer.stride
    panel_rows = row_pairs(height, 1) + tap_pairs(layer) - 1
    padded_row = (layer.input_shape[1] + left + right) * layer.input_shape[2]
    rows = max(2 * stride * panel_rows, top + layer.input_shape[0])
    return dict(
        input=shape_fields(layer.input_shape),
        output=shape_fields((height, width, padded(channels))),
        stride=dict(vertical=stride, horizontal=layer.stride[1]),
        padding=dict(top=top, left=left),
        padded_row=padded_row,
        padded_words=-(-rows * padded_row // 4),
        row_taps=row_taps(layer),
        panel_rows=panel_rows,
    )


def _conv_words(layer: Layer, extra: int) -> tuple[np.ndarray, np.ndarray]:
    """Biases [channel pairs, 2] and words of two taps, times 2**extra, [channel pairs, products, 2], both int64."""
    height, (stride, _), channels = layer.kernel.shape[0], layer.stride, layer.output_shape[2]
    taps = np.zeros((2 * tap_pairs(layer) * stride, row_taps(layer), padded(channels)), np.int64)
    taps[:height, :, :channels] = layer.kernel.reshape(height, -1, channels).astype(np.int64) << extra
    even, odd = taps.reshape(tap_pairs(layer), 2, stride, -1, padded(channels)).transpose(1, 0, 2, 3, 4)
    words = (odd + (even << 16)).reshape(-1, padded(channels) // 2, 2).transpose(1, 0, 2)
    bias = np.zeros(padded(channels), np.int64)
    bias[:channels] = _lane_bias(layer, _conv_lanes(layer))
    return bias.reshape(-1, 2), words


def _conv_constants(layer: Layer) -> dict[str, Constant]:
    biases, words = _conv_words(layer, _conv_lanes(layer).extra)
    stream = np.concatenate([biases, words.reshape(len(words), -1)], axis=1)
    layout = "[channel pair]{2 biases (1 + z), [tap pair][row modulo stride][column][input]{odd + even z of c0, c1}}"
    return {"weights": Constant((stream & 0xFFFFFFFF).astype(np.uint32).ravel(), layout)}


def _conv_codes(layer: Layer) -> dict[str, Constant]:
    biases, words = _conv_words(layer, _NIBBLE_SCALE)
    nibbles = (words + _LOWER_OFFSET & _NIBBLES).reshape(len(words), -1, 4)
    packed = sum(nibbles[:, :, i] >> 4 * i for i in range(4))
    stream = np.concatenate([biases, packed], axis=1)
    layout = "[channel pair]{2 biases (1 + z), [four words of odd + even z of c0, c1]{8 nibbles}}"
    return {"codes": Constant((stream & 0xFFFFFFFF).astype(np.uint32).ravel(), layout)}


def _conv_instances(layer: Layer) -> dict[str, Instance]:
    chosen, taps = _conv_lanes(layer), layer.stride[0] * row_taps(layer)
    row_bytes = 2 * padded(layer.output_shape[2]) * layer.output_shape[1]
    bits = layer.output_format.bits
    arguments = (taps, conv_products(layer), row_bytes, chosen.flip, chosen.code_bit, bits)
    return {"loop": Instance("four_bit", "FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES", arguments)}


def _lane_conv(compact: bool) -> Kernel:
    """Convolution from int8 codes, four products per instruction. `compact` stores nibbles, expanded on the way."""

    def refusal(layer: Layer) -> str:
        if compact and layer.weight_format.max_code > _MAX_NIBBLE:
            return f"weights {layer.weight_format} are no nibbles"
        reason = lane_conv_refusal(layer)
        if not reason and compact and _conv_lanes(layer).extra > _NIBBLE_SCALE:
            return f"sums scaled by 2**{_conv_lanes(layer).extra}: nibbles are expanded to at most 2**{_NIBBLE_SCALE}"
        return reason

    def args(layer: Layer) -> dict:
        sizes = dict(lane_bits=16, output_rows=row_pairs(layer.output_shape[0], 1), weights_words=words(layer))
        return conv_args(layer) | sizes | ({"right": _NIBBLE_SCALE - _conv_lanes(layer).extra} if compact else {})

    def words(layer: Layer) -> int:
        return 2 + 2 * conv_products(layer)

    def instructions(layer: Layer) -> float:
        height, width, channels = layer.output_shape
        calls, fields = padded(channels) // 2 * width, conv_args(layer)
        step = 11 * conv_products(layer) / 4 + 20
        expand = 5 * conv_products(layer) * compact
        fill = width * 8 * fields["panel_rows"] * row_taps(layer)
        return calls * (row_pairs(height, 1) * step + 35 + expand) + fill

    def scratch_bytes(layer: Layer) -> int:
        fields = conv_args(layer)
        plane = fields["panel_rows"] * layer.stride[0] * row_taps(layer)
        return 4 * (fields["padded_words"] + plane + compact * words(layer))

    return Kernel(
        "fxp_conv2d_s8_dsp_lanes",
        CONV2D,
        S8,
        FOR_DEPTHWISE[1],
        args=args,
        constants=_conv_codes if compact else _conv_constants,
        instances=_conv_instances,
        instructions=instructions,
        refusal=refusal,
        proof=_lane_proof,
        scratch_bytes=scratch_bytes,
    )


LANE_CONV = _lane_conv(compact=False)
LANE_CONV_COMPACT = _lane_conv(compact=True)


def _walk_lanes(layer: Layer) -> Lanes | None:
    return lanes(layer, cheapest=4, least=4)


def depthwise_refusal(layer: Layer) -> str:
    """Why a depthwise convolution can't be a product of polynomials; empty where it can."""
    if layer.kernel_size != (3, 3) or layer.stride != (1, 1) or layer.padding != ((1, 1), (1, 1)):
        return f"window {layer.kernel_size}, stride {layer.stride}, padding {layer.padding}: it takes 3x3, 1 and 1"
    if reason := not_few_bits(layer):
        return reason
    height, width, channels = layer.input_shape
    if row_pairs(height, 1) * width > _MAX_PLANE_WORDS:
        return f"{height}x{width} positions are more than the loop's offsets reach"
    if 2 * padded(channels) * width > _MAX_ROW_BYTES:
        return f"a row takes {2 * padded(channels) * width} bytes, more than {_MAX_ROW_BYTES}"
    if _walk_lanes(layer) is None:
        return f"sums {' .. '.join(map(str, _extremes(layer)))} with a shift of {layer.shift} don't fit 16-bit lanes"
    return ""


def _depthwise_constants(layer: Layer) -> dict[str, Constant]:
    chosen, channels = _walk_lanes(layer), layer.input_shape[2]
    kernel = layer.kernel.astype(np.int64) << chosen.extra
    words = np.zeros((padded(channels), 7), np.int64)
    for column in range(3):
        words[:channels, column] = kernel[2, column] + (kernel[1, column] << 16)
        words[:channels, 3 + column] = kernel[0, column]
    words[:channels, 6] = _lane_bias(layer, chosen)
    layout = "[channel]{w2 + w1 z of columns 0, 1, 2, w0 of columns 0, 1, 2, bias (1 + z)}, z = 2^16"
    return {"weights": Constant((words & 0xFFFFFFFF).astype(np.uint32).ravel(), layout)}


def _depthwise_codes(layer: Layer) -> dict[str, Constant]:
    chosen, channels = _walk_lanes(layer), layer.input_shape[2]
    codes, bias = np.zeros((padded(channels), 9), np.int8), np.zeros(padded(channels), np.int64)
    codes[:channels] = layer.kernel.transpose(2, 1, 0).reshape(channels, 9)
    bias[:channels] = _lane_bias(layer, chosen)
    return {
        "codes": Constant(codes.ravel(), "[channel][column][row]"),
        "bias": Constant(
            (bias & 0xFFFFFFFF).astype(np.uint32), "[channel] bias (1 + z), rounding half included, scaled"
        ),
    }


def depthwise(lead: int, compact: bool = False) -> Kernel:
    """Depthwise 3x3; the output has the other lead. `compact` stores codes, from which weights are made on the way."""

    def args(layer: Layer) -> dict:
        height, width, channels = layer.input_shape
        fields = dict(height=height, width=width, channels=padded(channels), lead=lead)
        return fields | ({"scale": _walk_lanes(layer).extra} if compact else {})

    def instances(layer: Layer) -> dict[str, Instance]:
        height, width, channels = layer.input_shape
        rows, size, chosen = row_pairs(height, lead), 2 * padded(channels), _walk_lanes(layer)
        last = row_pairs(height, 1 - lead) - (rows - lead)
        panels = (rows, width, size)
        loop = (rows, lead, last, width, size, chosen.flip, chosen.code_bit, layer.output_format.bits)
        return {
            "panels": Instance("four_bit", "FXP_PANELS_ROW_PAIRS_DSP", panels),
            "loop": Instance("four_bit", "FXP_DEPTHWISE_LOOP_ROW_PAIRS_DSP_LANES", loop),
        }

    return Kernel(
        "fxp_depthwise_conv2d_row_pairs_dsp_lanes",
        DEPTHWISE_CONV2D,
        FOR_DEPTHWISE[lead],
        FOR_POINTWISE[1 - lead],
        args=args,
        constants=_depthwise_codes if compact else _depthwise_constants,
        instances=instances,
        instructions=lambda layer: 7.0 * np.prod(layer.output_shape) + 40 * compact * layer.input_shape[2],
        refusal=depthwise_refusal,
        proof=_lane_proof,
        in_place=lambda layer: True,
        scratch_bytes=lambda layer: 8 * row_pairs(layer.input_shape[0], lead) * layer.input_shape[1],
    )
