"""What a tree with TensorFlow Lite Micro needs of a bundle: the .tflite as C++, operators, arena, golden inputs."""

import contextlib
import os
from collections.abc import Iterator

import numpy as np

from export.bundle.folder import Bundle
from export.packaging.packaging_error import PackagingError

GOLDEN_INPUTS = 4
_ALIGNMENT = 16
_MOST_ARENA_BYTES = 1 << 24
_STDERR = 2
_PER_LINE = 24


def files(bundle: Bundle, tflite: bytes) -> dict[str, str]:
    """The generated C++ in the project's own names, name -> text."""
    return {
        "fxp_kws_model.h": _model_header(bundle, len(tflite), arena_bytes(tflite)),
        "fxp_kws_model.cc": _array("fxp_kws_model", "alignas(16) const unsigned char fxp_kws_model[]", tflite),
        "fxp_kws_ops.h": _ops_header(operators(tflite)),
        "fxp_kws_golden.h": _golden_header(bundle),
        "fxp_kws_golden.cc": _golden(bundle),
    }


def operators(tflite: bytes) -> list[str]:
    """The builtin operators of a .tflite, as its schema spells them, sorted."""
    from export.bundle import flatbuffer

    names = {value: name for name, value in vars(flatbuffer.schema.BuiltinOperator).items() if isinstance(value, int)}
    return sorted({names[code.builtinCode] for code in flatbuffer.read(tflite).operatorCodes})


def arena_bytes(tflite: bytes) -> int:
    """The smallest arena in which TensorFlow Lite Micro, on this machine, allocates the model's tensors.

    Raises:
      PackagingError: none is large enough.
    """
    enough, too_few = _MOST_ARENA_BYTES // _ALIGNMENT, 0
    with _quiet():
        if not _fits(tflite, enough * _ALIGNMENT):
            raise PackagingError(f"TensorFlow Lite Micro can't load the .tflite in {_MOST_ARENA_BYTES} bytes")
        while enough - too_few > 1:
            middle = (enough + too_few) // 2
            enough, too_few = (middle, too_few) if _fits(tflite, middle * _ALIGNMENT) else (enough, middle)
    return enough * _ALIGNMENT


def _fits(tflite: bytes, size: int) -> bool:
    from tflite_micro import runtime

    try:
        runtime.Interpreter.from_bytes(tflite, arena_size=size)
    except RuntimeError:
        return False
    return True


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """TensorFlow Lite Micro tells standard error of every arena that is too small."""
    kept = os.dup(_STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)


def _model_header(bundle: Bundle, size: int, arena: int) -> str:
    return f"""\
// The model as TensorFlow Lite Micro takes it: int8 input and output, labels in the order of the output.
#ifndef FXP_KWS_MODEL_H
#define FXP_KWS_MODEL_H

#define FXP_KWS_MODEL_SHA256 "{bundle.model.sha256}"
#define FXP_KWS_MODEL_BYTES {size}
#define FXP_KWS_LABELS {len(bundle.labels)}
// Measured on a 64-bit host with the reference kernels: pointers of 32 bits take less, optimized kernels may take more.
#define FXP_KWS_ARENA_BYTES {arena}

extern const unsigned char fxp_kws_model[FXP_KWS_MODEL_BYTES];

#endif
"""


def _ops_header(names: list[str]) -> str:
    adds = "".join(f"    status = status == kTfLiteOk ? resolver->{_ADD[name]}() : status;\n" for name in names)
    return f"""\
// The operators of the model: {", ".join(names)}.
#ifndef FXP_KWS_OPS_H
#define FXP_KWS_OPS_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using fxp_kws_resolver = tflite::MicroMutableOpResolver<{len(names)}>;

inline TfLiteStatus fxp_kws_add_ops(fxp_kws_resolver *resolver) {{
    TfLiteStatus status = kTfLiteOk;
{adds}    return status;
}}

#endif
"""


_ADD = {
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "FULLY_CONNECTED": "AddFullyConnected",
    "RESHAPE": "AddReshape",
}
"""The resolver's function for each operator that `export.bundle.tflite` writes."""


def _golden_inputs(bundle: Bundle) -> int:
    return min(GOLDEN_INPUTS, len(bundle.golden))


def _golden_header(bundle: Bundle) -> str:
    return f"""\
// Inputs and what has to come out, code by code (in TensorFlow Lite Micro's rounding).
#ifndef FXP_KWS_GOLDEN_H
#define FXP_KWS_GOLDEN_H

#include <stdint.h>

#include "fxp_kws_model.h"

#define FXP_KWS_GOLDEN_INPUTS {_golden_inputs(bundle)}
#define FXP_KWS_INPUT_BYTES {int(np.prod(bundle.model.input_shape))}

extern const int8_t fxp_kws_golden_inputs[FXP_KWS_GOLDEN_INPUTS * FXP_KWS_INPUT_BYTES];
extern const int8_t fxp_kws_golden_outputs[FXP_KWS_GOLDEN_INPUTS * FXP_KWS_LABELS];

#endif
"""


def _golden(bundle: Bundle) -> str:
    count = _golden_inputs(bundle)
    inputs, outputs = bundle.golden.features[:count], bundle.golden.logits_double[:count]
    head = "const int8_t fxp_kws_golden_"
    return (
        '#include "fxp_kws_golden.h"\n\n'
        + f"{head}inputs[FXP_KWS_GOLDEN_INPUTS * FXP_KWS_INPUT_BYTES] = {{\n{_rows(inputs)}\n}};\n\n"
        + f"{head}outputs[FXP_KWS_GOLDEN_INPUTS * FXP_KWS_LABELS] = {{\n{_rows(outputs)}\n}};\n"
    )


def _array(header: str, declaration: str, data: bytes) -> str:
    return f'#include "{header}.h"\n\n{declaration} = {{\n{_rows(np.frombuffer(data, np.uint8))}\n}};\n'


def _rows(values: np.ndarray) -> str:
    cells = values.ravel().tolist()
    rows = (cells[i : i + _PER_LINE] for i in range(0, len(cells), _PER_LINE))
    return "\n".join("    " + " ".join(f"{value}," for value in row) for row in rows)
