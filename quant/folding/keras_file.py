"""What a Keras file would build, looked at before any of it is built.

Keras builds layers from the file's description of them. A Lambda layer's is code, which runs when the layer is built or
called, and a description may name any module of Python to take a function from: files are looked through for both, so
that reading one runs nothing that it brings.
"""

import json
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import h5py

# Layers that hold code or operations of TensorFlow by name, and Keras' mark of a function that is stored as code.
_CODE = {"Lambda", "__lambda__", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"}
_CODE |= {"ClassMethod", "InstanceMethod", "InstanceProperty"}
_PACKAGES = ("keras", "quant", "tensorflow_model_optimization", "tf_keras")
_SAVE_IT = "expected a file that model.save of Keras 2 wrote, .h5 or .keras"


class KerasFileError(ValueError):
    """A file that is no Keras model, or none that is read here; the message is one line that says what is wrong."""

    user_can_mend = True


def check(path: str | pathlib.Path) -> None:
    """Refuses a file from which Keras would run code.

    Raises:
      OSError: there is no such file, or it can't be read.
      KerasFileError: no Keras 2 model; a layer, which is named, of code or of another package's module.
    """
    path = pathlib.Path(path)
    path.open("rb").close()  # for the system's own error
    version, config = _described(path)
    if version and not version.startswith("2."):
        raise KerasFileError(f"{path} was saved by Keras {version}, {_SAVE_IT} (TF_USE_LEGACY_KERAS=1)")
    for layer, part in _objects(config):
        if part.get("class_name") in _CODE:
            raise KerasFileError(f"{path}: layer {layer} is a {part['class_name']}, whose code is not run: replace it")
        module = part.get("module")
        if isinstance(module, str) and module.split(".")[0] not in _PACKAGES:
            raise KerasFileError(f"{path}: layer {layer} needs module {module}, expected Keras' own layers: replace it")


def _described(path: pathlib.Path) -> tuple[str, Any]:
    """Keras' version, empty where it is not said, and the description of the model.

    Raises:
      KerasFileError: no such description.
    """
    try:
        if zipfile.is_zipfile(path):
            return _of_zip(path)
        if h5py.is_hdf5(path):
            return _of_hdf5(path)
    except (OSError, KeyError, ValueError, RecursionError, RuntimeError, zipfile.BadZipFile) as error:
        raise KerasFileError(f"{path} holds no Keras model ({error}): {_SAVE_IT}") from error
    raise KerasFileError(f"{path} is neither HDF5 nor a zip file: {_SAVE_IT}")


def _of_zip(path: pathlib.Path) -> tuple[str, Any]:
    with zipfile.ZipFile(path) as file:
        metadata = json.loads(file.read("metadata.json"))
        return str(metadata.get("keras_version", "")), json.loads(file.read("config.json"))


def _of_hdf5(path: pathlib.Path) -> tuple[str, Any]:
    with h5py.File(path, "r") as file:
        config = file.attrs["model_config"]
        return _text(file.attrs.get("keras_version", "")), json.loads(_text(config))


def _text(attribute: Any) -> str:
    return attribute.decode() if isinstance(attribute, bytes) else str(attribute)


def _objects(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that is described, at any depth, each with the name of the nearest layer around it."""
    left = [("of the model", config)]
    while left:
        layer, part = left.pop()
        if isinstance(part, dict):
            inner = part.get("config")
            layer = str(inner["name"]) if isinstance(inner, dict) and "name" in inner else layer
            yield layer, part
        parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        left += [(layer, inner) for inner in parts]
