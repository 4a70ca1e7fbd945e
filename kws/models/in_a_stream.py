"""A network as a stream hears it: along time its layers see what surrounds a window, where a window alone is padded.

The streaming network (`export/model/stream_interpreter.py`) has the weights of the network on a window and no padding
along time, so that a network which was trained on windows alone has never computed what it is asked for in a stream.
"""

import tensorflow as tf


def in_a_stream(model: tf.keras.Model) -> tf.keras.Model:
    """`model`'s layers on a window that goes on beyond its ends as its mirror images do.

    As much is added in front and behind as padding reaches, and what is computed there is cut off before pooling: each
    of the rows that are pooled is one that a stream would have.

    Args:
      model: [n, h, w, c] -> logits, or logits and further heads: a chain of layers up to a pooling over all rows, whose
        output each head takes.
    """
    body, heads = body_and_heads(model)
    rows, frames = margin(body)
    x = tf.keras.layers.Lambda(_mirrored, arguments={"frames": frames}, name="surroundings")(model.input)
    for layer in body[:-1]:
        x = layer(x)
    x = body[-1](tf.keras.layers.Cropping2D(((rows, rows), (0, 0)), name="window")(x))
    outputs = tuple(head(x) for head in heads)
    return tf.keras.Model(model.input, outputs if len(outputs) > 1 else outputs[0])


def margin(body: list[tf.keras.layers.Layer]) -> tuple[int, int]:
    """(rows of what is pooled, frames) that the padding of convolutions reaches into, at either end."""
    reach, stride = 0, 1
    for layer in body:
        inner = _inner(layer)
        if isinstance(inner, (tf.keras.layers.Conv2D, tf.keras.layers.DepthwiseConv2D)):
            reach += stride * (inner.kernel_size[0] // 2)
            stride *= inner.strides[0]
    rows = -(-reach // stride)
    return rows, rows * stride


def body_and_heads(model: tf.keras.Model) -> tuple[list[tf.keras.layers.Layer], list[tf.keras.layers.Layer]]:
    """The layers from the first to the pooling, a chain, and the heads, of which each takes what is pooled."""
    layers = [layer for layer in model.layers if not isinstance(layer, tf.keras.layers.InputLayer)]
    behind = next(place for place, layer in enumerate(layers) if isinstance(_inner(layer), tf.keras.layers.Dense))
    return layers[:behind], layers[behind:]


def _inner(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    return getattr(layer, "layer", layer)


def _mirrored(x: tf.Tensor, frames: int) -> tf.Tensor:
    return tf.pad(x, [[0, 0], [frames, frames], [0, 0], [0, 0]], "SYMMETRIC")
