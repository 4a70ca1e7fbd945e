"""DS-CNN integer models with random codes: what kernels, exporters and the bench need, without training."""

import dataclasses

import numpy as np

from export.model import integer_model
from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, IntegerModel, Layer
from quant.folding.layers import pool_shift
from quant.qformat import QFormat, activation_format, weight_format

INPUT_FRACTION_BITS = 5
LOGIT_BITS = 8


def ds_cnn(
    seed: int,
    *,
    input_shape: tuple[int, int, int] = (49, 10, 1),
    channels: int = 64,
    blocks: int = 4,
    classes: int = 12,
    first_kernel: tuple[int, int] = (10, 4),
    first_stride: tuple[int, int] = (2, 2),
    weight_bits: int = 8,
    activation_bits: int = 8,
    crest: float = 2.5,
    name: str = "random_ds_cnn",
) -> IntegerModel:
    """A DS-CNN of the MLPerf Tiny shape by default, with codes that keep every layer's outputs spread out.

    Shifts are chosen so that outputs neither vanish nor all saturate: the standard deviation of a layer's
    accumulator, for independent codes, lands in the middle of the output's range.

    Args:
      seed: of all codes.
      input_shape: (height, width, channels).
      crest: the largest weight code over the weights' standard deviation: more of it, smaller sums.
    """
    rng = np.random.default_rng(seed)
    layers: list[Layer] = []
    shape, x_format = input_shape, QFormat(8, INPUT_FRACTION_BITS)

    def add(op: str, kernel_shape: tuple[int, ...], stride: tuple[int, int], padding: tuple, relu: bool) -> None:
        nonlocal shape, x_format
        out = {CONV2D: kernel_shape[-1], DENSE: kernel_shape[-1]}.get(op, shape[2])
        fan_in = int(np.prod(kernel_shape[:-1]))
        spread = weight_format(weight_bits, 0).max_code / crest
        q_w = weight_format(weight_bits, weight_bits - 1)
        kernel = np.clip(np.rint(rng.normal(0, spread, kernel_shape)), -q_w.max_code, q_w.max_code).astype(np.int8)
        bits = activation_bits if relu else LOGIT_BITS
        x_rms = x_format.max_code / 2.5
        deviation = spread * x_rms * np.sqrt(fan_in)
        y_max = activation_format(bits, 0, relu).max_code
        shift = max(int(np.round(np.log2(max(deviation * 1.5 / y_max, 1)))), 0)
        bias = np.rint(rng.normal(0, deviation / 4, out)).astype(np.int32)
        y_format = activation_format(bits, q_w.fraction_bits + x_format.fraction_bits - shift, relu)
        (top, bottom), (left, right) = padding
        kh, kw = (1, 1) if op == DENSE else kernel_shape[:2]
        height = (shape[0] + top + bottom - kh) // stride[0] + 1
        width = (shape[1] + left + right - kw) // stride[1] + 1
        y_shape = (height, width, out)
        layers.append(
            Layer(
                f"layer{len(layers)}_{op}", op, shape, y_shape, kernel, bias, stride, padding, x_format, q_w, y_format
            )
        )
        shape, x_format = y_shape, y_format

    def same(kernel: tuple[int, int], stride: tuple[int, int]) -> tuple:
        return integer_model.same_padding(shape[:2], kernel, stride)

    none = ((0, 0), (0, 0))
    padding = same(first_kernel, first_stride)
    add(CONV2D, (*first_kernel, shape[2], channels), first_stride, padding, relu=True)
    for _ in range(blocks):
        add(DEPTHWISE_CONV2D, (3, 3, channels), (1, 1), same((3, 3), (1, 1)), relu=True)
        add(CONV2D, (1, 1, channels, channels), (1, 1), none, relu=True)
    # As finely as 8 bits and the sum allow, much as the training chooses it.
    pooled = activation_format(LOGIT_BITS, 0, relu=True)
    finer = min(pooled.bits - x_format.bits, pool_shift(shape[0] * shape[1]))
    pooled = dataclasses.replace(pooled, fraction_bits=x_format.fraction_bits + finer)
    layers.append(integer_model.average_pool(f"layer{len(layers)}_{AVERAGE_POOL}", shape, x_format, pooled))
    shape, x_format = (1, 1, channels), pooled
    add(DENSE, (channels, classes), (1, 1), none, relu=False)
    labels = tuple(f"label{i}" for i in range(classes))
    return IntegerModel(name, labels, tuple(layers))


def codes(seed: int, model: IntegerModel, count: int) -> np.ndarray:
    """Inputs int8 [count, h, w, c]: all-minimum, all-maximum, zeros, a checkerboard of both, then noise."""
    rng = np.random.default_rng(seed)
    q = model.input_format
    out = rng.integers(q.min_code, q.max_code + 1, (count, *model.input_shape), dtype=np.int8)
    checkerboard = np.where(np.indices(model.input_shape).sum(0) % 2, q.min_code, q.max_code)
    for i, special in enumerate((q.min_code, q.max_code, 0, checkerboard)):
        if i < count:
            out[i] = special
    return out
