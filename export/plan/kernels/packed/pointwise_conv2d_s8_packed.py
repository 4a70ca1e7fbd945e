"""1x1 convolution on int8: two products in one 32-bit multiplication."""

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Kernel, not_pointwise
from export.plan.kernels.packed import matrix_loops
from export.plan.kernels.packed.matrix_loops import MatrixLoop
from export.plan.layout import S8


def _args(layer: Layer) -> dict:
    height, width, channels = layer.output_shape
    return dict(
        positions=height * width,
        input_channels=layer.input_shape[2],
        output_channels=channels,
        steps=matrix_loops.steps(layer),
    )


def kernel(loop: MatrixLoop) -> Kernel:
    """The kernel with one of `matrix_loops`."""

    def instructions(layer: Layer) -> float:
        height, width, _ = layer.output_shape
        return matrix_loops.cost(layer, loop) + height * width * (3.0 * layer.input_shape[2] + 8)

    return Kernel(
        "fxp_pointwise_conv2d_s8_packed",
        CONV2D,
        S8,
        S8,
        args=_args,
        constants=loop.constants,
        instances=lambda layer: {"loop": loop.instance(layer)},
        instructions=instructions,
        refusal=lambda layer: not_pointwise(layer) or loop.refusal(layer),
        proof=loop.proof,
        in_place=lambda layer: layer.output_shape[2] <= layer.input_shape[2],
        scratch_bytes=lambda layer: 4 * matrix_loops.POSITIONS * matrix_loops.steps(layer),
    )
