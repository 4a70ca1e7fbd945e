"""The interpreter's steps by C (`float_steps.c`) where there is a compiler: NumPy's codes, several times as fast."""

import functools
import math
import pathlib

import numpy as np

from export.host.library import INTEGER, POINTER, HostLibrary, LibraryDefinition
from export.host.stand_in import stand_in
from export.model import float_interpreter, random_model
from export.model.float_interpreter import LANES, NUMPY, FloatLayer, Steps
from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.model.interpreter import ROUNDINGS
from export.model.probes import probes
from microcontroller.c_sources import CSources
from quant.qformat import QFormat, weight_format

_FOLDER = pathlib.Path(__file__).parent
# A shift in the C: round down.
_DOWN = -1


class CFloatSteps(HostLibrary):
    """`float_interpreter.Steps` by C, for float32 and as many clips as it computes at once. NumPy has the others."""

    definition = LibraryDefinition(
        lambda: CSources((), (), (), _FOLDER),
        "float_steps.c",
        (),
        "kws_float_",
        {
            "channels": (None, *[POINTER] * 6),
            "finish": (None, POINTER, POINTER, INTEGER, INTEGER, POINTER),
        },
        remedy="report this with the compiler's version",
    )

    def channels(self, float_layer: FloatLayer, x: np.ndarray, y: np.ndarray) -> None:
        """As `Steps.channels`."""
        if not _is_for_c(y):
            NUMPY.channels(float_layer, x, y)
            return
        layer = float_layer.layer
        corner = [before for before, _ in layer.padding]
        geometry = np.array(
            [*x.shape[:3], *y.shape[1:3], *layer.kernel_size, *layer.stride, *corner, x.shape[3]], np.int32
        )
        self._call("channels", geometry, _codes(float_layer), float_layer.kernel, float_layer.bias, x, y)

    def finish(self, float_layer: FloatLayer, y: np.ndarray) -> None:
        """As `Steps.finish`."""
        if not _is_for_c(y):
            NUMPY.finish(float_layer, y)
            return
        self._call("finish", _codes(float_layer), float_layer.bias, len(y), y[0].size, y)


def _codes(float_layer: FloatLayer) -> np.ndarray:
    layer = float_layer.layer
    shift = layer.shift if float_layer.rounding == "double" and layer.shift else _DOWN
    return np.array([shift, layer.output_format.min_code, layer.output_format.max_code], np.int32)


def _is_for_c(y: np.ndarray) -> bool:
    return y.dtype == np.float32 and y.shape[-1] % LANES == 0


@functools.cache
def steps() -> Steps:
    """By C, or by NumPy where there is no compiler, which a line on stderr says."""
    library = stand_in("the interpreter", functools.partial(CFloatSteps.build, _FOLDER), _is_equal)
    return NUMPY if library is None else Steps(library.channels, library.finish)


def _is_equal(library: CFloatSteps) -> bool:
    """Whether both give the same codes, extreme ones among them: of a model, and of a depthwise layer of which no two
    sizes, strides or margins are the same."""
    by_c = Steps(library.channels, library.finish)
    model = random_model.ds_cnn(0, input_shape=(11, 7, 2), channels=5, blocks=2)
    codes = np.concatenate([probes(0, model, LANES), random_model.codes(0, model, LANES)])
    layer = _lopsided()
    x = np.random.default_rng(0).integers(-128, 128, (*layer.input_shape, LANES)).transpose(2, 0, 1, 3)
    found: list[list[np.ndarray]] = [[], []]
    for of, steps_ in zip(found, (NUMPY, by_c), strict=True):
        for rounding in ROUNDINGS:
            memory = np.empty(math.prod(layer.output_shape) * LANES)
            prepared = float_interpreter.float_layer(layer, rounding)
            of.append(float_interpreter.run(model, codes, rounding, steps_))
            of.append(float_interpreter.run_layer(prepared, x, memory, steps_))
    return all(map(np.array_equal, *found))


def _lopsided() -> Layer:
    rng = np.random.default_rng(1)
    kernel, bias = rng.integers(-127, 128, (3, 2, 4)).astype(np.int8), rng.integers(-999, 999, 4).astype(np.int32)
    geometry = (2, 1), ((2, 1), (0, 1)), QFormat(8, 0), weight_format(8, 8), QFormat(6, 0)
    return Layer("lopsided", DEPTHWISE_CONV2D, (9, 8, 4), (5, 8, 4), kernel, bias, *geometry)
