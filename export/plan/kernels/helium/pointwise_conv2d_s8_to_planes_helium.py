"""1x1 convolution to planes on vectors: the weights of two channels stay in registers."""

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Kernel, not_pointwise
from export.plan.kernels.helium import narrowing, plane_products
from export.plan.kernels.helium.planes import PLANES, VECTOR
from export.plan.layout import S8


def _refusal(layer: Layer) -> str:
    if reason := not_pointwise(layer):
        return reason
    if layer.input_shape[2] % VECTOR:
        return f"{layer.input_shape[2]} input channels are no whole number of vectors"
    return plane_products.refusal(layer)


def _args(layer: Layer) -> dict:
    return dict(units=plane_products.positions(layer) // plane_products.UNIT) | plane_products.fields(layer)


KERNEL = Kernel(
    "fxp_pointwise_conv2d_s8_to_planes_helium",
    CONV2D,
    S8,
    PLANES,
    args=_args,
    constants=lambda layer: {"weights": plane_products.weights(layer)},
    instances=lambda layer: {"loop": plane_products.loop(layer)},
    instructions=plane_products.cost,
    proof=narrowing.proof,
    refusal=_refusal,
    aligned=True,
)
