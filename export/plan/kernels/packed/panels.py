"""What depthwise kernels for cores without the DSP extension have in common: windows of 3x3 on a channel's panel."""

import numpy as np

from export.model.integer_model import Layer
from export.plan.kernel import half, shape_fields

WINDOW = (3, 3)
_MOST_PADDING = 2


def refusal(layer: Layer) -> str:
    """Why a depthwise convolution's windows can't be walked on a panel; empty where they can."""
    if layer.kernel_size != WINDOW:
        return f"the window is {layer.kernel_size[0]}x{layer.kernel_size[1]}, not {WINDOW[0]}x{WINDOW[1]}"
    if max(layer.padding[0][0], layer.padding[1][0]) > _MOST_PADDING:
        return f"padding {layer.padding} is more than {_MOST_PADDING}"
    return ""


def padded(layer: Layer, rows: int) -> tuple[int, int]:
    """Height and width of the panel: the input with its padding, at least what windows of `rows` output rows reach."""
    counts = (rows, layer.output_shape[1])
    reach = [
        (count - 1) * stride + window
        for count, stride, window in zip(counts, layer.stride, layer.kernel_size, strict=True)
    ]
    sizes = zip(layer.padding, layer.input_shape[:2], reach, strict=True)
    height, width = (max(before + size, far) for (before, _), size, far in sizes)
    return height, width


def args(layer: Layer, rows_apart: int, channel_words: int) -> dict:
    """Fields of the argument struct; `rows_apart` are 0 where a word or byte is of one row."""
    height, width, channels = layer.output_shape
    padded_height, pitch = padded(layer, height)
    (top, _), (left, _) = layer.padding
    return {
        "input": shape_fields(layer.input_shape),
        "padding": dict(top=top, left=left),
        "padded_height": padded_height,
        "rows_apart": rows_apart,
        "channel_words": channel_words,
        "panel": dict(
            pitch=pitch,
            row_step=layer.stride[0] * pitch,
            column_step=layer.stride[1],
            height=height,
            width=width,
            output_row=width * channels,
            output_channels=channels,
        ),
    }


def bias(layer: Layer) -> np.ndarray:
    """Biases int64 [channels], rounding half included."""
    return layer.bias.astype(np.int64) + half(layer)


def saturation(layer: Layer) -> tuple[int, int]:
    """Magnitude of the least code, and the greatest code."""
    q = layer.output_format
    return -q.min_code, q.max_code


def words(values: np.ndarray) -> np.ndarray:
    """int64 as uint32, modulo 2**32, in one dimension."""
    return (values & 0xFFFFFFFF).astype(np.uint32).ravel()


def copies(layer: Layer) -> float:
    """Instructions of the copies to panels, for each channel of all."""
    return layer.input_shape[0] * layer.input_shape[1] * layer.input_shape[2]


def in_place(layer: Layer) -> bool:
    """Whether the output may overwrite the input: a channel's outputs lie where its inputs did."""
    return layer.input_shape == layer.output_shape
