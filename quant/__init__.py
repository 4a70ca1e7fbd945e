"""Fixed-point quantization aware training: Q-formats, folding, equalization, calibration, training's graph.

Knows nothing of audio. What a user needs is named here: `quant.fold`, `quant.calibrate`, `quant.fixed_point_model` and
so on. A name is looked up when it is first used, so that `import quant` imports no TensorFlow.
"""

import importlib
import logging
import os
from typing import TYPE_CHECKING, Any

# tfmot has no Keras 3 support: this must be set before TensorFlow is imported.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# TensorFlow's start-up remarks (no GPU, duplicate registrations) are not for users; its failures are exceptions.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
logging.getLogger("tensorflow").setLevel(logging.ERROR)

if TYPE_CHECKING:
    from quant.folding.equalization import equalize
    from quant.folding.float_graph import float_model
    from quant.folding.fold_error import FoldError
    from quant.folding.keras_chain import fold
    from quant.folding.keras_file import KerasFileError
    from quant.folding.layers import FoldedLayer, PoolingLayer, WeightedLayer
    from quant.formats.calibration import calibrate
    from quant.formats.least_error import input_format
    from quant.formats.network_formats import Formats, LayerFormats, Network
    from quant.method import Method
    from quant.qformat import QFormat, activation_format, dequantize, quantize, weight_format
    from quant.training.fixed_point_graph import fixed_point_model
    from quant.training.model_file import load_model, save_model
    from quant.training.post_training import post_training_model
    from quant.training.squashing import squash, unsquash
    from quant.training.trained_network import folded_layers, layer_outputs

# The module of every public name. No module is called as a name is: importing it would put it in the name's place.
_MODULES = {
    "FoldError": "quant.folding.fold_error",
    "FoldedLayer": "quant.folding.layers",
    "Formats": "quant.formats.network_formats",
    "KerasFileError": "quant.folding.keras_file",
    "LayerFormats": "quant.formats.network_formats",
    "Method": "quant.method",
    "Network": "quant.formats.network_formats",
    "PoolingLayer": "quant.folding.layers",
    "QFormat": "quant.qformat",
    "WeightedLayer": "quant.folding.layers",
    "activation_format": "quant.qformat",
    "calibrate": "quant.formats.calibration",
    "dequantize": "quant.qformat",
    "equalize": "quant.folding.equalization",
    "fixed_point_model": "quant.training.fixed_point_graph",
    "float_model": "quant.folding.float_graph",
    "fold": "quant.folding.keras_chain",
    "folded_layers": "quant.training.trained_network",
    "input_format": "quant.formats.least_error",
    "layer_outputs": "quant.training.trained_network",
    "load_model": "quant.training.model_file",
    "post_training_model": "quant.training.post_training",
    "quantize": "quant.qformat",
    "save_model": "quant.training.model_file",
    "squash": "quant.training.squashing",
    "unsquash": "quant.training.squashing",
    "weight_format": "quant.qformat",
}

__all__ = [
    "FoldError",
    "FoldedLayer",
    "Formats",
    "KerasFileError",
    "LayerFormats",
    "Method",
    "Network",
    "PoolingLayer",
    "QFormat",
    "WeightedLayer",
    "activation_format",
    "calibrate",
    "dequantize",
    "equalize",
    "fixed_point_model",
    "float_model",
    "fold",
    "folded_layers",
    "input_format",
    "layer_outputs",
    "load_model",
    "post_training_model",
    "quantize",
    "save_model",
    "squash",
    "unsquash",
    "weight_format",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'quant' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
