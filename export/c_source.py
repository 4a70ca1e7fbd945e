"""Writes an integer model as C: const weights, formats and a static schedule for the engine.

Two files: `fxp_model.h` (sizes, hash, labels, the one function) and `fxp_model.c`. Nothing is interpreted at run
time; every number in them comes from the model. They compile against `microcontroller/engine/include/fxp_engine.h`.
"""

import numpy as np

from export.integer_model import IntegerModel
from export.kernel_plan import ALIGNMENT, PORTABLE, Plan, Step, plan

HEADER = "fxp_model.h"
SOURCE = "fxp_model.c"
_COLUMNS = 120


def generate(model: IntegerModel, profile: str = PORTABLE) -> dict[str, str]:
    """The generated C files of a model, name -> text (ASCII).

    Args:
      profile: which kernels and layouts `export.kernel_plan` chooses.

    Raises:
      ValueError: an unknown profile, or a layer whose accumulators are not proved to fit.
    """
    steps = plan(model, profile)
    return {HEADER: _header(model, steps, profile), SOURCE: _source(model, steps)}


def _header(model: IntegerModel, steps: Plan, profile: str) -> str:
    height, width, channels = model.input_shape
    macros = {
        "NAME": _string(model.name),
        "SHA256": _string(model.sha256),
        "INPUT_HEIGHT": height,
        "INPUT_WIDTH": width,
        "INPUT_CHANNELS": channels,
        "INPUT_BYTES": height * width * channels,
        "INPUT_FRACTION_BITS": model.input_format.fraction_bits,
        "OUTPUT_BYTES": len(model.labels),
        "OUTPUT_FRACTION_BITS": model.output_format.fraction_bits,
        "LAYER_COUNT": len(model.layers),
        "MACS": model.macs,
        "WEIGHT_BYTES": sum(_weight_bytes(step) for step in steps.steps),
        "ARENA_BYTES": steps.arena_bytes,
    }
    defines = "\n".join(
        f"#define FXP_MODEL_{name} {f'({value})' if isinstance(value, int) and value < 0 else value}"
        for name, value in macros.items()
    )
    return f"""\
/* Generated from an integer model (kernels: {profile}). Don't edit: export the model again. */
#ifndef FXP_MODEL_H
#define FXP_MODEL_H

#include "fxp_engine.h"

#include <stdalign.h>

#ifdef __cplusplus
extern "C" {{
#endif

{defines}

extern const char *const fxp_model_labels[FXP_MODEL_OUTPUT_BYTES];
extern const fxp_layer_info fxp_model_layers[FXP_MODEL_LAYER_COUNT];

/* Working memory of one inference, with the alignment that it needs. */
typedef struct {{
    alignas(FXP_ALIGNMENT) int8_t bytes[FXP_MODEL_ARENA_BYTES];
}} fxp_model_arena;

/*
 * Runs the network once.
 *
 * input     codes [FXP_MODEL_INPUT_HEIGHT][FXP_MODEL_INPUT_WIDTH][FXP_MODEL_INPUT_CHANNELS]
 * output    logit codes [FXP_MODEL_OUTPUT_BYTES], in the order of fxp_model_labels
 * arena     FXP_MODEL_ARENA_BYTES aligned to FXP_ALIGNMENT, such as an fxp_model_arena; overlaps neither of the two
 * observer  called after each layer with its output; may be NULL
 * context   handed to the observer
 */
void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _source(model: IntegerModel, steps: Plan) -> str:
    parts = [
        _preamble(model),
        *(_constants(step) for step in steps.steps),
        _labels(model),
        _layer_table(steps),
        _invoke(steps),
    ]
    return "\n".join(parts)


def _preamble(model: IntegerModel) -> str:
    rows = [("layer", "op", "input", "weights", "output", "shift", "accumulator")]
    for layer in model.layers:
        formats = (layer.input_format, layer.weight_format, layer.output_format)
        numbers = (layer.shift, layer.accumulator_bits)
        rows.append((layer.name, layer.op, *map(str, formats), *map(str, numbers)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    table = "\n".join(f" * {line}".rstrip() for line in lines)
    return f"""\
/*
 * Generated from an integer model. Don't edit: export the model again.
 *
 * Q-formats: s signed, u unsigned, then bits; f fraction bits: value = code * 2^-f.
 *
{table}
 */
#include "{HEADER}"

#include <assert.h>

static_assert(FXP_ALIGNMENT == {ALIGNMENT}, "this model was placed for another alignment");
static_assert(FXP_MODEL_ARENA_BYTES % FXP_ALIGNMENT == 0, "the arena is a whole number of aligned blocks");
"""


def _constants(step: Step) -> str:
    layer = step.layer
    shape = " x ".join(map(str, layer.output_shape))
    text = f"/* {layer.name}: {layer.op} to {shape} */\n"
    if step.kernel.layout:
        text += _array("int8_t", f"{layer.name}_weights", step.weights, step.kernel.layout)
        text += _array("int32_t", f"{layer.name}_bias", step.bias, "[output channel], rounding half included")
    return text + f"static const {step.kernel.args_type} {layer.name}_args = {_fields(_args(step))};\n"


def _array(c_type: str, name: str, values: np.ndarray, layout: str) -> str:
    width = max(len(str(values.min())), len(str(values.max())))
    per_line = max((_COLUMNS - 4) // (width + 2), 1)
    cells = [f"{value:>{width}}," for value in values.tolist()]
    rows = [cells[i : i + per_line] for i in range(0, len(cells), per_line)]
    lines = "\n".join("    " + " ".join(row) for row in rows)
    return (
        f"// clang-format off: {layout}\n"
        f"alignas(FXP_ALIGNMENT) static const {c_type} {name}[{values.size}] = {{\n{lines}\n}};\n"
        "// clang-format on\n"
    )


def _args(step: Step) -> dict:
    """The kernel's argument struct: field -> number, C expression, or a nested struct's fields."""
    fields = _ARGS[step.kernel.args_type](step)
    if step.kernel.layout:
        fields["weights"] = f"{step.layer.name}_weights"
        fields["bias"] = f"{step.layer.name}_bias"
    output = step.layer.output_format
    fields["requantization"] = dict(shift=step.layer.shift, min_code=output.min_code, max_code=output.max_code)
    return fields


def _window_args(step: Step) -> dict:
    layer = step.layer
    (top, _), (left, _) = layer.padding
    return {
        "input": _shape(layer.input_shape),
        "output": _shape(layer.output_shape),
        "window": dict(height=layer.kernel_size[0], width=layer.kernel_size[1]),
        "stride": dict(vertical=layer.stride[0], horizontal=layer.stride[1]),
        "padding": dict(top=top, left=left),
    }


def _pointwise_args(step: Step) -> dict:
    height, width, channels = step.layer.output_shape
    return dict(positions=height * width, input_channels=step.layer.input_shape[2], output_channels=channels)


def _pool_args(step: Step) -> dict:
    height, width, channels = step.layer.input_shape
    return dict(positions=height * width, channels=channels, bias=int(step.bias[0]))


def _dense_args(step: Step) -> dict:
    return dict(inputs=step.layer.input_shape[2], outputs=step.layer.output_shape[2])


_ARGS = {
    "fxp_conv2d_args": _window_args,
    "fxp_pointwise_conv2d_args": _pointwise_args,
    "fxp_depthwise_conv2d_args": _window_args,
    "fxp_average_pool_args": _pool_args,
    "fxp_dense_args": _dense_args,
}


def _shape(shape: tuple[int, int, int]) -> dict[str, int]:
    return dict(zip(("height", "width", "channels"), shape, strict=True))


def _fields(fields: dict, indent: str = "") -> str:
    """A braced list of designated initializers; nested ones go on one line."""
    lines = []
    for name, value in fields.items():
        if isinstance(value, dict):
            value = "{" + ", ".join(f".{key} = {item}" for key, item in value.items()) + "}"
        lines.append(f"{indent}    .{name} = {value},\n")
    return "{\n" + "".join(lines) + indent + "}"


def _labels(model: IntegerModel) -> str:
    lines = "\n".join(f"    {_string(label)}," for label in model.labels)
    return (
        "// clang-format off\n"
        f"const char *const fxp_model_labels[FXP_MODEL_OUTPUT_BYTES] = {{\n{lines}\n}};\n// clang-format on\n"
    )


def _layer_table(steps: Plan) -> str:
    rows = []
    for step in steps.steps:
        layer = step.layer
        fields = {
            "name": _string(layer.name),
            "op": _string(layer.op),
            "kernel": _string(step.kernel.function),
            "macs": layer.macs,
            "weight_bytes": _weight_bytes(step),
            "output_bytes": int(np.prod(layer.output_shape)),
            "output": _shape(layer.output_shape),
        }
        formats = {"input": layer.input_format, "weight": layer.weight_format, "output": layer.output_format}
        for tensor, q in formats.items():
            fields[f"{tensor}_bits"] = q.bits
            fields[f"{tensor}_fraction_bits"] = q.fraction_bits
        fields["accumulator_bits"] = layer.accumulator_bits
        fields["shift"] = layer.shift
        fields["min_code"] = layer.output_format.min_code
        fields["max_code"] = layer.output_format.max_code
        rows.append(f"    {_fields(fields, '    ')},\n")
    return (
        "// clang-format off\n"
        f"const fxp_layer_info fxp_model_layers[FXP_MODEL_LAYER_COUNT] = {{\n{''.join(rows)}}};\n// clang-format on\n"
    )


def _invoke(steps: Plan) -> str:
    declarations, calls, source = [], [], "input"
    for i, step in enumerate(steps.steps):
        target = "output" if step.output_offset is None else f"output_{i}"
        size = int(np.prod(step.layer.output_shape))
        if step.output_offset is not None:
            declarations.append(f"    int8_t *const {target} = bytes + {step.output_offset};\n")
        calls.append(f"    {step.kernel.function}(&{step.layer.name}_args, {source}, {target});\n")
        calls.append(f"    observe(observer, context, {i}, {target}, {size});\n")
        source = target
    bytes_pointer = "    int8_t *const bytes = arena;\n" if declarations else "    (void)arena;\n"
    return f"""\
static inline void observe(fxp_observer observer, void *context, int layer, const int8_t *output, size_t bytes) {{
    if (observer != NULL) {{
        observer(context, layer, output, bytes);
    }}
}}

void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context) {{
{bytes_pointer}{"".join(declarations)}
{"".join(calls)}}}
"""


def _weight_bytes(step: Step) -> int:
    """Bytes of the constants as stored: weights and biases."""
    return step.weights.size + step.bias.size * 4 if step.kernel.layout else 0


def _string(text: str) -> str:
    """A C string literal; bytes that are not printable ASCII, quotes, backslashes and '?' become octal escapes."""
    plain = (chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in text.encode())
    return '"' + "".join(plain) + '"'
