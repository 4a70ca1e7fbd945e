"""Cases that are smaller than one by one change: fewer inputs, layers, channels, positions; zeros for codes."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from export.fuzzing.case import Case
from export.model import interpreter
from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, IntegerModel, Layer, average_pool, output_size

_ONE_BY_ONE = 12
"""Of at most so many things each is left out by itself; of more, halves."""


def of(case: Case) -> Iterator[Case]:
    """Smaller cases, those first that leave out most; changes that are not legal are left out."""
    for change in (_fewer_inputs, _fewer_layers, _fewer_channels, _fewer_positions, _smaller_windows, _plainer):
        # What fails may be the interpreter: a sum that leaves its declared width.
        with contextlib.suppress(OverflowError, ValueError):
            yield from change(case)


def _changed(case: Case, layers: Sequence[Layer], codes: np.ndarray | None = None) -> Iterator[Case]:
    """The case with these layers, whose shapes follow from the input's; nothing where they can't."""
    codes = case.codes if codes is None else codes
    height, width, channels = codes.shape[1:]
    try:
        laid = _laid((height, width, channels), layers)
        outputs = laid[-1].output_shape[2]
        labels = case.model.labels if outputs == len(case.model.labels) else tuple(f"label{i}" for i in range(outputs))
        model = IntegerModel(case.model.name, labels, laid)
    except ValueError:
        return
    yield dataclasses.replace(case, model=model, codes=np.ascontiguousarray(codes))


def _laid(shape: tuple[int, int, int], layers: Sequence[Layer]) -> tuple[Layer, ...]:
    laid: list[Layer] = []
    for layer in layers:
        if layer.op == AVERAGE_POOL:
            layer = dataclasses.replace(layer, kernel=np.ones(shape, np.int8), bias=np.zeros(shape[2], np.int32))
        outputs = layer.kernel.shape[-1]
        size = (1, 1) if layer.op == DENSE else output_size(shape[:2], layer.kernel_size, layer.stride, layer.padding)
        laid.append(dataclasses.replace(layer, input_shape=shape, output_shape=(*size, outputs)))
        shape = laid[-1].output_shape
    return tuple(laid)


def _parts(count: int) -> Iterator[list[int]]:
    """Smaller selections of `count` things: halves, then all but one."""
    every = list(range(count))
    if count > 2:
        yield every[: count // 2]
        yield every[count // 2 :]
    if 1 < count <= _ONE_BY_ONE:
        yield from (every[:i] + every[i + 1 :] for i in reversed(every))


def _fewer_inputs(case: Case) -> Iterator[Case]:
    if len(case.codes) > 2:
        for i in range(len(case.codes)):
            yield dataclasses.replace(case, codes=case.codes[i : i + 1])
    for kept in _parts(len(case.codes)):
        yield dataclasses.replace(case, codes=case.codes[kept])


def _fewer_layers(case: Case) -> Iterator[Case]:
    layers = case.model.layers
    codes = [case.codes, *(codes for _, codes in interpreter.run_layers(case.model, case.codes))]
    for first in range(len(layers) - 1, 0, -1):
        yield from _changed(case, layers[first:], codes[first])
    for last in range(1, len(layers)):
        end = layers[last - 1]
        pool = [] if end.output_shape[:2] == (1, 1) else [average_pool("pool", end.output_shape, end.output_format)]
        if last + len(pool) < len(layers):
            yield from _changed(case, [*layers[:last], *pool])


def _fewer_channels(case: Case) -> Iterator[Case]:
    layers = case.model.layers
    for kept in _parts(case.model.input_shape[2]):
        yield from _changed(case, _without_channels(layers, 0, kept), case.codes[..., kept])
    for i, layer in enumerate(layers):
        if layer.op not in (CONV2D, DENSE):
            continue
        for kept in _parts(layer.output_shape[2]):
            fewer = dataclasses.replace(layer, kernel=layer.kernel[..., kept], bias=layer.bias[kept])
            yield from _changed(case, [*layers[:i], fewer, *_without_channels(layers, i + 1, kept)[i + 1 :]])


def _without_channels(layers: Sequence[Layer], first: int, kept: list[int]) -> list[Layer]:
    """The layers from `first` on take only some of the channels, up to the one that sums over them."""
    found = list(layers)
    for i in range(first, len(layers)):
        layer = layers[i]
        if layer.op == CONV2D:
            found[i] = dataclasses.replace(layer, kernel=layer.kernel[:, :, kept])
            break
        if layer.op == DENSE:
            found[i] = dataclasses.replace(layer, kernel=layer.kernel[kept])
            break
        found[i] = dataclasses.replace(layer, kernel=layer.kernel[..., kept], bias=layer.bias[kept])
    return found


def _fewer_positions(case: Case) -> Iterator[Case]:
    height, width, _ = case.model.input_shape
    for rows in _parts(height):
        yield from _changed(case, case.model.layers, case.codes[:, rows])
    for columns in _parts(width):
        yield from _changed(case, case.model.layers, case.codes[:, :, columns])


def _smaller_windows(case: Case) -> Iterator[Case]:
    """The window of one layer; with it the rows or columns that another one does not see then."""
    layers = case.model.layers
    for i, layer in enumerate(layers):
        if layer.op in (DENSE, AVERAGE_POOL):
            continue
        for axis, length in enumerate(layer.kernel_size):
            for kept in _parts(length):
                smaller = dataclasses.replace(layer, kernel=np.take(layer.kernel, kept, axis))
                yield from _changed(case, [*layers[:i], smaller, *layers[i + 1 :]])
                if i == 0:
                    codes = np.delete(case.codes, np.s_[: length - len(kept)], axis + 1)
                    yield from _changed(case, [smaller, *layers[1:]], codes)


def _plainer(case: Case) -> Iterator[Case]:
    """Nothing is left out, but what is there says less: no padding, no stride, zeros."""
    layers = case.model.layers
    for i, layer in enumerate(layers):
        for plain in _plainer_layers(layer):
            yield from _changed(case, [*layers[:i], plain, *layers[i + 1 :]])
    plain_names = [dataclasses.replace(layer, name=f"layer{i}") for i, layer in enumerate(layers)]
    if [layer.name for layer in layers] != [layer.name for layer in plain_names]:
        yield from _changed(case, plain_names)
    for zeros in _zeroed(case.codes):
        q = case.model.input_format
        if q.min_code <= 0:
            yield from _changed(case, layers, zeros)


def _plainer_layers(layer: Layer) -> Iterator[Layer]:
    none = ((0, 0), (0, 0))
    if layer.padding != none:
        yield dataclasses.replace(layer, padding=none)
        (top, bottom), (left, right) = layer.padding
        for fewer in (((0, bottom), (left, right)), ((top, 0), (left, right)), ((top, bottom), (0, right))):
            if fewer != layer.padding:
                yield dataclasses.replace(layer, padding=fewer)
        if right:
            yield dataclasses.replace(layer, padding=((top, bottom), (left, 0)))
    if layer.stride != (1, 1):
        yield dataclasses.replace(layer, stride=(1, 1))
    if layer.accumulator_bits != 32:
        yield dataclasses.replace(layer, accumulator_bits=32)
    if layer.op == AVERAGE_POOL:
        return
    for bias in _zeroed(layer.bias):
        yield dataclasses.replace(layer, bias=bias)
    for kernel in _zeroed(layer.kernel):
        yield dataclasses.replace(layer, kernel=kernel)


def _zeroed(codes: np.ndarray) -> Iterator[np.ndarray]:
    """The array with zeros for all, or for half, or for one of what is not zero yet."""
    places = np.flatnonzero(codes)
    if not len(places):
        return
    for kept in ([], *_parts(len(places))):
        zeros = np.zeros_like(codes)
        zeros.flat[places[kept]] = codes.flat[places[kept]]
        yield zeros
