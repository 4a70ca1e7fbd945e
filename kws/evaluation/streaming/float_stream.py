"""The float model of a run on a stream, beside `stream_interpreter`: the same windows over the real history.

Each convolution sees the rows that were really before it, zeros before the first; pooling is over the last rows of one
window. TensorFlow computes it in float32, in pieces that overlap by more frames than a row of logits depends on.
"""

import pathlib
import sys

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from export.model.integer_model import same_padding
from kws.evaluation.evaluation_error import EvaluationError
from quant.qformat import QFormat
from quant.training import model_file

_FRAMES_AT_ONCE = 6000
_CONVOLUTIONS = (tf.keras.layers.Conv2D, tf.keras.layers.DepthwiseConv2D)


def logits_of(path: pathlib.Path, frames: np.ndarray, input_format: QFormat, label: str = "float logits") -> np.ndarray:
    """Real-valued logits of a float DS-CNN, with progress.

    Args:
      path: of the Keras model.
      frames: int8 [n, coefficients], the stream from its start.
      input_format: of the codes in `frames`.
      label: what the progress bar says.

    Returns:
      float32 [n // frames per step, classes].

    Raises:
      EvaluationError: the model is missing or damaged, or it has a layer that can't be streamed.
    """
    try:
        model = model_file.load_model(path)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} can't be read ({error}): give the run_dir of a finished run") from error
    layers = [layer for layer in model.layers if not isinstance(layer, tf.keras.layers.InputLayer)]
    step, context = 1, 0
    for layer in layers:
        if isinstance(layer, (*_CONVOLUTIONS, tf.keras.layers.GlobalAveragePooling2D)):
            context += step * (_rows(layer) - 1)
            step *= _stride(layer)
        elif not isinstance(layer, (tf.keras.layers.BatchNormalization, tf.keras.layers.ReLU, tf.keras.layers.Dense)):
            raise EvaluationError(f"{path}: the layer {layer.name} ({type(layer).__name__}) can't be streamed")
    # Whole steps, so that every piece's rows are the stream's.
    context += -context % step
    at_once = _FRAMES_AT_ONCE - _FRAMES_AT_ONCE % step
    run = tf.function(lambda x: _run(layers, x), input_signature=[tf.TensorSpec([None, *model.input_shape[2:]])])
    values = frames.astype(np.float32) * np.float32(input_format.lsb)
    whole = len(values) - len(values) % step
    rows = [np.zeros((0, model.output_shape[-1]), np.float32)]
    with tqdm(total=whole, desc=label, unit="frame", leave=False, disable=None, file=sys.stderr) as progress:
        for start in range(0, whole, at_once):
            end, first = min(start + at_once, whole), max(start - context, 0)
            piece = values[first:end].reshape(end - first, *model.input_shape[2:])
            rows.append(run(tf.constant(piece)).numpy()[(start - first) // step :])
            progress.update(end - start)
    return np.concatenate(rows)


def _rows(layer: tf.keras.layers.Layer) -> int:
    """Rows of its input that one row of the layer's output depends on."""
    pools = isinstance(layer, tf.keras.layers.GlobalAveragePooling2D)
    return layer.input_shape[1] if pools else layer.kernel_size[0]


def _stride(layer: tf.keras.layers.Layer) -> int:
    return 1 if isinstance(layer, tf.keras.layers.GlobalAveragePooling2D) else layer.strides[0]


def _run(layers: list[tf.keras.layers.Layer], x: tf.Tensor) -> tf.Tensor:
    """[n, width, channels] to logits [n // step, classes]; zeros precede the first row of every layer's input."""
    x = x[None]
    for layer in layers:
        if isinstance(layer, tf.keras.layers.GlobalAveragePooling2D):
            height = _rows(layer)
            columns = tf.pad(tf.reduce_mean(x, axis=2), [[0, 0], [height - 1, 0], [0, 0]])
            x = tf.nn.avg_pool1d(columns, height, 1, "VALID")[0]
        elif isinstance(layer, _CONVOLUTIONS):
            across = same_padding(layer.input_shape[1:3], layer.kernel_size, layer.strides)[1]
            x = tf.pad(x, [[0, 0], [layer.kernel_size[0] - layer.strides[0], 0], across, [0, 0]])
            if isinstance(layer, tf.keras.layers.DepthwiseConv2D):
                x = tf.nn.depthwise_conv2d(x, layer.depthwise_kernel, [1, *layer.strides, 1], "VALID")
            else:
                x = tf.nn.conv2d(x, layer.kernel, [1, *layer.strides, 1], "VALID")
            if layer.use_bias:
                x = tf.nn.bias_add(x, layer.bias)
        elif isinstance(layer, tf.keras.layers.BatchNormalization):
            x = layer(x, training=False)
        else:
            x = layer(x)
    return x
