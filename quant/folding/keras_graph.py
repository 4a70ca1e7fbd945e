"""A Keras model read as a chain: its layers in the order of the data, each used once, from one input to one output."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from quant.folding.fold_error import FoldError

_PACKAGES = ("tf_keras", "keras")


@dataclasses.dataclass(frozen=True)
class LayerUse:
    """A layer where a model uses it.

    Attributes:
      layer: Keras' own.
      kind: its class's name.
      input_shape: of what it is given, without the batch: (height, width, channels), or (channels,) behind pooling.
    """

    layer: Any
    kind: str
    input_shape: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.layer.name


def chain(model: Any) -> list[LayerUse]:
    """The layers between a model's input and its output.

    Args:
      model: functional or Sequential, of Keras 2, with an input of known shape (height, width, channels).

    Raises:
      FoldError: it is no such chain; the layer that isn't in line is named.
    """
    name = getattr(model, "name", type(model).__name__)
    given, output = _the_one(model, name, "inputs"), _the_one(model, name, "outputs")
    shape = tuple(given.shape)[1:]
    if len(shape) != 3 or None in shape:
        raise FoldError(f"model {name}: input shape {shape}, expected (height, width, channels), all of them known")
    nodes = list(_nodes(output))
    uses = [_use(node) for node in reversed(nodes)]
    reached = [use.layer for use in uses]
    for layer in model.layers:
        if layer not in reached and type(layer).__name__ != "InputLayer":
            raise FoldError(
                f"layer {layer.name}: the output doesn't need it, expected a chain of layers without branches"
            )
    return uses


def _the_one(model: Any, name: str, what: str) -> Any:
    tensors = getattr(model, what, None)
    if not tensors:
        raise FoldError(
            f"model {name}: it has no {what} yet, expected a functional model or one built with its input shape"
        )
    if len(tensors) > 1:
        raise FoldError(
            f"model {name}: {len(tensors)} {what}, expected one: tf.keras.Model(input, output) chooses them"
        )
    if not hasattr(tensors[0], "node"):
        raise FoldError(f"model {name}: not a model of Keras 2, expected one of tf_keras (TF_USE_LEGACY_KERAS=1)")
    return tensors[0]


def _nodes(output: Any) -> Iterator[Any]:
    """Keras' nodes, one for each use of a layer, from the output back to the input's."""
    node = output.node
    passed = []
    while node.parent_nodes:
        if len(node.parent_nodes) > 1:
            raise FoldError(
                f"layer {node.layer.name}: {len(node.parent_nodes)} inputs, expected one: a chain of layers"
            )
        if node.layer in passed:
            raise FoldError(f"layer {node.layer.name}: used twice, expected a layer of its own for each use")
        passed.append(node.layer)
        yield node
        node = node.parent_nodes[0]


def _use(node: Any) -> LayerUse:
    layer, kind = node.layer, type(node.layer).__name__
    if type(layer).__module__.split(".")[0] not in _PACKAGES:
        raise FoldError(
            f"layer {layer.name}: {kind} of {type(layer).__module__} can't be folded, only Keras' own layers"
        )
    for argument, value in node.call_kwargs.items():
        if value is not None and value is not False:
            raise FoldError(
                f"layer {layer.name}: called with {argument}={value!r}, expected no arguments but its input"
            )
    shape = tuple(node.input_shapes)[1:]
    if None in shape:
        raise FoldError(f"layer {layer.name}: input shape {shape}, expected lengths that are known")
    return LayerUse(layer, kind, shape)
