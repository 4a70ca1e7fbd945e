"""What a Keras file would build, looked at before any of it is built.

Keras builds whatever a file's description names: a Lambda layer's code, a function or class of any module of Python,
layers that read files; and it unpickles arrays. Here the classes that may stand in a description are listed, and the
rest is refused, so that reading a file runs nothing that it brings.
"""

import io
import json
import pathlib
import zipfile
from collections.abc import Iterator
from typing import Any

import h5py

# Layers that hold code or operations of TensorFlow by name, and Keras' mark of a function that is stored as code.
_CODE = {"Lambda", "__lambda__", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"}
_CODE |= {"ClassMethod", "InstanceMethod", "InstanceProperty"}

# What is built: no class of these runs code that a description gives it, or opens a file.
_MODELS = "Functional Model Sequential"
_LAYERS = """
    Activation ActivityRegularization Add AlphaDropout Average AveragePooling1D AveragePooling2D
    BatchNormalization Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Cropping1D Cropping2D Dense
    DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU Flatten GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D GroupNormalization GRU GRUCell Identity
    InputLayer LayerNormalization LeakyReLU LSTM LSTMCell Masking MaxPooling1D MaxPooling2D Maximum Minimum
    Multiply Normalization PReLU Permute ReLU RepeatVector Rescaling Reshape SeparableConv1D SeparableConv2D
    Softmax SpatialDropout1D SpatialDropout2D Subtract ThresholdedReLU UnitNormalization UpSampling1D
    UpSampling2D ZeroPadding1D ZeroPadding2D
"""
_PARTS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform Ones Orthogonal RandomNormal
    RandomUniform TruncatedNormal VarianceScaling Zeros L1 L1L2 L2 OrthogonalRegularizer MaxNorm MinMaxNorm
    NonNeg UnitNorm Policy TensorShape __tuple__
"""
_OF_FIXED_POINT = """
    QuantizeWrapperV2 OutputConfig WeightedConfig FixedPointQuantizer BiasQuantizer KernelQuantizer
    LearnedQuantizer FollowingQuantizer KernelRegularizer CodeSumConstraint SumShiftPool2D
"""
_CLASSES = set(f"{_MODELS} {_LAYERS} {_PARTS} {_OF_FIXED_POINT}".split())
_FUNCTION = "function"
_FUNCTIONS = {"elu", "exponential", "gelu", "hard_sigmoid", "linear", "mish", "relu", "selu", "sigmoid", "softmax"}
_FUNCTIONS |= {"softplus", "softsign", "swish", "tanh"}
_PACKAGES = ("keras", "quant", "tensorflow_model_optimization", "tf_keras")
_MODULES = ("builtins", *_PACKAGES)

_SAVE_IT = "expected a file that model.save of Keras 2 wrote, .h5 or .keras"
_ZIPPED = ("metadata.json", "config.json", "model.weights.h5")
_SMALL = 1 << 28
_DENSEST = 4
"""A file may declare 256 MB of arrays, or so many times its own size: Keras does not compress them."""


class KerasFileError(ValueError):
    """A file that is no Keras model, or none that is read here; the message is one line that says what is wrong."""

    user_can_mend = True


def check(path: str | pathlib.Path) -> None:
    """Refuses a file from which Keras would run code, read another file, or fill memory.

    Raises:
      OSError: there is no such file, or it can't be read.
      KerasFileError: no Keras 2 model; a layer, which is named, of code, or of a class or module that is not built;
        arrays that lie in another file, are pickled, or are larger than the file explains.
    """
    path = pathlib.Path(path)
    path.open("rb").close()  # for the system's own error
    version, config = _described(path)
    if version and not version.startswith("2."):
        raise KerasFileError(f"{path} was saved by Keras {version}, {_SAVE_IT} (TF_USE_LEGACY_KERAS=1)")
    for layer, part in _objects(config):
        _check_object(f"{path}: layer {layer}", part)


def _check_object(named: str, part: dict[str, Any]) -> None:
    kind, module = part.get("class_name"), part.get("module")
    if not isinstance(kind, str | None):
        raise KerasFileError(f"{named} has class {kind!r}, expected a name")
    if kind in _CODE:
        raise KerasFileError(f"{named} is a {kind}, whose code is not run: replace it")
    if module is not None and (not isinstance(module, str) or module.split(".")[0] not in _MODULES):
        raise KerasFileError(f"{named} needs module {module}, expected Keras' own layers: replace it")
    if kind is None:
        return
    if kind == _FUNCTION:
        if (name := part.get("config")) not in [*_FUNCTIONS]:
            raise KerasFileError(f"{named} needs function {name!r}, expected one of Keras' activations: replace it")
    elif kind not in _CLASSES:
        raise KerasFileError(f"{named} needs class {kind!r}, which is not built from a file: replace it")
    expected = part.get("config") if kind == _FUNCTION else kind
    registered = part.get("registered_name")
    if registered is not None and str(registered).split(">")[-1] != expected:
        raise KerasFileError(f"{named} registers {expected!r} as {registered!r}, expected one name")


def _described(path: pathlib.Path) -> tuple[str, Any]:
    """Keras' version, empty where it is not said, and the description of the model.

    Raises:
      KerasFileError: no such description.
    """
    try:
        # As Keras chooses: of a file that is both, it reads the zip only by the name's end.
        if path.suffix == ".keras" and zipfile.is_zipfile(path):
            return _of_zip(path)
        if h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                return _of_hdf5(path, file, path.stat().st_size)
    except KerasFileError:
        raise
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RecursionError, RuntimeError) as error:
        raise KerasFileError(f"{path} holds no Keras model ({error}): {_SAVE_IT}") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise KerasFileError(f"{path} holds no Keras model ({error}): {_SAVE_IT}") from error
    if zipfile.is_zipfile(path):
        raise KerasFileError(f"{path} is a zip file whose name does not end in .keras: {_SAVE_IT}")
    raise KerasFileError(f"{path} is neither HDF5 nor a zip file: {_SAVE_IT}")


def _of_zip(path: pathlib.Path) -> tuple[str, Any]:
    size = path.stat().st_size
    with zipfile.ZipFile(path) as file:
        for name in file.namelist():
            if name not in _ZIPPED:  # among them arrays that Keras would unpickle
                raise KerasFileError(f"{path} holds {name}, which is not read: {_SAVE_IT}")
        _check_size(path, sum(member.file_size for member in file.infolist()), size)
        metadata, config, weights = (file.read(name) for name in _ZIPPED)
    with h5py.File(io.BytesIO(weights), "r") as arrays:
        _check_arrays(path, arrays, size)
    return str(json.loads(metadata).get("keras_version", "")), json.loads(config)


def _of_hdf5(path: pathlib.Path, file: h5py.File, size: int) -> tuple[str, Any]:
    _check_arrays(path, file, size)
    return _text(file.attrs.get("keras_version", "")), json.loads(_text(file.attrs["model_config"]))


def _text(attribute: Any) -> str:
    return attribute.decode() if isinstance(attribute, bytes) else str(attribute)


def _check_arrays(path: pathlib.Path, file: h5py.File, size: int) -> None:
    """Raises `KerasFileError` for arrays of another file, or of more bytes than a file of this size explains."""
    declared = 0
    left: list[h5py.Group] = [file]
    seen = set()
    while left:
        group = left.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise KerasFileError(f"{path}: {name} is a link, expected arrays of the file itself")
            part = group[name]
            if part.id in seen:
                continue
            seen.add(part.id)
            if isinstance(part, h5py.Group):
                left.append(part)
            elif isinstance(part, h5py.Dataset):
                if part.external or part.is_virtual:
                    raise KerasFileError(f"{path}: {name} lies in another file, expected arrays of the file itself")
                declared += part.nbytes
    _check_size(path, declared, size)


def _check_size(path: pathlib.Path, declared: int, size: int) -> None:
    if declared > max(_SMALL, _DENSEST * size):
        raise KerasFileError(f"{path} of {size:,} bytes declares {declared:,}: it is damaged or not meant to be read")


def _objects(config: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that is described, at any depth, each with the name of the nearest layer around it.

    Not how the model was trained: it is not read.
    """
    whole = (
        {key: value for key, value in config.items() if key != "compile_config"} if isinstance(config, dict) else config
    )
    left = [("of the model", whole)]
    while left:
        layer, part = left.pop()
        if isinstance(part, dict):
            inner = part.get("config")
            layer = str(inner["name"]) if isinstance(inner, dict) and "name" in inner else layer
            yield layer, part
        parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        left += [(layer, inner) for inner in parts]
