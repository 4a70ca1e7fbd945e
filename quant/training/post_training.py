"""A trained float model in fixed point, without further training."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from quant.folding.equalization import equalize
from quant.folding.keras_chain import fold
from quant.folding.layers import weighted_layers
from quant.formats.calibration import calibrate
from quant.formats.least_error import input_format
from quant.method import Method
from quant.qformat import MAX_BITS, MIN_BITS
from quant.training.fixed_point_graph import fixed_point_model

Bits = int | Sequence[int]
"""A width for all layers with weights, or one each, in order."""


def post_training_model(
    model: tf.keras.Model,
    features: np.ndarray,
    weight_bits: Bits = MAX_BITS,
    activation_bits: Bits = MAX_BITS,
    method: Method | None = None,
) -> tf.keras.Model:
    """The fixed-point graph of a float Keras model, every tensor in the Q-format of least squared error.

    It is a Keras model like any other: compile and fit it to train on, in fixed point.

    Args:
      model: what `quant.fold` takes.
      features: float [n, height, width, channels], real inputs of the model; a few hundred suffice.
      weight_bits, activation_bits: 2 to 8; inputs, pooled vectors and logits have 8 whatever is given.
      method: None for its defaults.

    Raises:
      FoldError: a layer that fixed point has no counterpart for.
      ValueError: features of another shape, or not finite; a width that is none, or too many or too few of them.
    """
    method = method or Method()
    layers = fold(model)
    features = _checked(features, tuple(model.input_shape[1:]))
    names = [layer.name for layer in weighted_layers(layers)]
    network = calibrate(
        equalize(layers) if method.equalize else layers,
        features,
        input_format(features),
        _by_name("weight_bits", weight_bits, names),
        {**_by_name("activation_bits", activation_bits, names), names[-1]: MAX_BITS},
        method,
    )
    height, width, channels = model.input_shape[1:]
    return fixed_point_model(*network, (height, width, channels), method)


def _checked(features: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The features as float32."""
    if features.ndim != 4 or features.shape[1:] != shape or not len(features):
        expected = ", ".join(map(str, shape))
        raise ValueError(f"features of shape {features.shape}, expected (n, {expected}) with n of 1 or more")
    if features.dtype.kind not in "fiu":
        raise ValueError(f"features of {features.dtype}, expected floats or integers")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is named below
        real = features.astype(np.float32)
    if not np.isfinite(real).all():
        first = tuple(map(int, np.argwhere(~np.isfinite(real))[0]))
        raise ValueError(f"features{list(first)} is {features[first]}, expected finite numbers")
    return real


def _by_name(setting: str, bits: Bits, names: list[str]) -> dict[str, int]:
    """Width by layer name."""
    given = [bits] * len(names) if isinstance(bits, int) else list(bits)
    if len(given) == 1:
        given *= len(names)
    said = f"{setting}={','.join(map(str, [bits] if isinstance(bits, int) else bits))}"
    if len(given) != len(names):
        each = ", ".join(names)
        raise ValueError(f"{said} gives {len(given)} widths, expected one, or {len(names)}, one each for {each}")
    if wrong := [width for width in given if not MIN_BITS <= width <= MAX_BITS]:
        raise ValueError(f"{said}: {wrong[0]} is not a width from {MIN_BITS} to {MAX_BITS} bits")
    return dict(zip(names, given, strict=True))
