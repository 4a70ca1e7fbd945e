"""Layers made to order, and the codes that drive their sums to both ends."""

import numpy as np

from export.model.integer_model import CONV2D, DENSE, DEPTHWISE_CONV2D, IntegerModel, Layer, average_pool, output_size
from export.model.probes import extreme_input
from export.plan.kernel import Kernel
from export.plan.kernels.four_bit.row_pairs import BYTES, FOR_DEPTHWISE, FOR_POINTWISE, NIBBLES
from export.plan.kernels.helium.planes import PLANES
from quant.qformat import QFormat, activation_format, weight_format

NO_PADDING = ((0, 0), (0, 0))
SAME = ((1, 1), (1, 1))
S8 = QFormat(8, 7)
U4 = activation_format(4, 3, relu=True)
U7 = activation_format(7, 6, relu=True)
_POINTWISE = (*FOR_POINTWISE[NIBBLES], *FOR_POINTWISE[BYTES])
_COPY = {"shift": 0, "weight_bits": 4, "weight_fraction_bits": 0}
_OPS = {2: DENSE, 3: DEPTHWISE_CONV2D, 4: CONV2D}


def crafted(
    kernel: np.ndarray,
    size: tuple[int, int],
    x: QFormat,
    *,
    shift: int,
    bias: np.ndarray | int = 0,
    bits: int = 8,
    relu: bool = True,
    weight_bits: int = 8,
    weight_fraction_bits: int = 3,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[tuple[int, int], tuple[int, int]] = NO_PADDING,
    name: str = "layer",
) -> Layer:
    """The layer whose op follows from the kernel's dimensions: dense, depthwise, convolution.

    Args:
      kernel: codes as in `Layer`.
      size: height and width of the input.
      bits, relu: of the output's codes.
    """
    q_w = weight_format(weight_bits, weight_fraction_bits)
    window = (1, 1) if kernel.ndim == 2 else kernel.shape[:2]
    outputs = kernel.shape[-1]
    return Layer(
        name,
        _OPS[kernel.ndim],
        (*size, kernel.shape[-1] if kernel.ndim == 3 else kernel.shape[-2]),
        (*output_size(size, window, stride, padding), outputs),
        kernel.astype(np.int8),
        np.broadcast_to(bias, outputs).astype(np.int32),
        stride,
        padding,
        x,
        q_w,
        activation_format(bits, q_w.fraction_bits + x.fraction_bits - shift, relu),
    )


def copying(name: str, shape: tuple[int, int, int], x: QFormat) -> Layer:
    """A 1x1 convolution whose output is its input, of the unsigned format `x`."""
    kernel = np.eye(shape[2])[None, None]
    return crafted(kernel, shape[:2], x, bits=x.bits, name=name, **_COPY)


def copying_depthwise(name: str, shape: tuple[int, int, int], x: QFormat) -> Layer:
    """A depthwise 3x3 convolution whose output is its input, of the unsigned format `x`."""
    kernel = np.zeros((3, 3, shape[2]))
    kernel[1, 1] = 1
    return crafted(kernel, shape[:2], x, bits=x.bits, padding=SAME, name=name, **_COPY)


def network(*layers: Layer) -> IntegerModel:
    """The layers, and pooling where the last one has positions."""
    last = layers[-1]
    pool = [] if last.output_shape[:2] == (1, 1) else [average_pool("pool", last.output_shape, last.output_format)]
    return IntegerModel("model", tuple(f"label{i}" for i in range(last.output_shape[2])), (*layers, *pool))


def between_copies(layer: Layer, kernel: Kernel) -> IntegerModel:
    """A network whose input is the layer's: between layers that copy, where its kernel's layouts need them, or its
    input not to be the caller's."""
    shape, x = layer.input_shape, layer.input_format
    before = []
    if kernel.aligned or kernel.input_layout in (*FOR_DEPTHWISE, *_POINTWISE, PLANES):
        before.append(copying("copy", shape, x))
    if kernel.input_layout in _POINTWISE:
        before.append(copying_depthwise("copy_depthwise", shape, x))
    q = layer.output_format
    behind = [copying("copy_behind", layer.output_shape, q)] if kernel.output_layout in _POINTWISE else []
    return network(*before, layer, *behind)


def extremes(layer: Layer) -> np.ndarray:
    """Inputs int8 [n, h, w, c]: the greatest and the least sum of each of the first channels, beside noise."""
    rng = np.random.default_rng(0)
    channels = range(min(layer.output_shape[2], 4))
    return np.stack([extreme_input(layer, channel, sign, rng) for channel in channels for sign in (1, -1)])
