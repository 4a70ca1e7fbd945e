"""Kernels for activations of at most four bits, on tensors in which a word holds two rows of two channels.

1x1 convolutions do four products per instruction where `export.accumulator` proves that every other channel fits twelve
bits, and two where it does not; depthwise convolutions do four where sums fit sixteen.
"""

import dataclasses

import numpy as np

from export import accumulator
from export.integer_model import AVERAGE_POOL, CONV2D, DEPTHWISE_CONV2D, Layer
from export.kernel_plan import dsp
from export.kernel_plan.kernel import Constant, Instance, Kernel, half, requantization, shape_fields
from export.kernel_plan.layout import S8, S16, ActivationLayout, Shape, padded
from export.kernel_plan.pair_loop import MAX_STEPS, STEP, W4, WIDE, PairLoop, halfwords
from export.kernel_plan.portable import not_pointwise

CODE_BITS = 4
LANE_BITS = 12
"""Width of the lower lane of a quad's accumulator."""
LEADS = (0, 1)
_MAX_UPPER_SUM = 2**19 - 2
"""What the bits above `LANE_BITS` hold, with one to spare for what the lower lane carries."""
_MAX_QUAD_SHIFT = 31 - 20
_MAX_PLANE_WORDS = 250
_MAX_ROW_BYTES = 4095
_MAX_PRODUCTS = 256
_MAX_POSITION = 15 - CODE_BITS
_POOL_SUM = 2**16 - 1


def row_pairs(height: int, lead: int) -> int:
    """Row pairs of a tensor of which the first holds rows -lead and 1 - lead."""
    return (height + lead + 1) // 2


def _layout(reader: str, lead: int) -> ActivationLayout:
    def size(shape: Shape) -> int:
        height, width, channels = shape
        return 2 * row_pairs(height, lead) * width * padded(channels)

    return ActivationLayout(
        f"row pairs for {reader}, lead {lead}",
        size,
        unpack=f"fxp_unpack_{reader}_pairs_{lead}",
        unpack_cost=float("inf"),
    )


FOR_DEPTHWISE = tuple(_layout("depthwise", lead) for lead in LEADS)
FOR_POINTWISE = tuple(_layout("pointwise", lead) for lead in LEADS)


def _not_few_bits(layer: Layer) -> str:
    """Why the layer's codes don't fit half bytes; empty where they do."""
    for what, q in (("input", layer.input_format), ("output", layer.output_format)):
        if q.signed or q.bits > CODE_BITS:
            return f"{what} {q}, not unsigned with at most {CODE_BITS} bits"
    return ""


def _pointwise_steps(layer: Layer) -> int:
    return padded(layer.input_shape[2]) // STEP


def quad_refusal(layer: Layer) -> str:
    """Why a 1x1 convolution can't have two output channels in a halfword; empty where the proof allows it."""
    if reason := not_pointwise(layer) or _not_few_bits(layer):
        return reason
    if layer.weight_format.max_code > 2**15 // 2**LANE_BITS - 1:
        return f"weights {layer.weight_format}: two of them don't fit a halfword"
    if _pointwise_steps(layer) > MAX_STEPS:
        return f"{layer.input_shape[2]} input channels, the unrolled loop takes {MAX_STEPS * STEP}"
    if layer.shift > _MAX_QUAD_SHIFT:
        return f"shift {layer.shift} is more than {_MAX_QUAD_SHIFT}"
    low, high = accumulator.bounds(layer)
    limit = 1 << (LANE_BITS - 1)
    for channel in range(0, layer.output_shape[2], 2):
        if low[channel] < -limit or high[channel] >= limit:
            sums = f"{low[channel]} .. {high[channel]}"
            return f"channel {channel} sums to {sums}, the lower lane holds {-limit} .. {limit - 1}"
    if (worst := int(accumulator.worst_case(layer).max())) > _MAX_UPPER_SUM:
        return f"sums of {worst}, the upper lane holds {_MAX_UPPER_SUM}"
    return ""


def _quad_proof(layer: Layer) -> str:
    low, high = accumulator.bounds(layer)
    return f"{low[::2].min()} .. {high[::2].max()} fits {LANE_BITS} bits"


def _lane_proof(layer: Layer) -> str:
    return f"{' .. '.join(map(str, _extremes(layer)))} fits 16 bits"


def _quad_constants(layer: Layer) -> dict[str, Constant]:
    inputs, outputs = (padded(shape[2]) for shape in (layer.input_shape, layer.output_shape))
    weights, bias = np.zeros((outputs, inputs), np.int64), np.zeros(outputs, np.int64)
    weights[: layer.output_shape[2], : layer.input_shape[2]] = layer.kernel[0, 0].T
    bias[: layer.output_shape[2]] = layer.bias.astype(np.int64) + half(layer)
    bias[0::2] += 1 << (LANE_BITS - 1)
    both = weights[0::2] + (weights[1::2] << LANE_BITS)
    biases = bias[0::2] + (bias[1::2] << LANE_BITS)
    words = halfwords(both).reshape(outputs // 4, 2, inputs // 2).transpose(0, 2, 1).reshape(outputs // 4, -1)
    stream = np.concatenate([(biases & 0xFFFFFFFF).astype(np.uint32).reshape(-1, 2), words], axis=1)
    layout = "[channel quad]{2 biases, [step]{c0c1 k0k1, c2c3 k0k1, c0c1 k2k3, c2c3 k2k3}} int16 of two channels"
    return {"weights": Constant(stream.ravel(), layout)}


def _quad_instance(layer: Layer) -> Instance:
    arguments = (_pointwise_steps(layer), layer.shift, layer.output_format.bits)
    name = "quad_products_" + "_".join(map(str, arguments))
    return Instance(name, "fxp_quad_products.h", "FXP_QUAD_PRODUCTS", arguments)


def _pointwise_sizes(layer: Layer, lead: int) -> dict[str, int]:
    height, width, channels = layer.output_shape
    return dict(
        pairs=row_pairs(height, lead) * width,
        input_words=padded(layer.input_shape[2]) // 2,
        output_words=padded(channels) // 2,
    )


def _no_more_channels(layer: Layer) -> bool:
    return padded(layer.output_shape[2]) <= padded(layer.input_shape[2])


def quad(lead: int) -> Kernel:
    """1x1 convolution, four products per instruction."""

    def args(layer: Layer) -> dict:
        height, width, channels = layer.output_shape
        inputs, outputs = padded(layer.input_shape[2]), padded(channels)
        sizes = dict(height=height, width=width, lead=lead, input_words=inputs // 2, output_words=outputs // 2)
        return sizes | {"weights_words": outputs // 4 * (2 + inputs)}

    def instructions(layer: Layer) -> float:
        sizes = _pointwise_sizes(layer, lead)
        block = 10 * _pointwise_steps(layer) + 24
        return sizes["pairs"] * (padded(layer.output_shape[2]) // 4 * block + 1.7 * padded(layer.input_shape[2]) + 40)

    return Kernel(
        "fxp_pointwise_conv2d_quad",
        CONV2D,
        FOR_POINTWISE[lead],
        FOR_DEPTHWISE[lead],
        args=args,
        constants=_quad_constants,
        instances=lambda layer: {"products": _quad_instance(layer)},
        instructions=instructions,
        refusal=quad_refusal,
        proof=_quad_proof,
        in_place=_no_more_channels,
        scratch_bytes=lambda layer: 4 * padded(layer.input_shape[2]) + 2 * padded(layer.output_shape[2]),
    )


def pointwise(loop: PairLoop, lead: int) -> Kernel:
    """1x1 convolution, two products per instruction: for sums that no lane holds."""
    wide = dsp.pointwise(loop)

    def args(layer: Layer) -> dict:
        words = wide.scratch_bytes(layer) // 4
        weights_words = loop.weights_words(layer.output_shape[2], _pointwise_steps(layer))
        return _pointwise_sizes(layer, lead) | {"pair_words": words, "weights_words": weights_words}

    return Kernel(
        "fxp_pointwise_conv2d_pairs",
        CONV2D,
        FOR_POINTWISE[lead],
        FOR_DEPTHWISE[lead],
        args=args,
        constants=wide.constants,
        instances=wide.instances,
        instructions=lambda layer: wide.instructions(layer) + 2.5 * np.prod(layer.output_shape),
        refusal=lambda layer: wide.refusal(layer) or _not_few_bits(layer),
        in_place=_no_more_channels,
        scratch_bytes=lambda layer: wide.scratch_bytes(layer) + 4 * padded(layer.output_shape[2]),
    )


def convolution(loop: PairLoop) -> Kernel:
    """Convolution from int8 codes to row pairs, any window, stride and padding."""
    wide = dsp.convolution(loop)

    def padded_height(layer: Layer) -> int:
        rows = 2 * row_pairs(layer.output_shape[0], 0)
        return max(wide.args(layer)["padded_height"], (rows - 1) * layer.stride[0] + layer.kernel_size[0])

    def scratch_bytes(layer: Layer) -> int:
        fields = wide.args(layer)
        added = (padded_height(layer) - fields["padded_height"]) * fields["padded_width"] * layer.input_shape[2]
        return wide.scratch_bytes(layer) + added + 4 * padded(layer.output_shape[2])

    return Kernel(
        "fxp_conv2d_pairs",
        CONV2D,
        S8,
        FOR_DEPTHWISE[0],
        args=lambda layer: wide.args(layer) | {"padded_height": padded_height(layer)},
        constants=wide.constants,
        instances=wide.instances,
        instructions=lambda layer: wide.instructions(layer) + 2.5 * np.prod(layer.output_shape),
        refusal=lambda layer: _not_few_outputs(layer) or wide.refusal(layer),
        scratch_bytes=scratch_bytes,
    )


@dataclasses.dataclass(frozen=True)
class Lanes:
    """How a depthwise layer's sums lie in lanes of 16 bits; fxp_lane_walk.h says why.

    Attributes:
      extra: sums are scaled by 2**extra.
      flip: 1 where lanes start 2**15 higher, 0 where they start one higher.
      position: the bit at which the code begins.
    """

    extra: int
    flip: int
    position: int


def lanes(layer: Layer, cheapest: int, least: int) -> Lanes | None:
    """The cheapest lanes in which the layer's proved sums fit; None where there are none.

    Args:
      cheapest: position that saves instructions.
      least: position that the loop can do.
    """
    low, high = (int(peak) for peak in _extremes(layer))
    shift = layer.shift
    at_best = [Lanes(cheapest - shift, flip, cheapest) for flip in (0, 1)]
    for one in (*at_best, Lanes(2, 0, shift + 2), Lanes(0, 1, shift)):
        spare = 0 if one.flip else 3
        enough = one.extra >= (0 if one.flip else 2) and least <= one.position <= _MAX_POSITION
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


def _conv_lanes(layer: Layer) -> Lanes | None:
    return lanes(layer, cheapest=8, least=0)


def _not_few_outputs(layer: Layer) -> str:
    q = layer.output_format
    return "" if not q.signed and q.bits <= CODE_BITS else f"output {q}, not unsigned with at most {CODE_BITS} bits"


def _row_taps(layer: Layer) -> int:
    return layer.kernel.shape[1] * layer.kernel.shape[2]


def _tap_pairs(layer: Layer) -> int:
    """Pairs of taps on one of the sequences that rows a stride apart form."""
    return -(-layer.kernel.shape[0] // (2 * layer.stride[0]))


def _conv_products(layer: Layer) -> int:
    return _tap_pairs(layer) * layer.stride[0] * _row_taps(layer)


def lane_conv_refusal(layer: Layer) -> str:
    """Why a convolution can't be a product of polynomials; empty where it can."""
    if reason := _not_few_outputs(layer):
        return reason
    products = _conv_products(layer)
    if products % 4 or products > _MAX_PRODUCTS:
        return f"{products} products per pair of rows: it takes multiples of 4 up to {_MAX_PRODUCTS}"
    if (row := 2 * padded(layer.output_shape[2]) * layer.output_shape[1]) > _MAX_ROW_BYTES:
        return f"a row of the output takes {row} bytes, more than {_MAX_ROW_BYTES}"
    if _conv_lanes(layer) is None:
        return f"sums {' .. '.join(map(str, _extremes(layer)))} with a shift of {layer.shift} don't fit 16-bit lanes"
    return ""


def _conv_args(layer: Layer) -> dict:
    height, width, channels = layer.output_shape
    (top, _), (left, right) = layer.padding
    stride, _ = layer.stride
    plane_rows = row_pairs(height, 1) + _tap_pairs(layer) - 1
    padded_row = (layer.input_shape[1] + left + right) * layer.input_shape[2]
    rows = max(2 * stride * plane_rows, top + layer.input_shape[0])
    return dict(
        input=shape_fields(layer.input_shape),
        output=shape_fields((height, width, padded(channels))),
        stride=dict(vertical=stride, horizontal=layer.stride[1]),
        padding=dict(top=top, left=left),
        padded_row=padded_row,
        padded_words=-(-rows * padded_row // 4),
        row_taps=_row_taps(layer),
        plane_rows=plane_rows,
        row_pairs=row_pairs(height, 1),
        weights_words=2 + 2 * _conv_products(layer),
    )


def _conv_constants(layer: Layer) -> dict[str, Constant]:
    chosen, channels = _conv_lanes(layer), layer.output_shape[2]
    height, (stride, _) = layer.kernel.shape[0], layer.stride
    taps = np.zeros((2 * _tap_pairs(layer) * stride, _row_taps(layer), padded(channels)), np.int64)
    taps[:height, :, :channels] = layer.kernel.reshape(height, -1, channels).astype(np.int64) << chosen.extra
    even, odd = taps.reshape(_tap_pairs(layer), 2, stride, -1, padded(channels)).transpose(1, 0, 2, 3, 4)
    words = np.zeros((padded(channels) // 2, 1 + _conv_products(layer), 2), np.int64)
    words[:, 1:] = (odd + (even << 16)).reshape(-1, padded(channels) // 2, 2).transpose(1, 0, 2)
    bias = np.zeros(padded(channels), np.int64)
    bias[:channels] = _lane_bias(layer, chosen)
    words[:, 0] = bias.reshape(-1, 2)
    layout = "[channel pair]{2 biases (1 + z), [tap pair][row modulo stride][column][input]{odd + even z of c0, c1}}"
    return {"weights": Constant((words & 0xFFFFFFFF).astype(np.uint32).ravel(), layout)}


def _conv_instances(layer: Layer) -> dict[str, Instance]:
    chosen, taps = _conv_lanes(layer), layer.stride[0] * _row_taps(layer)
    row_bytes = 2 * padded(layer.output_shape[2]) * layer.output_shape[1]
    bits = layer.output_format.bits
    arguments = (taps, _conv_products(layer), row_bytes, chosen.flip, chosen.position, bits)
    name = "lane_conv_" + "_".join(map(str, arguments))
    return {"columns": Instance(name, "fxp_lane_conv.h", "FXP_LANE_CONV", arguments)}


def _conv_instructions(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    calls, fields = padded(channels) // 2 * width, _conv_args(layer)
    step = 11 * _conv_products(layer) / 4 + 20
    return calls * (row_pairs(height, 1) * step + 35) + width * 8 * fields["plane_rows"] * _row_taps(layer)


LANE_CONV = Kernel(
    "fxp_conv2d_lanes",
    CONV2D,
    S8,
    FOR_DEPTHWISE[1],
    args=_conv_args,
    constants=_conv_constants,
    instances=_conv_instances,
    instructions=_conv_instructions,
    refusal=lane_conv_refusal,
    proof=_lane_proof,
    scratch_bytes=lambda layer: (
        4 * (_conv_args(layer)["padded_words"] + _conv_args(layer)["plane_rows"] * layer.stride[0] * _row_taps(layer))
    ),
)
"""Convolution from int8 codes, four products per instruction."""


def _walk_lanes(layer: Layer) -> Lanes | None:
    return lanes(layer, cheapest=4, least=4)


def depthwise_refusal(layer: Layer) -> str:
    """Why a depthwise convolution can't be a product of polynomials; empty where it can."""
    if layer.kernel_size != (3, 3) or layer.stride != (1, 1) or layer.padding != ((1, 1), (1, 1)):
        return f"window {layer.kernel_size}, stride {layer.stride}, padding {layer.padding}: it takes 3x3, 1 and 1"
    if reason := _not_few_bits(layer):
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
        rows, size, chosen, header = (
            row_pairs(height, lead),
            2 * padded(channels),
            _walk_lanes(layer),
            "fxp_lane_walk.h",
        )
        last = row_pairs(height, 1 - lead) - (rows - lead)
        planes = (rows, width, size)
        walk = (rows, lead, last, width, size, chosen.flip, chosen.position, layer.output_format.bits)
        return {
            "planes": Instance("lane_planes_" + "_".join(map(str, planes)), header, "FXP_LANE_PLANES", planes),
            "walk": Instance("lane_walk_" + "_".join(map(str, walk)), header, "FXP_LANE_WALK", walk),
        }

    return Kernel(
        "fxp_depthwise_conv2d_pairs",
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


def pool(lead: int) -> Kernel:
    """Average pooling to int16."""

    def refusal(layer: Layer) -> str:
        positions = layer.input_shape[0] * layer.input_shape[1]
        if positions * layer.input_format.max_code > _POOL_SUM:
            return f"{positions} codes of {layer.input_format} can leave 16 bits"
        return _not_few_bits(layer)

    def args(layer: Layer) -> dict:
        height, width, channels = layer.input_shape
        sizes = dict(height=height, width=width, channels=padded(channels), lead=lead)
        return sizes | dict(bias=half(layer), requantization=requantization(layer))

    return Kernel(
        "fxp_average_pool_pairs",
        AVERAGE_POOL,
        FOR_DEPTHWISE[lead],
        S16,
        args=args,
        constants=lambda layer: {},
        instructions=lambda layer: 1.7 * layer.kernel.size,
        refusal=refusal,
    )


FAST_KERNELS = (
    *(quad(lead) for lead in LEADS),
    *(pointwise(WIDE, lead) for lead in LEADS),
    LANE_CONV,
    convolution(WIDE),
    *(depthwise(lead) for lead in LEADS),
    *(pool(lead) for lead in LEADS),
)
SMALL_KERNELS = (
    *(pointwise(W4, lead) for lead in LEADS),
    convolution(W4),
    *(depthwise(lead, compact=True) for lead in LEADS),
    *(pool(lead) for lead in LEADS),
)
