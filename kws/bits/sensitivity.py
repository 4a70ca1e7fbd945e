"""What a width loses: the divergence of the logits where one layer's weights or outputs alone are quantized.

For every layer and every width the rest of the network stays in float, so that the sum over layers is a model of what
all of them lose together: good for small losses, and blind to what fine-tuning gets back.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from kws.bits.networks import Networks, Widths
from quant.folding import float_graph
from quant.folding.layers import DEPTHWISE_CONV2D, PoolingLayer, WeightedLayer
from quant.qformat import QFormat, dequantize, quantize

_BATCH = 128


@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """Mean divergence KL(float || quantized), in nats, by (layer's name, bits).

    Attributes:
      weights, outputs: where a layer's weights, or its outputs, alone are quantized; logits are left out.
    """

    weights: dict[tuple[str, int], float]
    outputs: dict[tuple[str, int], float]

    def to_json(self) -> dict[str, dict[str, dict[str, float]]]:
        """`weights` and `outputs`: layer -> bits -> nats."""
        found: dict[str, dict[str, dict[str, float]]] = {"weights": {}, "outputs": {}}
        for part, values in found.items():
            for (name, bits), loss in getattr(self, part).items():
                values.setdefault(name, {})[str(bits)] = loss
        return found

    def total(self, names: Sequence[str], widths: Widths) -> float:
        """The sum over layers.

        Args:
          names: of the layers that `widths` are of.
        """
        weights = sum(self.weights[key] for key in zip(names, widths.weights, strict=True))
        return weights + sum(self.outputs[key] for key in zip(names[:-1], widths.outputs[:-1], strict=True))


def divergence(logits: np.ndarray, others: np.ndarray) -> np.ndarray:
    """KL of the posteriors of `logits` to those of `others`, in nats, [n] of [n, classes]."""
    log_p, log_q = (_log_posteriors(each) for each in (logits, others))
    return (np.exp(log_p) * (log_p - log_q)).sum(axis=-1)


def _log_posteriors(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def float_logits(networks: Networks, features: np.ndarray) -> np.ndarray:
    """Of the float network, [n, classes]."""
    model = float_graph.float_model(networks.layers, networks.input_shape)
    return model.predict(features, batch_size=_BATCH, verbose=0)


def measure(
    networks: Networks, features: np.ndarray, progress: Callable[[int], None] = lambda done: None
) -> Sensitivity:
    """Every layer at every width.

    Args:
      features: float32 [n, h, w, c], on the input's grid; training examples.
      progress: called with the number of examples done.
    """
    layers = [float_graph.keras_layer(layer) for layer in networks.layers]
    _set(layers, networks)
    weights: dict[tuple[str, int], float] = {}
    outputs: dict[tuple[str, int], float] = {}
    for start in range(0, len(features), _BATCH):
        _add(networks, layers, features[start : start + _BATCH], weights, outputs)
        progress(min(start + _BATCH, len(features)))
    count = len(features)
    return Sensitivity(*({key: total / count for key, total in each.items()} for each in (weights, outputs)))


def _set(layers: list[tf.keras.layers.Layer], networks: Networks) -> None:
    for layer, folded, shape in zip(layers, networks.layers, networks.shapes, strict=False):
        layer.build((None, *shape) if _is_spatial(folded) else (None, shape[-1]))
        if isinstance(folded, WeightedLayer):
            layer.set_weights([_kernel(folded, folded.kernel), folded.bias])


def _is_spatial(folded: object) -> bool:
    return not (isinstance(folded, WeightedLayer) and folded.kernel.ndim == 2)


def _kernel(folded: WeightedLayer, kernel: np.ndarray) -> np.ndarray:
    return kernel[..., None] if folded.op == DEPTHWISE_CONV2D else kernel


def _add(
    networks: Networks,
    layers: list[tf.keras.layers.Layer],
    features: np.ndarray,
    weights: dict[tuple[str, int], float],
    outputs: dict[tuple[str, int], float],
) -> None:
    """Adds a batch's divergences, summed over its examples."""
    seen = [tf.constant(features)]
    for layer in layers:
        seen.append(layer(seen[-1]))
    logits = seen[-1].numpy()

    def ending(values: tf.Tensor, behind: int) -> float:
        for layer in layers[behind + 1 :]:
            values = layer(values)
        return float(divergence(logits, values.numpy()).sum())

    for index, (layer, folded) in enumerate(zip(layers, networks.layers, strict=True)):
        if isinstance(folded, PoolingLayer):
            continue
        for bits in networks.bits:
            key = (folded.name, bits)
            kernel = on_grid(folded.kernel, networks.weights[key])
            layer.set_weights([_kernel(folded, kernel), folded.bias])
            weights[key] = weights.get(key, 0.0) + ending(layer(seen[index]), index)
            if index + 1 < len(layers):
                rounded = tf.constant(on_grid(seen[index + 1].numpy(), networks.outputs[bits][folded.name]))
                outputs[key] = outputs.get(key, 0.0) + ending(rounded, index)
        layer.set_weights([_kernel(folded, folded.kernel), folded.bias])


def on_grid(values: np.ndarray, q: QFormat) -> np.ndarray:
    """The values of the codes of `values`, float32."""
    return dequantize(quantize(values, q), q)
