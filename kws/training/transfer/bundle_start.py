"""What a training takes over from a bundle: the folded weights of its float model, and its front end.

A bundle's float weights have batch normalization folded in. The new network normalizes again: where it computes
`gamma * (x - mean) / sqrt(variance + epsilon) + beta` of a layer's sums x, mean and variance become those that x has on
the new training data, and gamma and beta what makes the whole the folded layer's function: `gamma = sqrt(variance +
epsilon)` and `beta = mean + bias`. So the network computes what the bundle's float model does, and nearly so when it
normalizes by the mean and variance of a batch.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from kws.frontend import FrontEndConfig
from kws.models import MODELS
from kws.training.training_error import TrainingError

MOST_EXAMPLES = 1024
# The kernels' shapes don't depend on how much a network hears at a time.
_ANY_INPUT = (49, 10, 1)


@dataclasses.dataclass(frozen=True)
class BundleStart:
    """A bundle to start from.

    Attributes:
      path: of the bundle.
      sha256: of its integer model.
      frontend: its front end.
      weights: `<layer>.kernel` and `<layer>.bias`, float32, of all its layers.
    """

    path: pathlib.Path
    sha256: str
    frontend: FrontEndConfig
    weights: dict[str, np.ndarray]

    def to_json(self) -> dict[str, str]:
        """What a run keeps of it."""
        return {"bundle": self.path.name, "model_sha256": self.sha256}


def read(path: str | pathlib.Path, model: str) -> BundleStart:
    """The bundle that a network of the architecture `model` starts from.

    Raises:
      TrainingError: no bundle, one without the float model's weights, or one of another architecture: then the line
        names the one that it is of.
    """
    try:
        bundle = bundles.load_hearing(path)
        found = bundle.float_model
    except (BundleError, ValueError) as error:
        raise TrainingError(f"init={path} can't be started from: {error}") from error
    if found is None:
        raise TrainingError(f"init={path} has no weights of its float model: convert its run again, or take another")
    _check_architecture(path, model, found.weights)
    return BundleStart(pathlib.Path(path), bundle.model.sha256, bundle.frontend_config, dict(found.weights))


def _check_architecture(path: str | pathlib.Path, model: str, weights: Mapping[str, np.ndarray]) -> None:
    """Raises `TrainingError` where a network of the architecture `model` can't take over these weights."""
    if _fits(model, weights):
        return
    others = [name for name in MODELS if _fits(name, weights)]
    names = sorted({name.partition(".")[0] for name in weights})
    remedy = f"give model={others[0]}" if others else f"its layers are {', '.join(names)}, take another bundle"
    raise TrainingError(f"init={path} is of another architecture than model={model}: {remedy}")


def _fits(model: str, weights: Mapping[str, np.ndarray]) -> bool:
    """Whether the layers of an architecture are those of a bundle, with kernels of the same shapes but for the last."""
    names = MODELS[model].layer_names
    if {name.partition(".")[0] for name in weights} != set(names):
        return False
    network = MODELS[model].build(_ANY_INPUT, classes=1, seed=0)
    return all(
        network.get_layer(name).weights[0].shape[: weights[f"{name}.kernel"].ndim] == weights[f"{name}.kernel"].shape
        for name in names[:-1]
    )


def take(start: BundleStart, model: Any, features: np.ndarray) -> None:
    """Gives a new float network the bundle's layers, all but the last.

    Args:
      model: of `Architecture.build`; its convolutions are each followed by batch normalization.
      features: float32 [n, h, w, c], training examples that mean and variance are measured on.

    Raises:
      TrainingError: a layer has another shape.
    """
    x = features[:MOST_EXAMPLES]
    layers = model.layers[1:]
    for place, layer in enumerate(layers):
        kind = type(layer).__name__
        if kind == "Dense":
            return
        if kind in ("Conv2D", "DepthwiseConv2D"):
            _take_kernel(start, layer)
        x = np.asarray(layer(x))
        if kind in ("Conv2D", "DepthwiseConv2D"):
            normalization = layers[place + 1]
            mean, variance = x.mean((0, 1, 2), np.float64), x.var((0, 1, 2), dtype=np.float64)
            beta = mean + start.weights[f"{layer.name}.bias"]
            gamma = np.sqrt(variance + normalization.epsilon)
            normalization.set_weights([part.astype(np.float32) for part in (gamma, beta, mean, variance)])


def _take_kernel(start: BundleStart, layer: Any) -> None:
    kernel = start.weights[f"{layer.name}.kernel"]
    if type(layer).__name__ == "DepthwiseConv2D":
        kernel = kernel[..., None]
    (own,) = layer.get_weights()
    if kernel.shape != own.shape:
        raise TrainingError(
            f"init={start.path} is of another architecture: its layer {layer.name} has a kernel {kernel.shape}, "
            f"expected {own.shape}"
        )
    layer.set_weights([kernel])


def freeze(model: Any, frozen: bool) -> None:
    """Keeps all layers but the last as they are, or lets them learn again."""
    for layer in model.layers[:-1]:
        layer.trainable = not frozen
