"""Average pooling of row pairs to int16."""

from export.model.integer_model import AVERAGE_POOL, Layer
from export.plan.kernel import Instance, Kernel, half, requantization
from export.plan.kernels.four_bit.row_pairs import FOR_DEPTHWISE, not_few_inputs, row_pairs
from export.plan.layout import S16, padded

_POOL_SUM = 2**16 - 1
_BYTE_SUM = 2**8 - 1
_MAX_POSITION_BYTES = 4095
_MOST_UNROLLED = 8
_LEAST_OF_BYTES = 3
"""Columns whose sums as bytes are worth their way to halfwords."""


def _words_at_once(layer: Layer) -> int:
    """Of a column: four, where that divides it."""
    return 2 if padded(layer.input_shape[2]) % 8 else 4


def _columns(layer: Layer) -> int:
    """Of a row, in a turn of the loop."""
    width = layer.input_shape[1]
    return next(columns for columns in range(_MOST_UNROLLED, 0, -1) if width % columns == 0)


def _in_bytes(layer: Layer) -> bool:
    """Whether the columns of a turn are summed as bytes."""
    columns = _columns(layer)
    return columns >= _LEAST_OF_BYTES and columns * layer.input_format.max_code <= _BYTE_SUM


def _instances(layer: Layer) -> dict[str, Instance]:
    position_bytes = 2 * padded(layer.input_shape[2])
    arguments = (_words_at_once(layer), _columns(layer), position_bytes, int(_in_bytes(layer)))
    return {"loop": Instance("four_bit", "FXP_SUM_LOOP_ROW_PAIRS_DSP", arguments)}


def _proof(layer: Layer) -> str:
    greatest = layer.input_format.max_code
    total = layer.input_shape[0] * layer.input_shape[1] * greatest
    return f"{total} fits 16 bits" + (f", {_columns(layer) * greatest} fits 8" if _in_bytes(layer) else "")


def kernel(lead: int) -> Kernel:
    """The kernel for a lead of the input."""

    def refusal(layer: Layer) -> str:
        positions = layer.input_shape[0] * layer.input_shape[1]
        if positions * layer.input_format.max_code > _POOL_SUM:
            return f"{positions} codes of {layer.input_format} can leave 16 bits"
        if (size := 2 * padded(layer.input_shape[2])) > _MAX_POSITION_BYTES:
            return f"a position takes {size} bytes, more than {_MAX_POSITION_BYTES}"
        return not_few_inputs(layer)

    def cost(layer: Layer, a_word: int, around: float, a_row: float, a_lead: float) -> float:
        """By what LDM takes for a word beside one for itself, what is around a loop's words, and rows alone."""
        height, width, channels = layer.input_shape
        words, columns = _words_at_once(layer), _columns(layer)
        turn = columns * (2 + words * a_word) + 2 + a_word
        if _in_bytes(layer):
            turn += (columns - 1) * words + 2 * (1 + 2 * words * a_word) + 2 * words + 1 + a_word
        else:
            turn += columns * 2 * words
        turns = row_pairs(height, lead) * width / columns
        around += (lead + (height - lead) % 2) * a_row + lead * a_lead
        return padded(channels) / 2 / words * (turns * turn + around)

    def args(layer: Layer) -> dict:
        height, width, channels = layer.input_shape
        sizes = dict(height=height, width=width, channels=padded(channels), lead=lead)
        fields = dict(bias=half(layer), words_at_once=_words_at_once(layer), requantization=requantization(layer))
        return sizes | fields

    return Kernel(
        "fxp_average_pool_row_pairs_to_s16_dsp",
        AVERAGE_POOL,
        FOR_DEPTHWISE[lead],
        S16,
        args=args,
        constants=lambda layer: {},
        instances=_instances,
        instructions=lambda layer: cost(layer, 0, 198, 50, 50),
        cycles=lambda layer: cost(layer, 1, 320, 100, 93),
        refusal=refusal,
        proof=_proof,
    )
