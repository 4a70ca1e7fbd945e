"""What is compared with the interpreter, each as a function from input codes to every layer's output codes."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from export.model.integer_model import IntegerModel
from quant.qformat import dequantize

LayerCodes = Callable[[np.ndarray], dict[str, np.ndarray]]
"""From input codes int8 [n, h, w, c] to output codes [n, ...] by layer name: integers, or floats of a float graph."""


def keras_graph(model: IntegerModel, graph: Any) -> LayerCodes:
    """The fixed-point Keras graph from which `model` was lowered: codes as float64, whole where it is on its grid."""
    from quant.training import trained_network  # imports TensorFlow

    layer_outputs = trained_network.layer_outputs(graph)
    formats = {layer.name: layer.output_format for layer in model.layers}

    def run_layers(codes: np.ndarray) -> dict[str, np.ndarray]:
        outputs = layer_outputs(dequantize(codes, model.input_format))
        return {
            name: np.asarray(values, np.float64) * 2.0 ** formats[name].fraction_bits
            for name, values in outputs.items()
            if name in formats
        }

    return run_layers


def c_engine(c_folder: pathlib.Path) -> LayerCodes:
    """The generated C in a folder, compiled for this machine.

    Raises:
      HostError: no compiler, a file missing, or C that does not compile.
    """
    from export.host.engine import CEngine

    return CEngine.build(c_folder).run_layers


def tflm(tflite: bytes) -> LayerCodes:
    """A .tflite in TensorFlow Lite Micro. Raises `ValueError` where the bytes are none, or can't be run."""
    from export.proof.tflm import TflmModel

    return TflmModel(tflite).run_layers
