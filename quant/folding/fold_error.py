"""What is said of a Keras model that fixed point can't hold."""

from typing import Any


class FoldError(ValueError):
    """A model that can't be folded; the message names the layer, its attribute and what was expected."""

    user_can_mend = True


def attribute_error(layer: str, attribute: str, value: Any, expected: str) -> FoldError:
    """The error for a layer's attribute that has no counterpart in fixed point."""
    return FoldError(f"layer {layer}: {attribute}={value!r}, expected {expected}")
