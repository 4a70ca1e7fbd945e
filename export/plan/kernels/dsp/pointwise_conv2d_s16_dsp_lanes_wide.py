"""1x1 convolutions as outer products, of four positions at once: for cycles."""

import dataclasses

from export.model.integer_model import Layer
from export.plan.kernel import Instance
from export.plan.kernels.dsp import pointwise_conv2d_s16_dsp_lanes as narrow
from export.plan.kernels.dsp.pointwise_conv2d_s16_dsp_wide import blocks, positions_refusal
from export.plan.layout import padded

_MAX_STEPS = 127
"""Offsets of a whole span's weights lie in instructions."""


def _refusal(layer: Layer) -> str:
    if reason := narrow.refusal(layer) or positions_refusal(layer):
        return reason
    count = narrow.steps(layer)
    return f"{layer.input_shape[2]} input channels, {count} steps of {_MAX_STEPS}" if count > _MAX_STEPS else ""


def _instances(layer: Layer) -> dict[str, Instance]:
    output_bytes = 2 * padded(layer.output_shape[2])
    every, bits = narrow.lane_steps(layer), layer.output_format.bits
    arguments = (narrow.steps(layer), every, output_bytes, layer.shift, bits)
    return {"loop": Instance("dsp", "FXP_MATRIX_LOOP_S16_DSP_LANES_WIDE", arguments)}


def _cost(layer: Layer, step: float, span: float, around: float, a_code: float, a_block: float) -> float:
    inputs, channel_quads = padded(layer.input_shape[2]), padded(layer.output_shape[2]) // 4
    block = step * narrow.steps(layer) + span * narrow.spans(layer) + around
    return blocks(layer) * (channel_quads * block + a_code * inputs + a_block)


KERNEL = dataclasses.replace(
    narrow.KERNEL,
    function="fxp_pointwise_conv2d_s16_dsp_lanes_wide",
    refusal=_refusal,
    instances=_instances,
    instructions=lambda layer: _cost(layer, 32, 52, 34, 7, 80),
    cycles=lambda layer: _cost(layer, 36, 67, 26, 9.4, 200),
    scratch_bytes=lambda layer: 16 * padded(layer.input_shape[2]),
)
