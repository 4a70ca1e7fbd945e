"""1x1 convolution of int16 activations, two products per instruction."""

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Constant, Kernel, not_pointwise
from export.plan.kernels.dsp.matrix_loops import STEP, MatrixLoop
from export.plan.layout import S16, padded


def steps(layer: Layer) -> int:
    """Of the loop, for all input channels."""
    return padded(layer.input_shape[2]) // STEP


def kernel(loop: MatrixLoop) -> Kernel:
    """1x1 convolution with one of the inner loops."""

    def constants(layer: Layer) -> dict[str, Constant]:
        scaled = loop.scaled(layer)
        return {"weights": loop.weights(scaled.weights[0, 0].T, scaled.bias, steps(layer))}

    def args(layer: Layer) -> dict:
        height, width, channels = layer.output_shape
        return dict(
            positions=height * width,
            input_words=padded(layer.input_shape[2]) // 2,
            output_words=padded(channels) // 2,
            weights_words=loop.weights_words(channels, steps(layer)),
        )

    return Kernel(
        "fxp_pointwise_conv2d_s16_dsp",
        CONV2D,
        S16,
        S16,
        args=args,
        constants=constants,
        instances=lambda layer: {"loop": loop.instance(layer, steps(layer))},
        instructions=lambda layer: loop.instructions(layer, steps(layer), 40),
        cycles=lambda layer: loop.cycles(layer, steps(layer), 1.125 * padded(layer.input_shape[2]) + 58),
        refusal=lambda layer: not_pointwise(layer) or loop.why_not(layer, steps(layer)),
        in_place=lambda layer: padded(layer.output_shape[2]) <= padded(layer.input_shape[2]),
        scratch_bytes=lambda layer: loop.position_pair_bytes(steps(layer)),
    )
