"""1x1 convolution and dense layer on vectors: sixteen products per instruction."""

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Kernel, not_pointwise
from export.plan.kernels.helium import narrowing
from export.plan.kernels.helium.matrix_products import constants as matrix_constants
from export.plan.kernels.helium.matrix_products import copy_bytes, cost, fields, loop, refusal, vectors
from export.plan.kernels.helium.planes import VECTOR
from export.plan.layout import S8, ActivationLayout


def kernel(layout: ActivationLayout, op: str = CONV2D) -> Kernel:
    """1x1 convolution to a layout, or a dense layer."""

    def args(layer: Layer) -> dict:
        height, width, _ = layer.output_shape
        return dict(positions=height * width, input_channels=layer.input_shape[2]) | fields(layer, layout)

    copied = 4 * VECTOR
    return Kernel(
        "fxp_pointwise_conv2d_s8_helium",
        op,
        S8,
        layout,
        args=args,
        constants=lambda layer: matrix_constants(layer, layout),
        instances=lambda layer: {"loop": loop(layer, layout)},
        instructions=lambda layer: cost(layer, layout, copied if layer.input_shape[2] % VECTOR else 0),
        proof=narrowing.proof,
        refusal=lambda layer: (not_pointwise(layer) if op == CONV2D else "") or refusal(layer, layout),
        scratch_bytes=lambda layer: 2 * VECTOR * vectors(layer) + copy_bytes(layer, layout),
    )
