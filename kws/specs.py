"""The architectures: DS-CNN S, M and L of "Hello Edge" (arXiv:1711.07128), and MLPerf Tiny's (arXiv:2106.07597)."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class DsCnnSpec:
    """A DS-CNN's architecture.

    Attributes:
      channels: of every convolution.
      stride: (vertical, horizontal) of the first convolution.
      blocks: (vertical, horizontal) stride of each depthwise separable block's 3x3 depthwise convolution.
      first_kernel: (height, width) of the first convolution.
    """

    channels: int
    stride: tuple[int, int]
    blocks: tuple[tuple[int, int], ...]
    first_kernel: tuple[int, int] = (10, 4)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers with weights, in order."""
        blocks = range(1, len(self.blocks) + 1)
        return ("conv0", *(f"{kind}{i}" for i in blocks for kind in ("depthwise", "pointwise")), "logits")


SPECS = {
    "ds_cnn_mlperf": DsCnnSpec(64, (2, 2), ((1, 1),) * 4),
    "ds_cnn_s": DsCnnSpec(64, (2, 2), ((1, 1),) * 4),
    "ds_cnn_m": DsCnnSpec(172, (2, 1), ((2, 2), *((1, 1),) * 3)),
    "ds_cnn_l": DsCnnSpec(276, (2, 1), ((2, 2), *((1, 1),) * 4)),
}
