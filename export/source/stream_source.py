"""Writes the streaming network as C: const weights and the static schedule of a step.

Two files beside `export.source.model_source`'s: `fxp_stream_model.h` (sizes, hash, labels, state, two functions) and
`fxp_stream_model.c`. They need nothing of fxp_model.c, and compile against the same engine.
"""

from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter, why_not
from export.plan import ALIGNMENT, FAST
from export.plan.layout import CHANNEL_BLOCK
from export.plan.schedule import NoKernelError
from export.plan.steps import INPUT
from export.plan.stream import Kept, Rows, StreamPlan, StreamStep, Sums, plan
from export.source import self_test_source
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
from export.source.self_test_source import Checked, Copied

HEADER = "fxp_stream_model.h"
SOURCE = "fxp_stream_model.c"
PLAN = "stream_plan.txt"


def generate(model: IntegerModel, profile: str = FAST, steps_per_call: int = 1) -> dict[str, str]:
    """The generated C files of the streaming network, name -> text (ASCII).

    Args:
      profile: which kernels `export.plan.stream` chooses from.
      steps_per_call: rows of logits that one call computes.

    Raises:
      ValueError: a model that can't be streamed, an unknown profile, or a layer whose accumulators are not proved.
    """
    return of_plan(model, plan(model, profile, steps_per_call))


def of_plan(model: IntegerModel, steps: StreamPlan) -> dict[str, str]:
    """`generate`'s files by a plan of the model."""
    return {HEADER: _header(model, steps), SOURCE: _source(model, steps), PLAN: steps.table() + "\n"}


def of_model(model: IntegerModel, profile: str = FAST) -> dict[str, str]:
    """What a bundle's c/ folder has of the streaming network: `generate`'s files, or why there is none in `PLAN`."""
    if reason := why_not(model):
        return {PLAN: f"no streaming network: {reason}\n"}
    try:
        return generate(model, profile)
    except NoKernelError as error:  # the network on one window may well have kernels
        return {PLAN: f"no streaming network: {error}\n"}


def _header(model: IntegerModel, steps: StreamPlan) -> str:
    stream = StreamInterpreter(model)
    labels = len(model.labels)
    macros = {
        "NAME": string(model.name),
        "SHA256": string(model.sha256),
        "FRAME_BYTES": stream.frame_codes,
        "FRAMES": steps.frames_per_call,
        "INPUT_BYTES": steps.frames_per_call * stream.frame_codes,
        "INPUT_FRACTION_BITS": model.input_format.fraction_bits,
        "STEPS": steps.steps_per_call,
        "LABELS": labels,
        "OUTPUT_BYTES": steps.steps_per_call * labels,
        "OUTPUT_FRACTION_BITS": model.output_format.fraction_bits,
        "DELAY_FRAMES": stream.delay_frames,
        "MACS": sum(item.step.layer.macs * item.repetitions for item in steps.steps),
        "WEIGHT_BYTES": sum(item.step.constant_bytes for item in steps.steps),
        "ARENA_BYTES": steps.arena_bytes,
        **({} if model.one_shift is None else {"SHIFT": model.one_shift}),
    }
    defines = "\n".join(
        f"#define FXP_STREAM_{name} {f'({value})' if isinstance(value, int) and value < 0 else value}"
        for name, value in macros.items()
    )
    members = "".join(_field(item.history) for item in steps.steps if item.history)
    return f"""\
/* Generated from an integer model (kernels: {steps.profile}). Don't edit: export the model again. */
#ifndef FXP_STREAM_MODEL_H
#define FXP_STREAM_MODEL_H

#include "fxp_engine.h"

#include <stdalign.h>

#ifdef __cplusplus
extern "C" {{
#endif

{defines}

extern const char *const fxp_stream_labels[FXP_STREAM_LABELS];

/* What the network remembers: of each layer's input the last rows, with room for new ones behind them. */
// clang-format off
typedef struct {{
{members or "    int8_t nothing;"}}} fxp_stream_state;
// clang-format on

/* Working memory of one call, with the alignment that it needs; nothing in it lasts. */
typedef struct {{
    alignas(FXP_ALIGNMENT) int8_t bytes[FXP_STREAM_ARENA_BYTES];
}} fxp_stream_arena;

/* Forgets all frames: every code that the network remembers becomes 0. Call it before the first step. */
void fxp_stream_init(fxp_stream_state *state);

/*
 * Takes the next frames of the stream and gives logits, one row for each step.
 *
 * A row is about the window that ended FXP_STREAM_DELAY_FRAMES frames before the step's last one.
 *
 * input   codes [FXP_STREAM_FRAMES][FXP_STREAM_FRAME_BYTES]
 * output  codes [FXP_STREAM_STEPS][FXP_STREAM_LABELS], in the order of fxp_stream_labels
 * arena   FXP_STREAM_ARENA_BYTES aligned to FXP_ALIGNMENT, such as an fxp_stream_arena; overlaps nothing else
 */
void fxp_stream_step(fxp_stream_state *state, const int8_t *input, int8_t *output, void *arena);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _field(history: Rows | Sums | Kept) -> str:
    if isinstance(history, Rows):
        what = f"{history.kept_bytes} bytes stay, {history.new_bytes} are new"
    elif isinstance(history, Kept):
        what = "what the kernel keeps of earlier rows"
    else:
        what = f"running sums over {history.rows} rows"
    return f"    alignas(FXP_ALIGNMENT) int8_t {history.field}[{history.bytes}]; /* {what} */\n"


def _source(model: IntegerModel, steps: StreamPlan) -> str:
    layers = [item.step for item in steps.steps]
    headers = {instance.header for step in layers for instance in step.instances.values()}
    headers |= {"nn/fxp_kernels.h", "nn/stream/fxp_stream.h"}
    includes = "".join(f'#include "{header}"\n' for header in (HEADER, *sorted(headers)))
    labels = "\n".join(f"    {string(label)}," for label in model.labels)
    parts = [
        f"""\
/* Generated from an integer model. Don't edit: export the model again. */
{includes}
#include <assert.h>
#include <string.h>

static_assert(FXP_ALIGNMENT == {ALIGNMENT}, "this model was placed for another alignment");
static_assert(FXP_CHANNEL_BLOCK == {CHANNEL_BLOCK}, "this model was laid out for another block of channels");
""",
        *instances(layers),
        *(constants(step, _shift_macro(model)) for step in layers),
        *(_sum_args(item.history) for item in steps.steps if isinstance(item.history, Sums)),
        "// clang-format off\n"
        f"const char *const fxp_stream_labels[FXP_STREAM_LABELS] = {{\n{labels}\n}};\n// clang-format on\n",
        _functions(steps),
        _self_test(model, steps),
    ]
    source = "\n".join(parts)
    check_names(source)
    return source


def _shift_macro(model: IntegerModel) -> str:
    """The header's macro of the shift that all layers have; empty where they differ."""
    return "" if model.one_shift is None else "FXP_STREAM_SHIFT"


def _sum_args(history: Sums) -> str:
    return f"static const fxp_running_sum_s16_dsp_args {history.field}_args = {_sizes(history)};\n"


def _sizes(history: Sums) -> str:
    return initializer(dict(rows=history.rows, positions=history.positions, words=history.words))


def _self_test(model: IntegerModel, steps: StreamPlan) -> str:
    tables: list[Checked | Copied] = []
    for item in steps.steps:
        tables += checked(item.step, _shift_macro(model))
        if isinstance(item.history, Sums):
            kind = "const fxp_running_sum_s16_dsp_args"
            tables.append(Copied(kind, f"{item.history.field}_args", _sizes(item.history)))
    tables += checked_labels("fxp_stream_labels", "[FXP_STREAM_LABELS]", model.labels)
    return self_test_source.function("stream", tables)


def _functions(steps: StreamPlan) -> str:
    calls = [line for item in steps.steps for line in _calls(item)]
    calls += [convert(conversion) for conversion in steps.answer]
    text = "".join(calls)
    used = "bytes + " in text
    start = "    int8_t *const bytes = arena;\n" if used else "    (void)arena;\n"
    if not any(item.history for item in steps.steps):
        start += "    (void)state;\n"
    begin = "".join(
        f"    {item.history.begin}(state->{item.history.field}, &{symbol(item.step.layer)}_args);\n"
        for item in steps.steps
        if isinstance(item.history, Kept) and item.history.begin
    )
    return f"""\
void fxp_stream_init(fxp_stream_state *state) {{
    memset(state, 0, sizeof *state);
{begin}}}

void fxp_stream_step(fxp_stream_state *state, const int8_t *input, int8_t *output, void *arena) {{
{start}
    // clang-format off
{text}    // clang-format on
}}
"""


def _calls(item: StreamStep) -> list[str]:
    step, history = item.step, item.history
    calls = [convert(conversion) for conversion in step.conversions]
    if item.copies and isinstance(history, Rows):
        calls.append(f"    memcpy(state->{history.field} + {history.kept_bytes}, {INPUT}, {history.new_bytes});\n")
    input_row = step.input.bytes // step.input.shape[0] if item.repetitions > 1 else 0
    output_row = step.output.bytes // step.output.shape[0] if item.repetitions > 1 else 0
    for row in range(item.repetitions):
        source, target = _row(pointer(step.input), row * input_row), _row(pointer(step.output), row * output_row)
        if isinstance(history, Sums):
            sums = f"state->{history.field}"
            calls.append(f"    fxp_running_sum_s16_dsp(&{history.field}_args, {source}, {sums});\n")
            source = sums
        arguments = [f"&{symbol(step.layer)}_args", source, target]
        if step.scratch is not None:
            arguments.append(f"bytes + {step.scratch}")
        if isinstance(history, Kept):
            arguments.append(f"state->{history.field}")
        calls.append(f"    {step.kernel.function}({', '.join(arguments)});\n")
    if isinstance(history, Rows):
        calls.append(f"    fxp_keep_rows(state->{history.field}, {history.kept_bytes}, {history.new_bytes});\n")
    return calls


def _row(pointer: str, offset: int) -> str:
    return f"{pointer} + {offset}" if offset else pointer
