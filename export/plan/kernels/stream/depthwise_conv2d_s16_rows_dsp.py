"""Depthwise 3x3 convolution of a stream's rows, int16: nothing is copied, since no row is padding."""

import math

import numpy as np

from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.plan import scale
from export.plan.kernel import Constant, Instance, Kernel
from export.plan.kernels.dsp.matrix_loops import halfwords
from export.plan.layout import S16, padded

CHANNEL_WORDS = 6
_MAX_BYTES = 2**16 - 1
_INSTRUCTIONS_PER_OUTPUT = 12.0


def _refusal(layer: Layer) -> str:
    if layer.kernel_size != (3, 3) or layer.stride != (1, 1) or layer.padding != ((0, 0), (1, 1)):
        return (
            f"window {layer.kernel_size}, stride {layer.stride}, padding {layer.padding}: it takes 3x3, 1 at the sides"
        )
    if 3 * layer.input_shape[1] * 2 * padded(layer.input_shape[2]) > _MAX_BYTES:
        return f"three rows take more than {_MAX_BYTES} bytes"
    return scale.refusal(layer) or scale.saturation_refusal(layer)


def _constants(layer: Layer) -> dict[str, Constant]:
    scaled = scale.scaled(layer)
    channels = layer.input_shape[2]
    codes = np.zeros((padded(channels), 2 * (CHANNEL_WORDS - 1)), np.int64)
    # Rows 0 and 1 of each column, then the columns of row 2.
    codes[:channels, :6] = scaled.weights[:2].transpose(2, 1, 0).reshape(channels, 6)
    codes[:channels, 6:9] = scaled.weights[2].T
    words = np.zeros((padded(channels), CHANNEL_WORDS), np.uint32)
    words[:, :-1] = halfwords(codes)
    words[:channels, -1] = scaled.bias & 0xFFFFFFFF
    return {"weights": Constant(words.ravel(), "[channel]{w00w10, w01w11, w02w12, w20w21, w22, bias}, w<row><column>")}


def _args(layer: Layer) -> dict:
    rows, width, channels = layer.output_shape
    words = CHANNEL_WORDS * padded(channels)
    return dict(rows=rows, row_words=width * padded(channels) // 2, weights_words=words)


def _instances(layer: Layer) -> dict[str, Instance]:
    saturate, bits = scale.saturation(layer)
    arguments = (layer.output_shape[1], 2 * padded(layer.input_shape[2]), scale.scaled(layer).shift, saturate, bits)
    return {"loop": Instance("stream", "FXP_DEPTHWISE_LOOP_S16_ROWS_DSP", arguments)}


KERNEL = Kernel(
    "fxp_depthwise_conv2d_s16_rows_dsp",
    DEPTHWISE_CONV2D,
    S16,
    S16,
    args=_args,
    constants=_constants,
    instances=_instances,
    instructions=lambda layer: _INSTRUCTIONS_PER_OUTPUT * math.prod(layer.output_shape),
    refusal=_refusal,
    in_place=lambda layer: True,
)
