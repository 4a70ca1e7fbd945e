"""Row pairs: tensors of codes of at most seven bits, in which a word holds two rows of two channels."""

from export.model.integer_model import Layer
from export.plan.layout import ActivationLayout, Shape, padded
from quant.qformat import QFormat

CODE_BITS = 7
NIBBLE_BITS = 4
NIBBLES, BYTES = 4, 0
"""Where a code begins in its byte, for pointwise: codes of four bits in the upper ones, or any in the lower ones."""
LEADS = (0, 1)


def row_pairs(height: int, lead: int) -> int:
    """Row pairs of a tensor of which the first holds rows -lead and 1 - lead."""
    return (height + lead + 1) // 2


def _layout(reader: str, lead: int, what: str = "") -> ActivationLayout:
    def size(shape: Shape) -> int:
        height, width, channels = shape
        return 2 * row_pairs(height, lead) * width * padded(channels)

    return ActivationLayout(
        f"row pairs for {reader}{what and ', '}{what}, lead {lead}",
        size,
        unpack=f"fxp_unpack_row_pairs_{reader}{what and '_'}{what}_{lead}",
        unpack_cost=float("inf"),
    )


FOR_DEPTHWISE = tuple(_layout("depthwise", lead) for lead in LEADS)
FOR_POINTWISE = {
    NIBBLES: tuple(_layout("pointwise", lead) for lead in LEADS),
    BYTES: tuple(_layout("pointwise", lead, "bytes") for lead in LEADS),
}
"""By where codes begin in bytes, then by lead."""


def bits_from(code_at: int) -> int:
    """The most bits of a code that begins there in its byte."""
    return NIBBLE_BITS if code_at == NIBBLES else CODE_BITS


def not_few_inputs(layer: Layer, bits: int = CODE_BITS) -> str:
    """Why the layer reads no codes of so few bits; empty where it does."""
    return _not_few("input", layer.input_format, bits)


def not_few_outputs(layer: Layer, bits: int = CODE_BITS) -> str:
    """Why the layer writes no codes of so few bits; empty where it does."""
    return _not_few("output", layer.output_format, bits)


def _not_few(what: str, q: QFormat, bits: int) -> str:
    return "" if not q.signed and q.bits <= bits else f"{what} {q}, not unsigned with at most {bits} bits"
