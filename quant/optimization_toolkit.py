"""tfmot, TensorFlow's model optimization toolkit, imported without Keras 3.

tfmot has no support for Keras 3, but looks for its layers' base class in there when it is imported, in vain. With
matplotlib, which Keras 3 imports, that is a fifth of what starting a training takes.
"""

import importlib
import sys
from typing import Any

import tensorflow  # noqa: F401  # first: it may import what it likes


def _imported(name: str) -> Any:
    """A module of tfmot, while importing Keras 3 is an ImportError."""
    if "keras" in sys.modules:
        return importlib.import_module(name)
    sys.modules["keras"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module(name)
    finally:
        del sys.modules["keras"]


tfmot = _imported("tensorflow_model_optimization")
quantize_registry = _imported(f"{tfmot.__name__}.python.core.quantization.keras.quantize_registry")
quantize_wrapper = _imported(f"{tfmot.__name__}.python.core.quantization.keras.quantize_wrapper")
