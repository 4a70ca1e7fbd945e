"""The integer model: the artefact from which everything else is written.

A chain of layers on NHWC int8 tensors. For each layer, with w the weight codes, x the input codes:

    accumulator = sum(w * x) + bias            (int32, on the grid 2**-(f_w + f_x))
    y           = saturate((accumulator + 2**(shift - 1)) >> shift),   shift = f_w + f_x - f_y

ReLU is nothing but an output format whose codes start at 0. Tensors have no zero point and no other scale.
"""

import dataclasses
import hashlib
import json
import math
import pathlib

import msgspec
import numpy as np

from export.model import model_header
from export.model.model_error import ModelError
from kws_cli import array_file
from quant.folding.layers import pool_shift
from quant.qformat import QFormat, weight_format

CONV2D = "conv2d"
DEPTHWISE_CONV2D = "depthwise_conv2d"
AVERAGE_POOL = "average_pool"
DENSE = "dense"
OPS = (CONV2D, DEPTHWISE_CONV2D, AVERAGE_POOL, DENSE)

FORMAT_VERSION = 1
LONGEST_NAME = 100
"""Characters of a layer's or model's name, and of a label."""
MOST_CODES = 1 << 22
"""Codes of one tensor, or of a layer's weights: more than any memory here holds."""
MOST_STEPS = 1023
"""Positions of a stride, or of padding on one side."""
MOST_FRACTION_BITS = 64
"""Of a format, and no fewer than so many below 0."""

Size = tuple[int, int]
"""Rows and columns."""
Shape = tuple[int, int, int]
"""Height, width, channels."""
Padding = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right)) in positions."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer in fixed point.

    Attributes:
      name: unique in its model, a C identifier.
      op: one of `OPS`.
      input_shape, output_shape: (height, width, channels).
      kernel: int8 weight codes, C-contiguous: [kh, kw, in, out] for conv2d, [kh, kw, channels] for depthwise_conv2d
        (multiplier 1), [in, out] for dense. average_pool (over all positions) has the codes 1 as [kh, kw, channels]:
        a sum, with the power of two nearest above the number of positions in the shift (weight f = log2 of it).
      bias: int32 [out] on the accumulator grid, without the rounding half.
      stride: (vertical, horizontal).
      padding: ((top, bottom), (left, right)) in input positions; padded codes are 0.
      input_format, weight_format, output_format: Q-formats.
      accumulator_bits: declared width of the signed accumulator, proved by `export.model.accumulator`.
    """

    name: str
    op: str
    input_shape: Shape
    output_shape: Shape
    kernel: np.ndarray
    bias: np.ndarray
    stride: Size
    padding: Padding
    input_format: QFormat
    weight_format: QFormat
    output_format: QFormat
    accumulator_bits: int = 32

    @property
    def shift(self) -> int:
        """The right shift from the accumulator to the output codes, f_w + f_x - f_y."""
        return self.weight_format.fraction_bits + self.input_format.fraction_bits - self.output_format.fraction_bits

    @property
    def kernel_size(self) -> Size:
        if self.op == DENSE:
            return 1, 1
        height, width = self.kernel.shape[:2]
        return height, width

    @property
    def macs(self) -> int:
        """Multiply-accumulates per inference (padding counted as multiplied; pooling's sums are not MACs)."""
        height, width, channels = self.output_shape
        kh, kw = self.kernel_size
        depth = self.input_shape[2] if self.op in (CONV2D, DENSE) else 1
        return 0 if self.op == AVERAGE_POOL else height * width * channels * kh * kw * depth

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights (packed to their width) and biases; none for pooling."""
        if self.op == AVERAGE_POOL:
            return 0
        return math.ceil(self.kernel.size * self.weight_format.bits / 8) + 4 * self.bias.size


@dataclasses.dataclass(frozen=True)
class IntegerModel:
    """A validated chain of layers; raises `ValueError` that names the first layer that does not fit.

    Attributes:
      name: a C identifier.
      labels: one per logit.
      layers: in order of execution; the last one's output is [1, 1, len(labels)].
    """

    name: str
    labels: tuple[str, ...]
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("an integer model needs at least one layer")
        for label in self.labels:
            if not 1 <= len(label) <= LONGEST_NAME or not label.isprintable():
                raise ValueError(f"label {label!r}: expected 1 to {LONGEST_NAME} printable characters")
        names = [layer.name for layer in self.layers]
        for name in [self.name, *names]:
            if not name.isidentifier() or not name.isascii() or len(name) > LONGEST_NAME:
                raise ValueError(f"name {name!r} is not a C identifier of at most {LONGEST_NAME} characters")
        if len(set(names)) != len(names):
            raise ValueError(f"layer names are not unique: {names}")
        for layer in self.layers:
            _validate(layer)
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.output_shape != after.input_shape or before.output_format != after.input_format:
                raise ValueError(
                    f"layer {after.name} takes {after.input_shape} {after.input_format}, but {before.name} gives "
                    f"{before.output_shape} {before.output_format}"
                )
        if self.layers[-1].output_shape != (1, 1, len(self.labels)):
            raise ValueError(f"{len(self.labels)} labels, but the last layer gives {self.layers[-1].output_shape}")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.layers[0].input_shape

    @property
    def input_format(self) -> QFormat:
        return self.layers[0].input_format

    @property
    def output_format(self) -> QFormat:
        return self.layers[-1].output_format

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def one_shift(self) -> int | None:
        """The shift that all layers have, pooling's among them; None where they differ."""
        shifts = {layer.shift for layer in self.layers}
        return shifts.pop() if len(shifts) == 1 else None

    @property
    def sha256(self) -> str:
        """Hash of the header and of every code: two models are equal when their hashes are."""
        digest = hashlib.sha256(_header(self).encode())
        for layer in self.layers:
            digest.update(np.ascontiguousarray(layer.kernel, np.int8).tobytes())
            digest.update(np.ascontiguousarray(layer.bias, "<i4").tobytes())
        return digest.hexdigest()


def prove_one_shift(model: IntegerModel) -> int:
    """The shift that all layers have. Raises `ValueError`, with every layer's, where they differ."""
    if model.one_shift is None:
        shifts = ", ".join(f"{layer.name} {layer.shift}" for layer in model.layers)
        raise ValueError(f"layers have different shifts, expected one for all: {shifts}")
    return model.one_shift


def same_padding(size: Size, kernel: Size, stride: Size) -> Padding:
    """TensorFlow's SAME padding as ((top, bottom), (left, right)): the odd one goes below and right."""

    def pads(length: int, k: int, s: int) -> tuple[int, int]:
        total = max((math.ceil(length / s) - 1) * s + k - length, 0)
        return total // 2, total - total // 2

    vertical, horizontal = map(pads, size, kernel, stride)
    return vertical, horizontal


def output_size(size: Size, window: Size, stride: Size, padding: Padding) -> Size:
    """Positions of a window on `size` padded positions, in each direction."""
    directions = zip(size, window, stride, padding, strict=True)
    rows, columns = ((length + sum(pads) - k) // step + 1 for length, k, step, pads in directions)
    return rows, columns


def average_pool(name: str, input_shape: Shape, q: QFormat, output_format: QFormat | None = None) -> Layer:
    """Pooling over all positions as a sum and a shift by the power of two at or above their number.

    The result is the mean times positions / 2**shift; the next layer's weights carry the inverse ratio.

    Args:
      q: the input's format.
      output_format: None for the input's.
    """
    height, width, channels = input_shape
    shift = pool_shift(height * width)
    return Layer(
        name,
        AVERAGE_POOL,
        input_shape,
        (1, 1, channels),
        np.ones((height, width, channels), np.int8),
        np.zeros(channels, np.int32),
        (1, 1),
        ((0, 0), (0, 0)),
        q,
        weight_format(2, shift),
        output_format or q,
    )


def _validate(layer: Layer) -> None:
    def check(condition: bool, message: str) -> None:
        if not condition:
            raise ValueError(f"layer {layer.name} ({layer.op}): {message}")

    for shape in (layer.input_shape, layer.output_shape):
        held = all(length >= 1 for length in shape) and math.prod(shape) <= MOST_CODES
        check(held, f"shape {shape}, expected lengths of 1 or more and at most {MOST_CODES} codes")
    check(all(1 <= step <= MOST_STEPS for step in layer.stride), f"stride {layer.stride}, expected 1 to {MOST_STEPS}")
    inside = all(0 <= pad <= MOST_STEPS for pads in layer.padding for pad in pads)
    check(inside, f"padding {layer.padding}, expected 0 to {MOST_STEPS}")
    for q in (layer.input_format, layer.weight_format, layer.output_format):
        check(abs(q.fraction_bits) <= MOST_FRACTION_BITS, f"{q}: expected at most {MOST_FRACTION_BITS} fraction bits")
    check(layer.op in OPS, f"unknown op, expected one of {OPS}")
    check(layer.kernel.dtype == np.int8, f"kernel dtype {layer.kernel.dtype}, expected int8")
    check(layer.bias.dtype == np.int32, f"bias dtype {layer.bias.dtype}, expected int32")
    check(layer.shift >= 0, f"shift {layer.shift} is negative: lower the output's fraction bits")
    check(layer.shift <= 30, f"shift {layer.shift} is above 30")
    check(8 <= layer.accumulator_bits <= 32, f"accumulator_bits={layer.accumulator_bits}, expected 8 to 32")
    check(layer.weight_format.symmetric, "weights need a symmetric format")
    height, width, channels = layer.input_shape
    axes = {CONV2D: 4, DEPTHWISE_CONV2D: 3, AVERAGE_POOL: 3, DENSE: 2}[layer.op]
    whole = layer.kernel.ndim == axes and 0 < layer.kernel.size <= MOST_CODES
    check(
        whole, f"kernel shape {layer.kernel.shape}, expected {axes} lengths of 1 or more and at most {MOST_CODES} codes"
    )
    peak = int(np.abs(layer.kernel.astype(np.int32)).max())
    check(peak <= layer.weight_format.max_code, f"weight code {peak} does not fit {layer.weight_format}")
    expected = {
        CONV2D: (*layer.kernel.shape[:2], channels, layer.output_shape[2]),
        DEPTHWISE_CONV2D: (*layer.kernel.shape[:2], channels),
        AVERAGE_POOL: (height, width, channels),
        DENSE: (channels, layer.output_shape[2]),
    }[layer.op]
    check(layer.kernel.shape == expected, f"kernel shape {layer.kernel.shape}, expected {expected}")
    check(layer.bias.shape == (layer.output_shape[2],), f"bias shape {layer.bias.shape}, outputs {layer.output_shape}")
    if layer.op == AVERAGE_POOL:
        check(bool(np.all(layer.kernel == 1)) and not layer.bias.any(), "pooling has codes 1 and no bias")
    if layer.op in (DENSE, AVERAGE_POOL):
        check(layer.stride == (1, 1) and layer.padding == ((0, 0), (0, 0)), "no stride and no padding expected")
    if layer.op == DENSE:
        check((height, width) == (1, 1), f"dense takes a 1x1 input, not {height}x{width}")
    out = (*output_size((height, width), layer.kernel_size, layer.stride, layer.padding), layer.output_shape[2])
    check(out == layer.output_shape, f"output shape {layer.output_shape}, expected {out}")


def _header(model: IntegerModel) -> str:
    layers = []
    for layer in model.layers:
        fields = {f.name: getattr(layer, f.name) for f in dataclasses.fields(Layer)}
        del fields["kernel"], fields["bias"]
        for key in ("input_format", "weight_format", "output_format"):
            fields[key] = dataclasses.asdict(fields[key])
        layers.append(fields)
    header = {"format_version": FORMAT_VERSION, "name": model.name, "labels": model.labels, "layers": layers}
    return json.dumps(header, sort_keys=True)


def save(model: IntegerModel, path: str | pathlib.Path) -> None:
    """Writes an .npz of plain arrays: the JSON header as bytes, kernel and bias of each layer."""
    arrays = {"header": np.frombuffer(_header(model).encode(), np.uint8)}
    for layer in model.layers:
        arrays[f"{layer.name}.kernel"] = layer.kernel
        arrays[f"{layer.name}.bias"] = layer.bias
    array_file.write(path, arrays)


def load(path: str | pathlib.Path) -> IntegerModel:
    """Reads what `save` wrote. Raises `ModelError` for a missing, truncated or inconsistent file."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise ModelError(f"{path} is missing: write the bundle again with python -m export.convert")
    try:
        arrays = array_file.read(path)
        header = model_header.parse(arrays["header"].tobytes())
        if header.format_version != FORMAT_VERSION:
            raise ValueError(f"format version {header.format_version}, this program reads {FORMAT_VERSION}")
        layers = tuple(_layer(layer, arrays) for layer in header.layers)
        return IntegerModel(header.name, header.labels, layers)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{path} is not a whole integer model ({error}): write the bundle again with python -m export.convert"
        ) from error


def _layer(header: model_header.LayerHeader, arrays: dict[str, np.ndarray]) -> Layer:
    fields = msgspec.structs.asdict(header)
    for name, value in fields.items():
        if isinstance(value, model_header.Format):
            fields[name] = QFormat(**msgspec.structs.asdict(value))
    return Layer(kernel=arrays[f"{header.name}.kernel"], bias=arrays[f"{header.name}.bias"], **fields)
