"""1x1 convolutions of int16 activations as outer products of two positions and two output channels.

Four products per instruction for weights of at most four bits, in lanes of `LANE_BITS`. Where the sums of an output
need more, lanes are taken out after every so many input channels, as few times as the plan proves to be enough.
"""

import numpy as np

from export.model import accumulator
from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel, half, not_pointwise
from export.plan.kernels.dsp.matrix_loops import MAX_STEPS, STEP, halfwords
from export.plan.layout import S16, padded

LANE_BITS = 14
"""Width of the three lower lanes of an accumulator; the upper one has more."""
_LANE_LIMIT = (1 << LANE_BITS) - 1
_MAX_WEIGHT = 7
"""Of two weights in a word, the upper one is 2**28 times as large."""
_CODE_BITS = 7
_MAX_SHIFT = 8
_SUM_LIMITS = -(2**15), 2**15 - 1


def steps(layer: Layer) -> int:
    return padded(layer.input_shape[2]) // STEP


def _spans(layer: Layer, steps: int) -> list[np.ndarray]:
    """Weights int64 [input channels, output channels] of every `steps` steps."""
    kernel = layer.kernel[0, 0].astype(np.int64)
    return [kernel[at : at + STEP * steps] for at in range(0, len(kernel), STEP * steps)]


def _widest(layer: Layer, steps: int) -> int:
    """The greatest that a lane holds: any sum of `steps` steps, with what keeps it from being negative."""
    return max(int(np.abs(span).sum(axis=0).max()) for span in _spans(layer, steps)) * layer.input_format.max_code


def lane_steps(layer: Layer) -> int:
    """Most steps whose sums fit a lane, of spans of equal length; 0 where not even one's do."""
    count = steps(layer)
    lengths = (-(-count // many) for many in range(1, count + 1))
    return next((length for length in lengths if _widest(layer, length) <= _LANE_LIMIT), 0)


def refusal(layer: Layer) -> str:
    """Why a 1x1 convolution can't be a sum of outer products in lanes; empty where the proof allows it."""
    if reason := not_pointwise(layer):
        return reason
    for what, q in (("input", layer.input_format), ("output", layer.output_format)):
        if q.signed or q.bits > _CODE_BITS:
            return f"{what} {q}, not unsigned with at most {_CODE_BITS} bits"
    if layer.weight_format.max_code > _MAX_WEIGHT:
        return f"weights {layer.weight_format}: two of them don't fit a word"
    if steps(layer) > MAX_STEPS:
        return f"{layer.input_shape[2]} input channels, the unrolled loop takes {MAX_STEPS * STEP}"
    if layer.shift > _MAX_SHIFT:
        return f"shift {layer.shift} is more than {_MAX_SHIFT}"
    if not lane_steps(layer):
        return f"{STEP} input channels sum to {_widest(layer, 1)}, a lane holds {_LANE_LIMIT}"
    low, high = accumulator.bounds(layer)
    if low.min() < _SUM_LIMITS[0] or high.max() > _SUM_LIMITS[1]:
        return f"sums {low.min()} .. {high.max()} don't fit 16 bits"
    return ""


def proof(layer: Layer) -> str:
    every = lane_steps(layer)
    of = f" of {STEP * every} inputs" if every < steps(layer) else ""
    low, high = accumulator.bounds(layer)
    return f"{_widest(layer, every)}{of} fits {LANE_BITS} bits, {low.min()} .. {high.max()} 16"


def _words(values: np.ndarray) -> np.ndarray:
    """Two's complement of int64 [..., n] in 64 bits as uint32 [..., 2 * n], the lower word first."""
    unsigned = values.astype(np.uint64)
    halves = np.stack([unsigned & np.uint64(0xFFFFFFFF), unsigned >> np.uint64(32)], axis=-1)
    return halves.astype(np.uint32).reshape(*values.shape[:-1], -1)


def constants(layer: Layer) -> dict[str, Constant]:
    inputs, outputs, every = padded(layer.input_shape[2]), padded(layer.output_shape[2]), lane_steps(layer)
    weights = np.zeros((inputs, outputs), np.int64)
    weights[: layer.input_shape[2], : layer.output_shape[2]] = layer.kernel[0, 0]
    correction = np.zeros(outputs, np.int64)
    correction[: layer.output_shape[2]] = layer.bias.astype(np.int64) + half(layer)
    parts = []
    for at in range(0, inputs, STEP * every):
        span = weights[at : at + STEP * every]
        begin = -np.minimum(span, 0).sum(axis=0) * layer.input_format.max_code
        correction -= begin
        lanes = begin[0::2] + (begin[0::2] << LANE_BITS)
        lanes += (begin[1::2] << 2 * LANE_BITS) + (begin[1::2] << 3 * LANE_BITS)
        both = span[:, 0::2] + (span[:, 1::2] << 2 * LANE_BITS)
        words = both.reshape(len(span), outputs // 4, 2).transpose(1, 0, 2).reshape(outputs // 4, -1)
        parts += [_words(lanes.reshape(-1, 2)), (words & 0xFFFFFFFF).astype(np.uint32)]
    stream = np.concatenate([*parts, halfwords(correction.reshape(-1, 4))], axis=1)
    layout = "[channel quad]{[span]{begin of c0c1, c2c3, [input]{c0 + 2^28 c1, c2 + 2^28 c3}}, correction} 32 bits"
    return {"weights": Constant(stream.ravel(), layout)}


def _instance(layer: Layer) -> Instance:
    arguments = (steps(layer), lane_steps(layer), layer.shift, layer.output_format.bits)
    return Instance("dsp", "FXP_MATRIX_LOOP_S16_DSP_LANES", arguments)


def spans(layer: Layer) -> int:
    """Of equal length, after which lanes are taken out."""
    return -(-steps(layer) // lane_steps(layer))


def args(layer: Layer) -> dict:
    """The arguments, which a loop of four positions at once has, too."""
    height, width, channels = layer.output_shape
    inputs, outputs = padded(layer.input_shape[2]), padded(channels)
    return dict(
        positions=height * width,
        input_words=inputs // 2,
        output_words=outputs // 2,
        weights_words=outputs // 4 * (4 * spans(layer) + 2 * inputs + 2),
    )


def _instructions(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    block = 11 * steps(layer) + 22 * spans(layer) + 19
    return -(-height * width // 2) * (padded(channels) // 4 * block + 3.5 * padded(layer.input_shape[2]) + 40)


def _cycles(layer: Layer) -> float:
    height, width, channels = layer.output_shape
    block = 23 * steps(layer) + 37 * spans(layer) + 24
    return -(-height * width // 2) * (padded(channels) // 4 * block + 4.7 * padded(layer.input_shape[2]) + 112)


KERNEL = Kernel(
    "fxp_pointwise_conv2d_s16_dsp_lanes",
    CONV2D,
    S16,
    S16,
    args=args,
    constants=constants,
    instances=lambda layer: {"loop": _instance(layer)},
    instructions=_instructions,
    cycles=_cycles,
    refusal=refusal,
    proof=proof,
    in_place=lambda layer: padded(layer.output_shape[2]) <= padded(layer.input_shape[2]),
    scratch_bytes=lambda layer: 4 * padded(layer.input_shape[2]),
)
