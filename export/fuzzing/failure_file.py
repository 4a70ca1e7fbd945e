"""A failure as JSON: the model and the inputs, nothing to unpack and nothing that runs."""

import pathlib
import re
from typing import Any

import msgspec
import numpy as np

from export.fuzzing.case import Case
from export.fuzzing.fuzz_error import FuzzError
from export.fuzzing.tally import Failure
from export.model.integer_model import IntegerModel, Layer
from export.model.model_header import LayerHeader
from kws_cli import atomic, json_file
from quant.qformat import QFormat


class _Layer(LayerHeader):
    kernel: Any
    bias: list[int]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    found: str
    check: str
    reason: str
    salt: int
    name: str
    labels: tuple[str, ...]
    layers: tuple[_Layer, ...]
    codes: Any


def write(folder: pathlib.Path, failure: Failure) -> pathlib.Path:
    """Writes a file named by what failed where. Raises `OSError`."""
    case = failure.case
    name = re.sub(r"\W+", "_", f"{case.name} {failure.check}").strip("_")
    path = folder / f"{name}.json"
    content = _File(
        case.name,
        failure.check,
        failure.reason,
        case.salt,
        case.model.name,
        case.model.labels,
        tuple(map(_layer, case.model.layers)),
        case.codes.tolist(),
    )
    atomic.write_text(path, msgspec.json.format(msgspec.json.encode(content), indent=1).decode() + "\n")
    return path


def read(path: str | pathlib.Path) -> Failure:
    """Reads what `write` wrote. Raises `FuzzError` for another file."""
    try:
        content: _File = json_file.read(path, _File)
        model = IntegerModel(content.name, content.labels, tuple(map(_layer_of, content.layers)))
        codes = _codes(content.codes, np.int8)
        if codes.ndim != 4 or codes.shape[1:] != model.input_shape or not len(codes):
            raise ValueError(f"codes {codes.shape}, expected (n, {', '.join(map(str, model.input_shape))})")
        q = model.input_format
        if codes.min() < q.min_code or codes.max() > q.max_code:
            raise ValueError(f"codes {codes.min()} .. {codes.max()}, {q} has {q.min_code} .. {q.max_code}")
    except OSError as error:
        raise FuzzError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise FuzzError(
            f"{path} is no failure that a fuzzing run wrote ({error}): give one of its .json files"
        ) from error
    return Failure(content.check, content.reason, Case(content.found, model, codes, abs(content.salt)))


def _layer(layer: Layer) -> _Layer:
    fields = {name: getattr(layer, name) for name in _Layer.__struct_fields__}
    for name in ("input_format", "weight_format", "output_format"):
        q = fields[name]
        fields[name] = dict(bits=q.bits, fraction_bits=q.fraction_bits, signed=q.signed, symmetric=q.symmetric)
    return msgspec.convert(fields | {"kernel": layer.kernel.tolist(), "bias": layer.bias.tolist()}, _Layer)


def _layer_of(layer: _Layer) -> Layer:
    fields = msgspec.structs.asdict(layer)
    for name in ("input_format", "weight_format", "output_format"):
        fields[name] = QFormat(**msgspec.structs.asdict(fields[name]))
    return Layer(**fields | {"kernel": _codes(layer.kernel, np.int8), "bias": _codes(layer.bias, np.int32)})


def _codes(values: Any, dtype: type) -> np.ndarray:
    """Nested lists of integers as an array. Raises `ValueError` for anything else, or for others than the type's."""
    array = np.array(values)
    if array.dtype != np.int64:
        raise ValueError(f"{array.dtype} where integers are expected")
    narrow: np.ndarray = array.astype(dtype)
    if (narrow != array).any():
        raise ValueError(f"integers that {np.dtype(dtype).name} does not hold")
    return narrow
