"""1x1 convolution of a stream's rows as outer products, from position pairs to channel rows or int16."""

import dataclasses

from export.model.integer_model import Layer
from export.plan.kernel import Instance, Kernel
from export.plan.kernels.dsp import pointwise_conv2d_s16_dsp_lanes as outer_products
from export.plan.kernels.stream import pointwise_conv2d_position_pairs_dsp_lanes
from export.plan.kernels.stream.channel_rows import CHANNEL_ROWS
from export.plan.layout import ActivationLayout, padded


def kernel(output_layout: ActivationLayout) -> Kernel:
    """Writes `output_layout`, int16 or channel rows."""
    to_channel_rows = output_layout == CHANNEL_ROWS
    sizes = pointwise_conv2d_position_pairs_dsp_lanes.kernel(output_layout)

    def refusal(layer: Layer) -> str:
        too_wide = pointwise_conv2d_position_pairs_dsp_lanes.width_refusal(layer) if to_channel_rows else ""
        return outer_products.refusal(layer) or too_wide

    def args(layer: Layer) -> dict:
        return sizes.args(layer) | {"weights_words": outer_products.args(layer)["weights_words"]}

    def instances(layer: Layer) -> dict[str, Instance]:
        (loop,) = outer_products.KERNEL.instances(layer).values()
        single = layer.output_shape[1] % 2
        if not to_channel_rows:
            return {"loop": loop} | ({"single_loop": loop} if single else {})
        channel_bytes = pointwise_conv2d_position_pairs_dsp_lanes.channel_bytes(layer)
        one, two = (
            Instance(
                "stream", "FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_OUTER", (*loop.arguments, channel_bytes, positions)
            )
            for positions in (1, 2)
        )
        return {"loop": two} | ({"single_loop": one} if single else {})

    def instructions(layer: Layer) -> float:
        rows, width, channels = layer.output_shape
        block = 11 * outer_products.steps(layer) + 22 * outer_products.spans(layer) + 19 + 6 * to_channel_rows
        copies = 3.9 * padded(layer.input_shape[2]) + 40
        return rows * -(-width // 2) * (padded(channels) // 4 * block + copies)

    return dataclasses.replace(
        outer_products.KERNEL,
        function="fxp_pointwise_conv2d_position_pairs_dsp_lanes_outer",
        input_layout=sizes.input_layout,
        output_layout=output_layout,
        args=args,
        instances=instances,
        refusal=refusal,
        instructions=instructions,
        cycles=lambda layer: 1.95 * instructions(layer),
        in_place=lambda layer: False,
    )
