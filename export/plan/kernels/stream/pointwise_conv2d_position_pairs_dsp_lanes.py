"""1x1 convolution of a stream's rows, from position pairs to channel rows or int16: row pairs' weights and proof."""

import dataclasses

from export.model.integer_model import Layer
from export.plan.kernel import Instance, Kernel
from export.plan.kernels.stream import pointwise_conv2d_s16_rows_dsp_lanes
from export.plan.kernels.stream.channel_rows import CHANNEL_ROWS, POSITION_PAIRS, row_words
from export.plan.layout import S16, ActivationLayout, padded

_S16_ROWS = pointwise_conv2d_s16_rows_dsp_lanes.KERNEL
_MAX_CHANNEL_BYTES = 60
_MACROS = {
    CHANNEL_ROWS.name: "FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES",
    S16.name: "FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES",
}


def channel_bytes(layer: Layer) -> int:
    """From one channel of channel rows to the next."""
    return 4 * row_words(layer.output_shape[1])


def width_refusal(layer: Layer) -> str:
    """Why a layer's channels can't be written as channel rows; empty where they can."""
    beyond = channel_bytes(layer) > _MAX_CHANNEL_BYTES
    return f"{layer.output_shape[1]} columns are more than the loop's offsets reach" if beyond else ""


def kernel(output_layout: ActivationLayout) -> Kernel:
    """Writes `output_layout`, int16 or channel rows."""
    to_channel_rows = output_layout == CHANNEL_ROWS

    def refusal(layer: Layer) -> str:
        return _S16_ROWS.refusal(layer) or (width_refusal(layer) if to_channel_rows else "")

    def args(layer: Layer) -> dict:
        rows, width, channels = layer.output_shape
        inputs, outputs = padded(layer.input_shape[2]), padded(channels)
        return dict(
            rows=rows,
            width=width,
            input_words=inputs // 2,
            position_words=0 if to_channel_rows else outputs // 2,
            position_pair_words=1 if to_channel_rows else outputs,
            output_words=output_layout.size((1, width, channels)) // 4,
            weights_words=outputs // 4 * (2 + inputs),
        )

    def instances(layer: Layer) -> dict[str, Instance]:
        macro = _MACROS[output_layout.name]
        arguments = _S16_ROWS.instances(layer)["loop"].arguments
        arguments = (*arguments, channel_bytes(layer)) if to_channel_rows else arguments
        loops = {"loop": macro} | ({"single_loop": f"{macro}_SINGLE"} if layer.output_shape[1] % 2 else {})
        return {field: Instance("stream", name, arguments) for field, name in loops.items()}

    def instructions(layer: Layer) -> float:
        rows, width, channels = layer.output_shape
        position_pairs, single = divmod(width, 2)
        two, one = pointwise_conv2d_s16_rows_dsp_lanes.channel_quad(layer)
        loops = position_pairs * two + single * (one + 1)
        return rows * (padded(channels) // 4 * loops + 40 * (position_pairs + single))

    return dataclasses.replace(
        _S16_ROWS,
        function="fxp_pointwise_conv2d_position_pairs_dsp_lanes",
        input_layout=POSITION_PAIRS,
        output_layout=output_layout,
        args=args,
        instances=instances,
        refusal=refusal,
        instructions=instructions,
        cycles=lambda layer: 1.82 * instructions(layer),
        in_place=lambda layer: False,
        scratch_bytes=None,
    )
