"""The file of a Keras model, float or in fixed point: graph, formats and weights as .h5."""

import contextlib
import pathlib
import warnings

import tensorflow as tf

from quant.folding import keras_file
from quant.folding.sum_shift_pool import SumShiftPool2D
from quant.optimization_toolkit import tfmot
from quant.training import learned_thresholds, quantize_configs, quantizers
from quant.training.bounded_kernels import CodeSumConstraint
from quant.training.kernel_regularizer import KernelRegularizer


def quantize_scope() -> contextlib.AbstractContextManager:
    """Names this project's classes for Keras' deserialization."""
    classes = (
        quantize_configs.OutputConfig,
        quantize_configs.WeightedConfig,
        quantizers.FixedPointQuantizer,
        quantizers.BiasQuantizer,
        quantizers.KernelQuantizer,
        learned_thresholds.LearnedQuantizer,
        learned_thresholds.FollowingQuantizer,
        KernelRegularizer,
        CodeSumConstraint,
        SumShiftPool2D,
    )
    return tfmot.quantization.keras.quantize_scope({cls.__name__: cls for cls in classes})


def save_model(model: tf.keras.Model, path: str | pathlib.Path) -> None:
    """Writes a model, float or in fixed point, as .h5 without its optimizer."""
    with warnings.catch_warnings():
        # tfmot's wrappers list a variable twice, which only the HDF5 format reads back.
        warnings.filterwarnings("ignore", message="You are saving your model as an HDF5 file")
        model.save(path, save_format="h5", include_optimizer=False)


def load_model(path: str | pathlib.Path) -> tf.keras.Model:
    """Reads what `save_model` wrote, or another file of a Keras 2 model.

    Raises:
      OSError: the file is missing or damaged.
      KerasFileError: it is no such file, or holds a layer of code, such as Lambda.
    """
    keras_file.check(path)
    with quantize_scope():
        return tf.keras.models.load_model(path, compile=False)
