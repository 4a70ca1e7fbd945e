"""Convolution on vectors, any window, stride and padding: windows are gathered."""

import math

import numpy as np

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Constant, Kernel, window_args
from export.plan.kernels.helium import narrowing
from export.plan.kernels.helium.matrix_products import constants as matrix_constants
from export.plan.kernels.helium.matrix_products import copy_bytes, cost, fields, loop, refusal, vectors
from export.plan.kernels.helium.planes import VECTOR
from export.plan.layout import S8, ActivationLayout

MAX_BYTE_OFFSET = 2**8 - 1
"""What a gather of byte lanes can address."""


def padded_size(layer: Layer) -> tuple[int, int]:
    """Height and width of the input with its padding."""
    height, width = (length + sum(pads) for length, pads in zip(layer.input_shape[:2], layer.padding, strict=True))
    return height, width


def gathered(layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """Places of a window's codes: of each vector's first one, int32 [vectors], and from there, int64 [vectors, 16].

    Lanes beyond the window read the first code again; their weights are 0.
    """
    rows, columns, depth = layer.kernel.shape[:3]
    row, column, channel = np.indices((rows, columns, depth))
    places = ((row * padded_size(layer)[1] + column) * depth + channel).ravel()
    padded = np.zeros(vectors(layer) * VECTOR, np.int64)
    padded[: places.size] = places
    lanes = padded.reshape(-1, VECTOR)
    return lanes[:, 0].astype(np.int32), np.maximum(lanes - lanes[:, :1], 0)


def gather_refusal(layer: Layer) -> str:
    """Why sixteen codes of a window can't be loaded by their places; empty where they can."""
    reach = int(gathered(layer)[1].max())
    if reach > MAX_BYTE_OFFSET:
        return f"sixteen codes of a window lie within {reach} bytes of the input, offsets reach over {MAX_BYTE_OFFSET}"
    return ""


def gather_args(layer: Layer) -> dict:
    """Shapes, stride, padding."""
    shapes = window_args(layer)
    height, width = padded_size(layer)
    return {
        "input": shapes["input"],
        "output_shape": shapes["output"],
        "stride": shapes["stride"],
        "padding": shapes["padding"],
        "padded_height": height,
        "padded_width": width,
        "vectors": vectors(layer),
    }


def gather_constants(layer: Layer) -> dict[str, Constant]:
    """Places of a window's codes."""
    first, codes = gathered(layer)
    return {
        "from": Constant(first, "[vector] place of its first code in the padded input"),
        "codes": Constant(codes.astype(np.uint8).ravel(), "[vector][16] places from there"),
    }


def kernel(layout: ActivationLayout) -> Kernel:
    """Convolution of any window to a layout."""

    def scratch_bytes(layer: Layer) -> int:
        padded = math.prod(padded_size(layer)) * layer.input_shape[2]
        return 2 * VECTOR * vectors(layer) + copy_bytes(layer, layout) + padded

    return Kernel(
        "fxp_conv2d_s8_helium",
        CONV2D,
        S8,
        layout,
        args=lambda layer: gather_args(layer) | fields(layer, layout),
        constants=lambda layer: matrix_constants(layer, layout) | gather_constants(layer),
        instances=lambda layer: {"loop": loop(layer, layout)},
        instructions=lambda layer: cost(layer, layout, 12 * vectors(layer) + 10) + 0.5 * math.prod(padded_size(layer)),
        proof=narrowing.proof,
        refusal=lambda layer: gather_refusal(layer) or refusal(layer, layout),
        scratch_bytes=scratch_bytes,
    )
