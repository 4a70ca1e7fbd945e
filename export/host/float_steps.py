"""The interpreter's steps by C (`float_steps.c`) where there is a compiler: NumPy's codes, several times as fast."""

import functools
import pathlib

import numpy as np

from export.host.library import INTEGER, POINTER, HostLibrary, LibraryDefinition
from export.host.stand_in import stand_in
from export.model import float_interpreter, random_model
from export.model.float_interpreter import NUMPY, FloatLayer, Steps
from export.model.interpreter import ROUNDINGS
from export.model.probes import probes
from microcontroller.c_sources import CSources

_FOLDER = pathlib.Path(__file__).parent
# LANES of the C.
_LANES = 32
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
        self._call("channels", geometry, _codes(float_layer), float_layer.taps, float_layer.bias, x, y)

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
    return y.dtype == np.float32 and y.shape[-1] % _LANES == 0


@functools.cache
def steps() -> Steps:
    """By C, or by NumPy where there is no compiler, which a line on stderr says."""
    library = stand_in("the interpreter", functools.partial(CFloatSteps.build, _FOLDER), _is_equal)
    return NUMPY if library is None else Steps(library.channels, library.finish)


def _is_equal(library: CFloatSteps) -> bool:
    """Whether both give the same codes, extreme ones among them, of a model with strides, padding and every layer."""
    model = random_model.ds_cnn(
        0, input_shape=(11, 7, 2), channels=5, blocks=2, first_kernel=(4, 3), first_stride=(2, 2)
    )
    codes = np.concatenate([probes(0, model, _LANES), random_model.codes(0, model, _LANES)])
    by_c = Steps(library.channels, library.finish)
    logits = [
        [float_interpreter.run(model, codes, rounding, steps) for rounding in ROUNDINGS] for steps in (NUMPY, by_c)
    ]
    return np.array_equal(logits[0], logits[1])
