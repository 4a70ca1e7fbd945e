"""Convolution on int8, any window, stride and padding: two products in one 32-bit multiplication."""

from export.model.integer_model import CONV2D, Layer
from export.plan.kernel import Kernel, window_args
from export.plan.kernels.packed import matrix_loops
from export.plan.kernels.packed.matrix_loops import MatrixLoop
from export.plan.layout import S8


def _padded(layer: Layer) -> dict[str, int]:
    """Height and width of the input with its padding, at least what the windows reach."""
    reach = [
        (count - 1) * stride + window
        for count, stride, window in zip(layer.output_shape[:2], layer.stride, layer.kernel_size, strict=True)
    ]
    sizes = [
        max(before + size + after, far)
        for (before, after), size, far in zip(layer.padding, layer.input_shape[:2], reach, strict=True)
    ]
    return dict(zip(("padded_height", "padded_width"), sizes, strict=True))


def _scratch_bytes(layer: Layer) -> int:
    padded = _padded(layer)
    area = padded["padded_height"] * padded["padded_width"] * layer.input_shape[2]
    return 4 * matrix_loops.POSITIONS * matrix_loops.steps(layer) + area


def kernel(loop: MatrixLoop) -> Kernel:
    """The kernel with one of `matrix_loops`."""

    def instructions(layer: Layer) -> float:
        height, width, _ = layer.output_shape
        window = layer.kernel_size[0] * (3.0 * layer.kernel_size[1] * layer.input_shape[2] + 10)
        return matrix_loops.cost(layer, loop) + height * width * (window + 45)

    return Kernel(
        "fxp_conv2d_s8_packed",
        CONV2D,
        S8,
        S8,
        args=lambda layer: window_args(layer) | _padded(layer) | {"steps": matrix_loops.steps(layer)},
        constants=loop.constants,
        instances=lambda layer: {"loop": loop.instance(layer)},
        instructions=instructions,
        refusal=loop.refusal,
        proof=loop.proof,
        scratch_bytes=_scratch_bytes,
    )
