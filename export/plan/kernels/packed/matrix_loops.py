"""The matrix loops of the profile for cores without the DSP extension, and how each stores weights and biases.

A word is two neighbouring weights of a sum, the first one in its upper half: times two codes, the first one in the
lower half, its upper half is both products, and its lower half one of the first code with the second weight.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from export.model import accumulator
from export.model.integer_model import Layer
from export.plan.kernel import Constant, Instance, half

POSITIONS = 4
"""Most positions that a loop takes at once, on any core."""
CHANNELS_AT_ONCE = 4
UNROLLED = 4
_BITS = 16
_OFFSET = 128
_ROUND = 0x80008000
_MAX_CODE_SUM = 2**16 - 1


@dataclasses.dataclass(frozen=True)
class MatrixLoop:
    """One kind of inner loop.

    Attributes:
      refusal: why it can't run a layer; empty where it can.
      constants: a layer's const arrays.
      instance: the function made for a layer.
      proof: what was proved of its sums.
      step_cost: instructions of a Cortex-M3 for a step of three positions by two channels.
      group_cost: the same for a step of three positions, once for all channels.
    """

    refusal: Callable[[Layer], str]
    constants: Callable[[Layer], dict[str, Constant]]
    instance: Callable[[Layer], Instance]
    proof: Callable[[Layer], str]
    step_cost: Callable[[Layer], float]
    group_cost: Callable[[Layer], float]


def rows(layer: Layer) -> np.ndarray:
    """Weights int64 [window rows, codes of a row made even, output channels]."""
    height, width, depth, channels = layer.kernel.shape
    kernel = layer.kernel.astype(np.int64).reshape(height, width * depth, channels)
    return np.pad(kernel, ((0, 0), (0, width * depth % 2), (0, 0)))


def unrolled(layer: Layer) -> int:
    """Steps that the loop writes out."""
    return 2 * UNROLLED if steps(layer) % (2 * UNROLLED) == 0 else UNROLLED


def steps(layer: Layer) -> int:
    """Steps of two codes, a multiple of `UNROLLED`."""
    height, width, depth, _ = layer.kernel.shape
    return -(-height * -(-width * depth // 2) // UNROLLED) * UNROLLED


def cost(layer: Layer, loop: MatrixLoop) -> float:
    """Instructions of a Cortex-M3 for all positions, without the copies of their codes."""
    height, width, channels = layer.output_shape
    blocks = 2 * -(-channels // CHANNELS_AT_ONCE)
    block = steps(layer) * loop.step_cost(layer) + 57
    return -(-height * width // 3) * (blocks * block + steps(layer) * loop.group_cost(layer))


def shape_refusal(layer: Layer) -> str:
    """Why no matrix loop runs a layer; empty where one may."""
    channels = layer.output_shape[2]
    return (
        "" if channels >= CHANNELS_AT_ONCE else f"{channels} output channels, the loop takes {CHANNELS_AT_ONCE} at once"
    )


def _halves(layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Weights int64 [steps, channels] of each step's first and second code."""
    words = rows(layer).reshape(-1, 2, layer.output_shape[2])
    padded = np.pad(words, ((0, steps(layer) - len(words)), (0, 0), (0, 0)))
    return padded[:, 0], padded[:, 1]


def _first_channels(channels: int) -> list[int]:
    """The first channel of each channel quad; the last one may begin inside the one before."""
    return [min(at, channels - CHANNELS_AT_ONCE) for at in range(0, channels, CHANNELS_AT_ONCE)]


def _stored(layer: Layer, words: np.ndarray, bias: np.ndarray) -> dict[str, Constant]:
    """Arrays of words int64 [steps, channels] and of each channel's beginning."""
    firsts = _first_channels(layer.output_shape[2])
    weights = np.concatenate([words[:, at : at + CHANNELS_AT_ONCE].ravel() for at in firsts])
    begins = np.concatenate([bias[at : at + CHANNELS_AT_ONCE] for at in firsts])
    return {
        "weights": Constant(_modulo(weights), "[channel quad][step][4]{second weight + 2^16 first weight}"),
        "bias": Constant(_modulo(begins), "[channel quad][4], as the loop begins"),
    }


def _modulo(values: np.ndarray) -> np.ndarray:
    return (values & 0xFFFFFFFF).astype(np.uint32)


def _bias(layer: Layer) -> np.ndarray:
    return layer.bias.astype(np.int64) + half(layer)


def _codes(layer: Layer) -> tuple[int, int]:
    q = layer.input_format
    return min(q.min_code, 0), max(q.max_code, 0)


def _range(layer: Layer, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The least and the greatest of codes times weights, of the weights' shape."""
    low, high = _codes(layer)
    products = np.stack([weights * low, weights * high])
    return products.min(axis=0), products.max(axis=0)


def _arguments(layer: Layer, *kind: int | str) -> tuple[int | str, ...]:
    """Of a loop's macro: unrolled steps, what its kind needs, shift, magnitude of the least code, greatest code."""
    q = layer.output_format
    return unrolled(layer), *kind, layer.shift, -q.min_code, q.max_code


def _least_beside(layer: Layer) -> np.ndarray:
    """The least sum of each channel's lower lane, int64 [channels].

    From there to the greatest is no more than from the channel's least sum to its greatest, which has these products
    of the second weights with codes of the same range, and others: where a sum fits, so does what lies below it.
    """
    return _range(layer, _halves(layer)[1])[0].sum(axis=0)


def _lanes_refusal(layer: Layer) -> str:
    if reason := shape_refusal(layer):
        return reason
    low, high = accumulator.bounds(layer)
    if low.min() < -(1 << (_BITS - 1)) or high.max() >= 1 << (_BITS - 1):
        return f"sums {low.min()} .. {high.max()} don't fit {_BITS} bits"
    if layer.shift + _BITS > 31:
        return f"shift {layer.shift} is more than {31 - _BITS}"
    return ""


def _lanes_proof(layer: Layer) -> str:
    low, high = accumulator.bounds(layer)
    return f"{low.min()} .. {high.max()} fits {_BITS} bits"


def _lanes_constants(layer: Layer) -> dict[str, Constant]:
    first, second = _halves(layer)
    return _stored(layer, second + (first << _BITS), (_bias(layer) << _BITS) - _least_beside(layer))


LANES = MatrixLoop(
    _lanes_refusal,
    _lanes_constants,
    lambda layer: Instance("packed", "FXP_MATRIX_LOOP_S8_PACKED_LANES", _arguments(layer)),
    _lanes_proof,
    lambda layer: 9.0 + 4.0 / unrolled(layer),
    lambda layer: 0.0,
)


def _is_offset(layer: Layer) -> bool:
    """Whether weights are stored with an offset: codes are never negative, and few enough for their sum."""
    low, high = _codes(layer)
    return low == 0 and steps(layer) * high <= _MAX_CODE_SUM


def _upper_bounds(layer: Layer) -> tuple[int, int]:
    """The least and the greatest of a step's upper and lower half, of weights as stored."""
    offset = _OFFSET if _is_offset(layer) else 0
    first, second = (_range(layer, weights + offset) for weights in _halves(layer))
    low = min(int((first[0] + second[0]).min()), int(second[0].min()))
    return low, max(int((first[1] + second[1]).max()), int(second[1].max()))


def _upper_refusal(layer: Layer) -> str:
    if reason := shape_refusal(layer):
        return reason
    low, high = _upper_bounds(layer)
    least = 0 if _is_offset(layer) else -(1 << (_BITS - 1))
    if low < least or high >= least + (1 << _BITS):
        return f"two products sum to {low} .. {high}, a half holds {least} .. {least + (1 << _BITS) - 1}"
    return ""


def _upper_proof(layer: Layer) -> str:
    low, high = _upper_bounds(layer)
    return f"two products, {low} .. {high}, fit {_BITS} bits"


def _upper_constants(layer: Layer) -> dict[str, Constant]:
    first, second = _halves(layer)
    if _is_offset(layer):
        return _stored(layer, second + _OFFSET + ((first + _OFFSET) << _BITS), _bias(layer))
    return _stored(layer, second + (first << _BITS), _bias(layer) - steps(layer) * (_ROUND >> _BITS))


def _upper_instance(layer: Layer) -> Instance:
    kind = (_OFFSET, 0) if _is_offset(layer) else (0, f"{_ROUND:#x}u")
    return Instance("packed", "FXP_MATRIX_LOOP_S8_PACKED", _arguments(layer, *kind))


UPPER = MatrixLoop(
    _upper_refusal,
    _upper_constants,
    _upper_instance,
    _upper_proof,
    lambda layer: 15.9 if _is_offset(layer) else 22.3,
    lambda layer: 16.0 if _is_offset(layer) else 0.0,
)
LOOPS = (LANES, UPPER)
