"""Writes an integer model as C: const weights, formats and a static schedule for the engine.

Two files: `fxp_model.h` (sizes, hash, labels, the one function) and `fxp_model.c`. Nothing is interpreted at run
time; every number in them comes from the model. They compile against `microcontroller.c_sources.engine()`.
"""

import pathlib
import re

from export.model.integer_model import IntegerModel
from export.plan import ALIGNMENT, FAST, PROFILES, Plan, plan
from export.plan.kernel import requantization, shape_fields
from export.plan.layout import CHANNEL_BLOCK
from export.source import row_source, self_test_source
from export.source.c_text import (
    check_names,
    checked,
    checked_labels,
    constants,
    convert,
    initializer,
    instances,
    pointer,
    string,
    symbol,
)
from export.source.source_error import SourceError
from kws_cli.table import aligned

HEADER = "fxp_model.h"
SOURCE = "fxp_model.c"
PLAN = "plan.txt"
_REMEDY = "write the bundle again with python -m export.convert"
_OBSERVE = """\
static inline void observe(fxp_observer observer, void *context, int layer, const int8_t *output, size_t bytes) {
    if (observer != NULL) {
        observer(context, layer, output, bytes);
    }
}
"""


def generate(model: IntegerModel, profile: str = FAST) -> dict[str, str]:
    """The generated C files of a model, name -> text (ASCII).

    Args:
      profile: which kernels and layouts `export.plan` chooses.

    Raises:
      ValueError: an unknown profile, or a layer whose accumulators are not proved to fit.
    """
    return of_plan(model, plan(model, profile))


def with_plan(model: IntegerModel, profile: str = FAST) -> dict[str, str]:
    """`generate`'s files and the plan they follow as a table, for a bundle's c/ folder."""
    steps = plan(model, profile)
    return {**of_plan(model, steps), PLAN: steps.table() + "\n"}


def of_plan(model: IntegerModel, steps: Plan) -> dict[str, str]:
    """`generate`'s files by a plan of the model."""
    return {HEADER: _header(model, steps), SOURCE: _source(model, steps)}


def profile_of(folder: pathlib.Path, name: str = HEADER) -> str:
    """The profile that a folder's generated C was written for, as its header of that name says.

    Raises:
      SourceError: there is no such header, or it names a profile that this program has not.
    """
    header = folder / name
    try:
        found = re.search(r"\(kernels: (\w+)\)", header.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{header} can't be read ({error.strerror}): {_REMEDY}") from error
    if found is None or found[1] not in PROFILES:
        raise SourceError(f"{header} names no profile of {', '.join(PROFILES)}: {_REMEDY}")
    return found[1]


def _header(model: IntegerModel, steps: Plan) -> str:
    height, width, channels = model.input_shape
    macros = {
        "NAME": string(model.name),
        "SHA256": string(model.sha256),
        "INPUT_HEIGHT": height,
        "INPUT_WIDTH": width,
        "INPUT_CHANNELS": channels,
        "INPUT_BYTES": height * width * channels,
        "INPUT_FRACTION_BITS": model.input_format.fraction_bits,
        "OUTPUT_BYTES": len(model.labels),
        "OUTPUT_FRACTION_BITS": model.output_format.fraction_bits,
        "LAYER_COUNT": len(model.layers),
        "MACS": model.macs,
        "WEIGHT_BYTES": sum(step.constant_bytes for step in steps.steps),
        "ARENA_BYTES": steps.arena_bytes,
        **({} if model.one_shift is None else {"SHIFT": model.one_shift}),
    }
    defines = "\n".join(
        f"#define FXP_MODEL_{name} {f'({value})' if isinstance(value, int) and value < 0 else value}"
        for name, value in macros.items()
    )
    return f"""\
/* Generated from an integer model (kernels: {steps.profile}). Don't edit: export the model again. */
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
 * observer  called after each layer with its output, or with each row of it, in the layout of the layer's kernel;
 *           fxp_model_layers tells how many rows it is given at a time; may be NULL
 * context   handed to the observer
 */
void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context);

/*
 * Writes what an observer was given as int8 codes.
 *
 * output  the observer's
 * codes   [observed_rows][width][channels] of fxp_model_layers[layer]; overlaps not the output
 */
void fxp_model_unpack(int layer, const int8_t *output, int8_t *codes);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _source(model: IntegerModel, steps: Plan) -> str:
    parts = [
        _preamble(model, steps),
        *instances(steps.steps),
        *(constants(step, _shift_macro(model)) for step in steps.steps),
        *row_source.sum_args(model, steps),
        _labels(model),
        _layer_table(model, steps),
        _unpack(steps),
        _OBSERVE,
        row_source.invoke(model, steps) if steps.turns else _invoke(steps),
        _self_test(model, steps),
    ]
    source = "\n".join(parts)
    check_names(source)
    return source


def _preamble(model: IntegerModel, steps: Plan) -> str:
    rows: list[tuple[str, ...]] = [("layer", "op", "input", "weights", "output", "shift", "accumulator")]
    for layer in model.layers:
        formats = (layer.input_format, layer.weight_format, layer.output_format)
        numbers = (layer.shift, layer.accumulator_bits)
        rows.append((layer.name, layer.op, *map(str, formats), *map(str, numbers)))
    table = "\n".join(f" * {line}" for line in aligned(rows))
    headers = {instance.header for step in steps.steps for instance in step.instances.values()}
    headers |= {"nn/stream/fxp_stream.h"} if steps.turns else set()
    includes = "".join(f'#include "{header}"\n' for header in (HEADER, *sorted({"nn/fxp_kernels.h", *headers})))
    return f"""\
/*
 * Generated from an integer model. Don't edit: export the model again.
 *
 * Q-formats: s signed, u unsigned, then bits; f fraction bits: value = code * 2^-f.
 *
{table}
 */
{includes}
#include <assert.h>
#include <string.h>

static_assert(FXP_ALIGNMENT == {ALIGNMENT}, "this model was placed for another alignment");
static_assert(FXP_CHANNEL_BLOCK == {CHANNEL_BLOCK}, "this model was laid out for another block of channels");
static_assert(FXP_MODEL_ARENA_BYTES % FXP_ALIGNMENT == 0, "the arena is a whole number of aligned blocks");
"""


def _labels(model: IntegerModel) -> str:
    lines = "\n".join(f"    {string(label)}," for label in model.labels)
    return (
        "// clang-format off\n"
        f"const char *const fxp_model_labels[FXP_MODEL_OUTPUT_BYTES] = {{\n{lines}\n}};\n// clang-format on\n"
    )


def _shift_macro(model: IntegerModel) -> str:
    """The header's macro of the shift that all layers have; empty where they differ."""
    return "" if model.one_shift is None else "FXP_MODEL_SHIFT"


def _layer_table(model: IntegerModel, steps: Plan) -> str:
    rows = []
    one_shift = _shift_macro(model)
    for layer, step in zip(model.layers, steps.steps, strict=True):
        fields = {
            "name": string(layer.name),
            "op": string(layer.op),
            "kernel": string(step.kernel.function),
            "macs": layer.macs,
            "weight_bytes": step.constant_bytes,
            "output_bytes": step.output.bytes,
            "output": shape_fields(layer.output_shape),
            "observed_rows": step.output.shape[0],
        }
        formats = {"input": layer.input_format, "weight": layer.weight_format, "output": layer.output_format}
        for tensor, q in formats.items():
            fields[f"{tensor}_bits"] = q.bits
            fields[f"{tensor}_fraction_bits"] = q.fraction_bits
        fields["accumulator_bits"] = layer.accumulator_bits
        fields |= requantization(layer) | ({"shift": one_shift} if one_shift else {})
        rows.append(f"    {initializer(fields, '    ')},\n")
    return (
        "// clang-format off\n"
        f"const fxp_layer_info fxp_model_layers[FXP_MODEL_LAYER_COUNT] = {{\n{''.join(rows)}}};\n// clang-format on\n"
    )


def _self_test(model: IntegerModel, steps: Plan) -> str:
    tables = [table for step in steps.steps for table in checked(step, _shift_macro(model))]
    tables += row_source.checked_sums(model, steps)
    tables += checked_labels("fxp_model_labels", "[FXP_MODEL_OUTPUT_BYTES]", model.labels)
    return self_test_source.function("model", tables)


def _unpack(steps: Plan) -> str:
    """fxp_model_unpack: by a function of the engine where a layer's output is not int8 already."""
    functions = [step.kernel.output_layout.unpack for step in steps.steps]
    cases, shape = "", "    fxp_shape seen = fxp_model_layers[layer].output;\n"
    shape += "    seen.height = fxp_model_layers[layer].observed_rows;\n"
    for function in sorted(set(functions)):
        cases += "".join(f"    case {i}:\n" for i, other in enumerate(functions) if other == function)
        if function:
            cases += f"        {function}(seen, output, codes);\n        break;\n"
        else:
            cases += "        memcpy(codes, output, fxp_model_layers[layer].output_bytes);\n        break;\n"
    return f"""\
void fxp_model_unpack(int layer, const int8_t *output, int8_t *codes) {{
{shape if any(functions) else ""}    switch (layer) {{
{cases}    }}
}}
"""


def _invoke(steps: Plan) -> str:
    calls = []
    for i, step in enumerate(steps.steps):
        calls += [convert(conversion) for conversion in step.conversions]
        arguments = [f"&{symbol(step.layer)}_args", pointer(step.input), pointer(step.output)]
        if step.scratch is not None:
            arguments.append(f"bytes + {step.scratch}")
        calls.append(f"    {step.kernel.function}({', '.join(arguments)});\n")
        calls.append(f"    observe(observer, context, {i}, {pointer(step.output)}, {step.output.bytes});\n")
    calls += [convert(conversion) for conversion in steps.answer]
    used = any("bytes + " in call for call in calls)
    bytes_pointer = "    int8_t *const bytes = arena;\n" if used else "    (void)arena;\n"
    return f"""\
void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context) {{
{bytes_pointer}
{"".join(calls)}}}
"""
