"""Row pairs: tensors of codes of at most four bits, in which a word holds two rows of two channels."""

from export.model.integer_model import Layer
from export.plan.layout import ActivationLayout, Shape, padded
from quant.qformat import QFormat

CODE_BITS = 4
LEADS = (0, 1)


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
        unpack=f"fxp_unpack_row_pairs_{reader}_{lead}",
        unpack_cost=float("inf"),
    )


FOR_DEPTHWISE = tuple(_layout("depthwise", lead) for lead in LEADS)
FOR_POINTWISE = tuple(_layout("pointwise", lead) for lead in LEADS)


def not_few_bits(layer: Layer) -> str:
    """Why the layer's codes don't fit half bytes; empty where they do."""
    return not_few_inputs(layer) or not_few_outputs(layer)


def not_few_inputs(layer: Layer) -> str:
    return _not_few("input", layer.input_format)


def not_few_outputs(layer: Layer) -> str:
    return _not_few("output", layer.output_format)


def _not_few(what: str, q: QFormat) -> str:
    return "" if not q.signed and q.bits <= CODE_BITS else f"{what} {q}, not unsigned with at most {CODE_BITS} bits"
