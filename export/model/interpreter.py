"""The exact NumPy interpreter of an integer model: what every other implementation must equal, code by code.

`accumulate` and `run_layer` are the definition. `run` takes `export.model.float_interpreter`'s way to the same codes.
"""

from collections.abc import Iterator

import numpy as np

from export.model import accumulator, float_interpreter
from export.model.float_interpreter import Steps
from export.model.integer_model import CONV2D, DENSE, IntegerModel, Layer
from quant.qformat import requantize_double, requantize_single

ROUNDINGS = {"single": requantize_single, "double": requantize_double}
_BATCH = 64


def accumulate(layer: Layer, codes: np.ndarray) -> np.ndarray:
    """The accumulators of one layer, int64 [n, height, width, channels], for input codes int8 [n, h, w, c].

    Products are summed in float64, which is exact: no sum reaches 2**53.
    """
    x = codes.astype(np.float64)
    if layer.op == DENSE:
        sums = x @ layer.kernel.astype(np.float64)
    else:
        x = np.pad(x, ((0, 0), *layer.padding, (0, 0)))
        kh, kw = layer.kernel_size
        height, width, channels = layer.output_shape
        vertical, horizontal = layer.stride
        sums = np.zeros((len(x), height, width, channels))
        kernel = layer.kernel.astype(np.float64)
        for i in range(kh):
            for j in range(kw):
                rows = slice(i, i + vertical * (height - 1) + 1, vertical)
                columns = slice(j, j + horizontal * (width - 1) + 1, horizontal)
                window = x[:, rows, columns]
                sums += window @ kernel[i, j] if layer.op == CONV2D else window * kernel[i, j]
    return sums.astype(np.int64) + layer.bias


def run_layer(layer: Layer, codes: np.ndarray, rounding: str = "single") -> np.ndarray:
    """Output codes of one layer, int8 [n, height, width, channels].

    Raises:
      OverflowError: an accumulator left its declared width (a proof was skipped).
    """
    sums = accumulate(layer, codes)
    half = (1 << layer.shift) >> 1
    limit = 1 << (layer.accumulator_bits - 1)
    if sums.size and (sums.min() < -limit or sums.max() + half >= limit):
        raise OverflowError(f"layer {layer.name}: an accumulator left its declared {layer.accumulator_bits} bits")
    return ROUNDINGS[rounding](sums, layer.shift, layer.output_format)


def check_input(model: IntegerModel, codes: np.ndarray) -> None:
    """Raises `ValueError` unless `codes` are int8 [n, *model.input_shape]."""
    if codes.dtype != np.int8 or codes.shape[1:] != model.input_shape:
        raise ValueError(
            f"input {codes.dtype} {codes.shape}, expected int8 (n, {', '.join(map(str, model.input_shape))})"
        )


def run_layers(model: IntegerModel, codes: np.ndarray, rounding: str = "single") -> Iterator[tuple[Layer, np.ndarray]]:
    """Yields every layer with its output codes, int8 [n, h, w, c], in order of execution."""
    check_input(model, codes)
    for layer in model.layers:
        codes = run_layer(layer, codes, rounding)
        yield layer, codes


def run(
    model: IntegerModel, codes: np.ndarray, rounding: str = "single", steps: Steps = float_interpreter.NUMPY
) -> np.ndarray:
    """Logit codes int8 [n, labels] of input codes int8 [n, h, w, c]; rounding is 'single' or 'double'.

    Args:
      steps: NumPy's, or those of `export.host.float_steps`, several times as fast.

    Raises:
      OverflowError: as `run_layer`, layer by layer where a declared width is not proved.
    """
    check_input(model, codes)
    if codes.size and _keeps_widths(model, codes):
        return float_interpreter.run(model, codes, rounding, steps)
    logits = [np.zeros((0, len(model.labels)), np.int8)]
    for start in range(0, len(codes), _BATCH):
        batch = codes[start : start + _BATCH]
        for layer in model.layers:
            batch = run_layer(layer, batch, rounding)
        logits.append(batch.reshape(len(batch), -1))
    return np.concatenate(logits)


def _keeps_widths(model: IntegerModel, codes: np.ndarray) -> bool:
    """Whether every accumulator is proved to keep its declared width, for these codes too."""
    q = model.input_format
    proved = all(accumulator.required_bits(layer) <= layer.accumulator_bits for layer in model.layers)
    return proved and bool(codes.min() >= q.min_code and codes.max() <= q.max_code)
