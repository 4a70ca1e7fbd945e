"""Writes the schedule of a network that is computed row by row: what happens in a tick, layer by layer."""

import itertools
from collections.abc import Iterator, Sequence

from export.model.integer_model import IntegerModel, Layer
from export.plan.layout import S8
from export.plan.steps import INPUT, Kept, Plan, Step, Ticks, Turn
from export.source.c_text import convert, initializer, pointer, symbol
from export.source.self_test_source import Copied

_TICK = "tick"
_SUMS = "const fxp_running_sum_s16_dsp_args"


def sum_args(model: IntegerModel, steps: Plan) -> list[str]:
    """The argument structs of running sums; none where no layer has them."""
    return [f"static {table.declaration} {table.name} = {table.initializer};\n" for table in checked_sums(model, steps)]


def checked_sums(model: IntegerModel, steps: Plan) -> list[Copied]:
    """What the self-test compares of them."""
    pools = [
        (layer, step)
        for layer, step, turn in zip(model.layers, steps.steps, steps.turns, strict=bool(steps.turns))
        if turn.sums is not None
    ]
    return [Copied(_SUMS, _sums_name(layer), initializer(_sum_fields(layer, step))) for layer, step in pools]


def _sums_name(layer: Layer) -> str:
    return f"{symbol(layer)}_sums_args"


def _sum_fields(layer: Layer, step: Step) -> dict[str, int]:
    return dict(rows=0, positions=layer.input_shape[1], words=step.kernel.args(step.layer)["words"])


def invoke(model: IntegerModel, steps: Plan) -> str:
    """fxp_model_invoke."""
    events = list(_events(model, steps))
    blocks = [
        _block(ticks, [call for _, calls in group for call in calls])
        for ticks, group in itertools.groupby(events, key=lambda event: event[0])
    ]
    state = f"    memset(bytes, 0, {steps.state_bytes});\n" if steps.state_bytes else ""
    return f"""\
void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context) {{
    int8_t *const bytes = arena;

    // clang-format off
{state}    for (int32_t {_TICK} = 0; {_TICK} < {steps.ticks}; ++{_TICK}) {{
{"".join(blocks)}    }}
    // clang-format on
}}
"""


def _events(model: IntegerModel, steps: Plan) -> Iterator[tuple[Ticks, list[str]]]:
    """Calls, and when they are due, in the order of a tick.

    A pool's sums take a row before the observer sees it, so that their work counts as that layer's.
    """
    items = list(zip(model.layers, steps.steps, steps.turns, strict=True))
    arrivals = [_arrival(*item) for item in items]
    conversions = [*(step.conversions for step in steps.steps), steps.answer]
    for i, (layer, step, turn) in enumerate(items):
        summed = i > 0 and turn.sums is not None and not conversions[i]
        if turn.arrivals and arrivals[i] and not summed:
            yield turn.arrivals, arrivals[i]
        begin = [] if turn.arrivals else [_input_rows(layer, step), *map(convert, conversions[0])]
        pooled = i + 1 < len(items) and items[i + 1][2].sums is not None and not conversions[i + 1]
        sums = arrivals[i + 1] if pooled else []
        yield turn.rows, [*begin, _kernel(step, turn), *sums, _observe(i, step), *map(convert, conversions[i + 1])]


def _block(ticks: Ticks, calls: Sequence[str]) -> str:
    due = f"fxp_row_due({_TICK}, {ticks.first}, {ticks.every}, {ticks.count})"
    return "".join([f"        if ({due}) {{\n", *(f"        {call}" for call in calls), "        }\n"])


def _input_rows(layer: Layer, step: Step) -> str:
    """The window of the first layer's row; its place is that of what reads it first."""
    height, width, channels = layer.input_shape
    tensor = step.conversions[0].input if step.conversions else step.input
    first = f"{_TICK} * {layer.stride[0]} - {layer.padding[0][0]}"
    arguments = f"{INPUT}, {height}, {width * channels}, {first}, {tensor.shape[0]}, {pointer(tensor)}"
    return f"    fxp_input_rows({arguments});\n"


def _arrival(layer: Layer, step: Step, turn: Turn) -> list[str]:
    """A row that the layer before has written, or one of zeros, joins those that are kept, or a pool's sums."""
    calls: list[str] = []
    arrivals = turn.arrivals
    row_bytes = step.kernel.input_layout.size((1, *layer.input_shape[1:]))
    if turn.sums is not None:
        return [f"    fxp_running_sum_s16_dsp(&{_sums_name(layer)}, {pointer(step.input)}, bytes + {turn.sums});\n"]
    if arrivals and arrivals.count > layer.input_shape[0]:
        row = f"bytes + {_row_place(step, turn.kept)}"
        below = f"{_TICK} >= {arrivals.at(layer.input_shape[0])}"
        calls += [f"    if ({below}) {{\n", f"        memset({row}, 0, {row_bytes});\n", "    }\n"]
    return calls + (_kept(step, turn.kept) if turn.kept else [])


def _row_place(step: Step, kept: Kept | None) -> int:
    """Where the newest row of a window lies: behind those that are kept."""
    before = step.kernel.input_layout.size(kept.shape) if kept else 0
    return int(step.input.place) + before


def _kept(step: Step, kept: Kept) -> list[str]:
    """Kept rows to the front of the window; then the newest one is kept instead of the oldest."""
    layout, size, row = step.kernel.input_layout, kept.bytes, kept.row_bytes
    kept_at, window, newest = kept.place, step.input.place, _row_place(step, kept)
    behind = f"bytes + {kept_at + size - row}"
    calls = [f"    fxp_keep_rows(bytes + {kept_at}, {size - row}, {row});\n"] if size > row else []
    if layout == S8:
        fetch = f"    memcpy(bytes + {window}, bytes + {kept_at}, {size});\n"
        return [fetch, *calls, f"    memcpy({behind}, bytes + {newest}, {row});\n"]
    fetch = f"    {layout.pack}({_shape(kept.shape)}, bytes + {kept_at}, bytes + {window});\n"
    keep = f"    {layout.unpack}({_shape((1, *kept.shape[1:]))}, bytes + {newest}, {behind});\n"
    return [fetch, *calls, keep]


def _shape(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"(fxp_shape){{.height = {height}, .width = {width}, .channels = {channels}}}"


def _kernel(step: Step, turn: Turn) -> str:
    source = pointer(step.input) if turn.sums is None else f"bytes + {turn.sums}"
    arguments = [f"&{symbol(step.layer)}_args", source, pointer(step.output)]
    if step.scratch is not None:
        arguments.append(f"bytes + {step.scratch}")
    return f"    {step.kernel.function}({', '.join(arguments)});\n"


def _observe(index: int, step: Step) -> str:
    return f"    observe(observer, context, {index}, {pointer(step.output)}, {step.output.bytes});\n"
