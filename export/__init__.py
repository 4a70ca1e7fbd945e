"""The integer model and what is written from it: .tflite, C, bundles, and the proof that they agree.

Knows nothing of training. What a user needs is named here: `export.lower`, `export.interpret`, `export.write_c`,
`export.write_tflite`, `export.verify` and so on (docs/your_own_model.md). A name is looked up when it is first used,
so that `import export` imports no TensorFlow.
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

import quant  # noqa: F401 (says which Keras TensorFlow shall take, before it is imported)

if TYPE_CHECKING:
    from export.bundle.bundle_error import BundleError
    from export.bundle.folder import Bundle
    from export.bundle.folder import load as load_bundle
    from export.bundle.keras_conversion import KerasSource, convert_keras
    from export.bundle.model_files import write_bundle, write_c, write_tflite
    from export.host.engine import CEngine
    from export.host.host_error import HostError
    from export.model.integer_model import IntegerModel, Layer
    from export.model.interpreter import run as interpret
    from export.model.lower import lower
    from export.model.model_error import ModelError
    from export.plan import PROFILES
    from export.proof.bundle_proof import VerifyConfig, verify_bundle
    from export.proof.model_proof import verify
    from export.proof.proof_error import ProofError
    from export.proof.verification import Verification
    from export.source.source_error import SourceError

# The module of every public name, and the name there where it is another.
_PLACES = {
    "Bundle": "export.bundle.folder",
    "BundleError": "export.bundle.bundle_error",
    "CEngine": "export.host.engine",
    "HostError": "export.host.host_error",
    "IntegerModel": "export.model.integer_model",
    "KerasSource": "export.bundle.keras_conversion",
    "Layer": "export.model.integer_model",
    "ModelError": "export.model.model_error",
    "PROFILES": "export.plan",
    "ProofError": "export.proof.proof_error",
    "SourceError": "export.source.source_error",
    "Verification": "export.proof.verification",
    "VerifyConfig": "export.proof.bundle_proof",
    "convert_keras": "export.bundle.keras_conversion",
    "interpret": "export.model.interpreter:run",
    "load_bundle": "export.bundle.folder:load",
    "lower": "export.model.lower",
    "verify": "export.proof.model_proof",
    "verify_bundle": "export.proof.bundle_proof",
    "write_bundle": "export.bundle.model_files",
    "write_c": "export.bundle.model_files",
    "write_tflite": "export.bundle.model_files",
}

__all__ = [
    "PROFILES",
    "Bundle",
    "BundleError",
    "CEngine",
    "HostError",
    "IntegerModel",
    "KerasSource",
    "Layer",
    "ModelError",
    "ProofError",
    "SourceError",
    "Verification",
    "VerifyConfig",
    "convert_keras",
    "interpret",
    "load_bundle",
    "lower",
    "verify",
    "verify_bundle",
    "write_bundle",
    "write_c",
    "write_tflite",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'export' has no attribute {name!r}")
    module, _, own_name = _PLACES[name].partition(":")
    value = globals()[name] = getattr(importlib.import_module(module), own_name or name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(types.ModuleType):
    """Keeps `export.verify` the function. The command `python -m export.verify` is a module of the same name.

    Python binds a submodule in its package when it imports it, which would put the module in the function's place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PLACES and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
