"""What a model must give, to be trained in float and in fixed point."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import tensorflow as tf


class Architecture(Protocol):
    """A network before it has an input shape and classes."""

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers with weights, in order; the last one gives the logits. Widths are set by these names."""
        ...

    @property
    def embedding(self) -> str:
        """The layer whose output [n, features] the last layer reads, and during training a second head, too."""
        ...

    def build(self, input_shape: tuple[int, int, int], classes: int, seed: int) -> "tf.keras.Model":
        """A float model that `quant.fold` can fold: [n, *input_shape] -> logits [n, classes].

        Args:
          seed: of the initial weights; one seed gives one model, bit for bit.
        """
        ...
