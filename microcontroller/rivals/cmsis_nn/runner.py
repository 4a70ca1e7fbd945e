"""Writes C that runs an integer model with CMSIS-NN, in place of the C that `export.source.model_source` writes.

The functions are those that TensorFlow Lite Micro calls for the bundle's .tflite. All zero points are 0, the
multiplier is 2**30 and the shift 1 - k, so that results equal the interpreter with double rounding. Weights of
fewer than 8 bits are run as int8 codes, which is what CMSIS-NN does best; pooling over all positions is, as in the
.tflite, a depthwise convolution with codes 1.
"""

import dataclasses
import textwrap
from collections.abc import Iterable

import numpy as np

from export.model.integer_model import AVERAGE_POOL, CONV2D, DENSE, DEPTHWISE_CONV2D, IntegerModel, Layer
from export.plan import ALIGNMENT

_MULTIPLIER = 1 << 30
_DEPTHWISE = (DEPTHWISE_CONV2D, AVERAGE_POOL)


@dataclasses.dataclass(frozen=True)
class Place:
    """Bytes from the arena's start: a layer's output (None: the caller's) and its scratch buffer."""

    output: int | None
    scratch: int
    scratch_bytes: int


def scratch_bytes(layer: Layer) -> int:
    """Scratch memory of a layer, as CMSIS-NN's *_get_buffer_size functions give it for cores with DSP.

    A depthwise convolution gets an int16 copy of its window, and so does, for two outputs at a time, a convolution
    that is not 1x1.
    """
    window = layer.input_shape[2] * layer.kernel_size[0] * layer.kernel_size[1] * 2
    if layer.op in _DEPTHWISE:
        return window
    if layer.op == DENSE or (layer.kernel_size == (1, 1) and layer.padding == ((0, 0), (0, 0))):
        return 0
    return 2 * window


def place(model: IntegerModel) -> tuple[int, tuple[Place, ...]]:
    """The arena's bytes and every layer's places: outputs at the two ends in turns, scratch between them."""
    outputs = [_aligned(int(np.prod(layer.output_shape))) for layer in model.layers[:-1]] + [0]
    inputs = [0, *outputs[:-1]]
    scratch = [_aligned(scratch_bytes(layer)) for layer in model.layers]
    arena = max(ALIGNMENT, *(sum(sizes) for sizes in zip(inputs, scratch, outputs, strict=True)))
    places = []
    for i, layer in enumerate(model.layers):
        at_start = i % 2 == 0
        output = 0 if at_start else arena - outputs[i]
        below = outputs[i] if at_start else inputs[i]
        places.append(Place(None if i == len(model.layers) - 1 else output, below, scratch_bytes(layer)))
    return arena, tuple(places)


def generate(model: IntegerModel) -> dict[str, str]:
    """fxp_model.h and fxp_model.c, to be compiled in place of `export.source.model_source`'s.

    Raises:
      ValueError: a layer that CMSIS-NN can't run.
    """
    for layer in model.layers:
        (top, bottom), (left, right) = layer.padding
        if layer.op == CONV2D and layer.kernel_size == (1, 1) and (top, left) == (0, 0) and (bottom or right):
            raise ValueError(f"layer {layer.name}: CMSIS-NN takes a 1x1 convolution without padding only")
    arena, places = place(model)
    return {"fxp_model.h": _header(model, arena), "fxp_model.c": _source(model, places)}


def _header(model: IntegerModel, arena: int) -> str:
    return f"""\
/* Generated from an integer model, to be run by CMSIS-NN. */
#ifndef FXP_MODEL_H
#define FXP_MODEL_H

#include "fxp_engine.h"

#include <stdalign.h>

#define FXP_MODEL_SHA256 "{model.sha256}"
#define FXP_MODEL_INPUT_BYTES {int(np.prod(model.input_shape))}
#define FXP_MODEL_OUTPUT_BYTES {len(model.labels)}
#define FXP_MODEL_LAYER_COUNT {len(model.layers)}
#define FXP_MODEL_ARENA_BYTES {arena}

extern const char *const fxp_model_labels[FXP_MODEL_OUTPUT_BYTES];

typedef struct {{
    alignas({ALIGNMENT}) int8_t bytes[FXP_MODEL_ARENA_BYTES];
}} fxp_model_arena;

void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context);

#endif
"""


def _source(model: IntegerModel, places: tuple[Place, ...]) -> str:
    channels = max(layer.output_shape[2] for layer in model.layers)
    shifts = sorted({layer.shift for layer in model.layers if layer.op != DENSE})
    constants = [_array("int32_t", "multipliers", [_MULTIPLIER] * channels)]
    constants += [_array("int32_t", f"shifts_{k}", [1 - k] * channels) for k in shifts]
    labels = "".join(f"    {_string(label)},\n" for label in model.labels)
    calls, source = [], "input"
    for i, (layer, at) in enumerate(zip(model.layers, places, strict=True)):
        target = "output" if at.output is None else f"bytes + {at.output}"
        size = int(np.prod(layer.output_shape))
        calls.append(_call(layer, at, source, target))
        calls.append(f"    if (observer != NULL) {{\n        observer(context, {i}, {target}, {size});\n    }}\n")
        source = target
    return f"""\
/* Generated from an integer model, to be run by CMSIS-NN. */
#include "fxp_model.h"

#if !defined(__arm__) /* CMSIS-NN's own switch for plain C, and the one word that it leaves undefined then */
#define __GNUC_PYTHON__
#define __RESTRICT __restrict
#endif
#include "arm_nnfunctions.h"

{"".join(constants)}
{"".join(_layer_constants(layer) for layer in model.layers)}
const char *const fxp_model_labels[FXP_MODEL_OUTPUT_BYTES] = {{
{labels}}};

void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context) {{
    int8_t *const bytes = arena;

{"".join(calls)}}}
"""


def _layer_constants(layer: Layer) -> str:
    name = layer.name
    window = f"{{.h = {layer.kernel_size[0]}, .w = {layer.kernel_size[1]}"
    depth = layer.input_shape[2]
    output = layer.output_format
    clamp = f".activation = {{.min = {output.min_code}, .max = {output.max_code}}}"
    text = _array("int8_t", f"{name}_weights", _weights(layer).tolist())
    text += _array("int32_t", f"{name}_bias", layer.bias.tolist())
    text += f"static const cmsis_nn_dims {name}_input = {_dims(layer.input_shape)};\n"
    text += f"static const cmsis_nn_dims {name}_output = {_dims(layer.output_shape)};\n"
    text += f"static const cmsis_nn_dims {name}_bias_size = {{.c = {layer.output_shape[2]}}};\n"
    if layer.op == DENSE:
        filter_dims = f"{{.n = {depth}, .h = 1, .w = 1, .c = {layer.output_shape[2]}}}"
        text += f"static const cmsis_nn_dims {name}_filter = {filter_dims};\n"
        text += f"static const cmsis_nn_fc_params {name}_params = {{{clamp}}};\n"
        text += (
            f"static const cmsis_nn_per_tensor_quant_params {name}_quantization = "
            f"{{.multiplier = {_MULTIPLIER}, .shift = {1 - layer.shift}}};\n"
        )
        return text + "\n"
    (top, _), (left, _) = layer.padding
    geometry = (
        f".stride = {{.h = {layer.stride[0]}, .w = {layer.stride[1]}}}, .padding = {{.h = {top}, .w = {left}}}, "
        f".dilation = {{.h = 1, .w = 1}}, {clamp}"
    )
    if layer.op in _DEPTHWISE:
        text += f"static const cmsis_nn_dims {name}_filter = {window}, .n = 1, .c = {depth}}};\n"
        text += f"static const cmsis_nn_dw_conv_params {name}_params = {{.ch_mult = 1, {geometry}}};\n"
    else:
        text += f"static const cmsis_nn_dims {name}_filter = {window}, .n = {layer.output_shape[2]}, .c = {depth}}};\n"
        text += f"static const cmsis_nn_conv_params {name}_params = {{{geometry}}};\n"
    # CMSIS-NN reads these through pointers without const.
    text += (
        f"static const cmsis_nn_per_channel_quant_params {name}_quantization = "
        f"{{.multiplier = (int32_t *)(uintptr_t)multipliers, .shift = (int32_t *)(uintptr_t)shifts_{layer.shift}}};\n"
    )
    return text + "\n"


def _call(layer: Layer, at: Place, source: str, target: str) -> str:
    function = {DENSE: "arm_fully_connected_s8", CONV2D: "arm_convolve_wrapper_s8"}.get(
        layer.op, "arm_depthwise_conv_wrapper_s8"
    )
    buffer = f"bytes + {at.scratch}" if at.scratch_bytes else "NULL"
    name = layer.name
    return (
        f"    (void){function}(\n"
        f"        &(cmsis_nn_context){{.buf = {buffer}, .size = {at.scratch_bytes}}}, &{name}_params,\n"
        f"        &{name}_quantization, &{name}_input, {source}, &{name}_filter, {name}_weights,\n"
        f"        &{name}_bias_size, {name}_bias, &{name}_output, {target}\n"
        f"    );\n"
    )


def _weights(layer: Layer) -> np.ndarray:
    """The codes in CMSIS-NN's order: [out][row][column][in], [row][column][channel], or [out][in]."""
    order = {CONV2D: (3, 0, 1, 2), DENSE: (1, 0)}.get(layer.op, (0, 1, 2))
    return np.ascontiguousarray(layer.kernel.transpose(order)).ravel()


def _array(c_type: str, name: str, values: Iterable[int]) -> str:
    cells = [f"{value}," for value in values]
    lines = textwrap.fill(" ".join(cells), 110, initial_indent="    ", subsequent_indent="    ")
    return f"alignas({ALIGNMENT}) static const {c_type} {name}[{len(cells)}] = {{\n{lines}\n}};\n"


def _dims(shape: tuple[int, int, int]) -> str:
    return f"{{.n = 1, .h = {shape[0]}, .w = {shape[1]}, .c = {shape[2]}}}"


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _string(text: str) -> str:
    """A C string literal; what is not a plain character becomes an octal escape."""
    return '"' + "".join(chr(b) if chr(b).isalnum() and b < 127 else f"\\{b:03o}" for b in text.encode()) + '"'
