"""Convolutions as products of polynomials: what their two layouts of output have in common."""

from export.model.integer_model import Layer
from export.plan.kernel import shape_fields
from export.plan.kernels.four_bit.row_pairs import row_pairs
from export.plan.layout import padded

_MAX_ROW_BYTES = 4095
_MAX_PRODUCTS = 256


def row_taps(layer: Layer) -> int:
    """Taps in a row of the window."""
    return layer.kernel.shape[1] * layer.kernel.shape[2]


def tap_pairs(layer: Layer) -> int:
    """Tap pairs on one of the sequences that rows a stride apart form."""
    return -(-layer.kernel.shape[0] // (2 * layer.stride[0]))


def products(layer: Layer) -> int:
    """Products of two taps and two codes that make two rows of an output."""
    return tap_pairs(layer) * layer.stride[0] * row_taps(layer)


def walk_refusal(layer: Layer) -> str:
    """Why no loop walks a convolution's columns two rows at a time; empty where one does."""
    count = products(layer)
    if count % 4 or count > _MAX_PRODUCTS:
        return f"{count} products per row pair: it takes multiples of 4 up to {_MAX_PRODUCTS}"
    if (row := 2 * padded(layer.output_shape[2]) * layer.output_shape[1]) > _MAX_ROW_BYTES:
        return f"a row of the output takes {row} bytes, more than {_MAX_ROW_BYTES}"
    return ""


def wide_refusal(layer: Layer, max_row_bytes: int) -> str:
    """Why no loop does two steps at once; empty where `walk_refusal` is and one does."""
    if (row := 2 * padded(layer.output_shape[2]) * layer.output_shape[1]) > max_row_bytes:
        return f"a row of the output takes {row} bytes, more than {max_row_bytes}"
    return ""


def wide_instructions(layer: Layer) -> float:
    """Of all products of two steps at once."""
    return 7 * products(layer) + layer.stride[0] * row_taps(layer)


def wide_cycles(layer: Layer) -> float:
    """The same on a Cortex-M4."""
    return 8 * products(layer) + layer.stride[0] * row_taps(layer)


def fill_cycles(layer: Layer) -> float:
    """A Cortex-M4's cycles for the panels of all columns, and for the padded input."""
    return layer.output_shape[1] * (16 * args(layer)["panel_rows"] * row_taps(layer) + 1000)


def args(layer: Layer) -> dict:
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
