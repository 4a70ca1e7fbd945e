"""Convolution from int8 codes to int16, any window, stride and padding, two products per instruction."""

import math

import numpy as np

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Constant, Instance, Kernel, window_args
from export.plan.kernels.dsp.matrix_loops import STEP, MatrixLoop
from export.plan.layout import S8, S16, padded

_ORDER = [0, 2, 1, 3]
"""Codes of a step after SXTB16 of four bytes: bytes 0 and 2, then 1 and 3."""
_WORD_BYTES = 4
_SPARED = 2.2
"""Instructions, and cycles, of a step and channel by which one position takes less than two."""


def _row_steps(layer: Layer) -> int:
    return -(-layer.kernel.shape[1] * layer.kernel.shape[2] // STEP)


def _steps(layer: Layer) -> int:
    return layer.kernel.shape[0] * _row_steps(layer)


def _padded_size(layer: Layer) -> tuple[int, int]:
    height, width = (length + sum(pads) for length, pads in zip(layer.input_shape[:2], layer.padding, strict=True))
    return height, width


def kernel(loop: MatrixLoop) -> Kernel:
    """The kernel with one of the inner loops."""

    def constants(layer: Layer) -> dict[str, Constant]:
        scaled = loop.scaled(layer)
        rows, columns, depth, outputs = layer.kernel.shape
        steps = np.zeros((outputs, rows, STEP * _row_steps(layer)), np.int64)
        steps[:, :, : columns * depth] = scaled.weights.transpose(3, 0, 1, 2).reshape(outputs, rows, -1)
        ordered = steps.reshape(outputs, -1, STEP)[:, :, _ORDER].reshape(outputs, -1)
        return {"weights": loop.weights(ordered, scaled.bias, _steps(layer))}

    def args(layer: Layer) -> dict:
        fields = window_args(layer)
        del fields["window"]
        height, width = _padded_size(layer)
        channels = layer.output_shape[2]
        return fields | dict(
            padded_height=height,
            padded_width=width,
            window_height=layer.kernel_size[0],
            row_steps=_row_steps(layer),
            position_pair_words=loop.position_pair_bytes(_steps(layer)) // _WORD_BYTES,
            output_words=padded(channels) // 2,
            weights_words=loop.weights_words(channels, _steps(layer)),
        )

    def scratch_bytes(layer: Layer) -> int:
        height, width = _padded_size(layer)
        return loop.position_pair_bytes(_steps(layer)) + height * width * layer.input_shape[2] + STEP - 1

    def alone(layer: Layer) -> bool:
        """Whether the last position is computed alone."""
        return bool(loop.single) and math.prod(layer.output_shape[:2]) % 2 != 0

    def instructions(layer: Layer) -> float:
        spared = _SPARED * padded(layer.output_shape[2]) * _steps(layer) if alone(layer) else 0
        return loop.instructions(layer, _steps(layer), 6 * _steps(layer) + 40) - spared

    def cycles(layer: Layer) -> float:
        spared = _SPARED * padded(layer.output_shape[2]) * _steps(layer) if alone(layer) else 0
        return loop.cycles(layer, _steps(layer), 11 * _steps(layer) + 60) - spared

    def instances(layer: Layer) -> dict[str, Instance]:
        loops = {"loop": loop.instance(layer, _steps(layer))}
        if loop.single is not None and alone(layer):
            loops["single_loop"] = Instance("stream", loop.single, loops["loop"].arguments)
        return loops

    return Kernel(
        "fxp_conv2d_s8_to_s16_dsp",
        CONV2D,
        S8,
        S16,
        args=args,
        constants=constants,
        instances=instances,
        instructions=instructions,
        cycles=cycles,
        refusal=lambda layer: loop.why_not(layer, _steps(layer)),
        scratch_bytes=scratch_bytes,
    )
