"""The plan of a network that is computed row by row, so that no layer's output is ever in memory as a whole.

Time goes in ticks. In a tick every layer whose turn it is computes one row, from the rows of its input that its window
covers: it keeps the last ones of them, and takes what the layer before it has just computed. Above and below its input
are zeros, as padding is. So each row of each layer is computed once, from what it is computed from in the network as a
whole, and is the same in every code.
"""

import dataclasses
import math
from collections.abc import Sequence

from export.model import accumulator
from export.model.integer_model import AVERAGE_POOL, IntegerModel, Layer
from export.model.stream_interpreter import step_layer, window_rows
from export.plan import row_kernels
from export.plan.kernel import Kernel
from export.plan.layout import S8, ActivationLayout, Shape, padded
from export.plan.placement import ALIGNMENT, Window, place_windows
from export.plan.schedule import Profile
from export.plan.steps import INPUT, OUTPUT, Conversion, Kept, Plan, Step, Tensor, Ticks, Turn

_WORD = 4
_PER_ROW = 24.0
"""Instructions of a turn of any layer: whether it has one, and the calls."""
_PER_WINDOW_ROW = 90.0
"""Of a row of the first layer's window, copied from the input and once more by its kernel."""
_PER_MOVED = 0.2
"""Of a byte of kept rows."""
_PER_SUMMED = 1.9
"""Of a code that a pool adds."""


class NotByRowsError(ValueError):
    """A network that can't be computed row by row; the message says which layer is the reason."""


def plan(model: IntegerModel, profile: Profile, name: str) -> Plan:
    """Chooses kernels, and places rows.

    Raises:
      NotByRowsError: a layer whose rows can't be computed one by one.
      NoKernelError: one that no kernel runs.
      ValueError: one whose accumulators are not proved to fit.
    """
    accumulator.prove(model)
    if reason := why_not(model):
        raise NotByRowsError(reason)
    ticks = _ticks(model)
    layers = [step_layer(layer) for layer in model.layers]
    kernels = row_kernels.choose(layers, profile, len(model.labels), [rows.count for rows in ticks])
    return dataclasses.replace(_placed(layers, kernels, ticks, model), profile=name)


def why_not(model: IntegerModel) -> str:
    """Why a network can't be computed row by row; empty where it can."""
    if model.layers[0].op == AVERAGE_POOL:
        return f"layer {model.layers[0].name} pools the network's input"
    for layer in model.layers:
        if layer.padding[0][0] >= window_rows(layer):
            return f"layer {layer.name}: windows of {window_rows(layer)} rows lie in {layer.padding[0][0]} of padding"
    return ""


def _ticks(model: IntegerModel) -> list[Ticks]:
    """When each layer computes its rows."""
    found = [Ticks(0, 1, model.layers[0].output_shape[0])]
    for layer in model.layers[1:]:
        count = layer.output_shape[0]
        every = found[-1].every * layer.stride[0] if count > 1 else 1
        found.append(Ticks(found[-1].at(_last_row(layer, 0)), every, count))
    return found


def _last_row(layer: Layer, row: int) -> int:
    """Of its input, the last one that a row of its output is computed from; those beyond its input are zeros."""
    return row * layer.stride[0] - layer.padding[0][0] + window_rows(layer) - 1


@dataclasses.dataclass(frozen=True)
class _Call:
    """One of a tick: a layer's kernel, or a conversion of what arrives for it.

    Attributes:
      window: what it needs.
      input: what it reads, its place still unknown.
      function: of a conversion; empty for a kernel.
    """

    window: Window
    input: Tensor
    function: str = ""


def _calls(layers: Sequence[Layer], kernels: Sequence[Kernel]) -> list[list[_Call]]:
    """Of each layer its conversions and its kernel; then the conversions of the answer."""
    found, layout = [], S8
    for i, (layer, kernel) in enumerate(zip(layers, kernels, strict=True)):
        _, width, channels = layer.input_shape
        # The caller has a whole window for the first layer; the layer before another one has a row.
        arriving = layer.input_shape if i == 0 else (1, width, channels)
        of_layer = _conversion_calls(layout, kernel.input_layout, arriving)
        kept = 0 if i == 0 else _kept_rows(layer)
        before = kernel.input_layout.size((kept, width, channels))
        in_place = kernel.in_place(layer) and layer.op != AVERAGE_POOL  # which reads its sums
        window = Window(before, kernel.input_layout.size(arriving), kernel.scratch_of(layer), in_place)
        # A pool's sums take the row that its call reads.
        read = arriving if layer.op == AVERAGE_POOL else layer.input_shape
        found.append([*of_layer, _Call(window, Tensor(read, kernel.input_layout, INPUT))])
        layout = kernel.output_layout
    return [*found, _conversion_calls(layout, S8, layers[-1].output_shape)]


def _conversion_calls(before: ActivationLayout, after: ActivationLayout, shape: Shape) -> list[_Call]:
    window = Window(0, before.size(shape), in_place=True)
    functions = row_kernels.conversions(before, after)
    return [_Call(window, Tensor(shape, before, INPUT), function) for function, _ in functions]


def _kept_rows(layer: Layer) -> int:
    """Of its input, which it still needs for its next row of output."""
    return 0 if layer.op == AVERAGE_POOL else window_rows(layer) - 1


def _placed(layers: Sequence[Layer], kernels: Sequence[Kernel], ticks: Sequence[Ticks], model: IntegerModel) -> Plan:
    turns, state_bytes = _turns(model, kernels, ticks)
    calls = _calls(layers, kernels)
    flat = [call for of_layer in calls for call in of_layer]
    work_bytes, places = place_windows([call.window for call in flat])
    starts = [state_bytes + at.input for at in places]
    inputs = [dataclasses.replace(call.input, place=start) for call, start in zip(flat, starts, strict=True)]
    # Where each call writes: behind what the next one fetches, the last one to the caller.
    written: list[int | str] = [start + call.window.before for start, call in zip(starts[1:], flat[1:], strict=True)]
    written.append(OUTPUT)
    following = iter(zip(inputs, written, places, strict=True))

    def converted(of_layer: Sequence[_Call], after: ActivationLayout) -> tuple[Conversion, ...]:
        found = zip((call.function for call in of_layer), following, strict=False)
        return tuple(
            Conversion(function, source, Tensor(source.shape, after, at)) for function, (source, at, _) in found
        )

    steps = []
    for layer, kernel, of_layer in zip(layers, kernels, calls, strict=False):
        conversions = converted(of_layer[:-1], kernel.input_layout)
        source, at, place = next(following)
        output = Tensor(layer.output_shape, kernel.output_layout, at)
        scratch = state_bytes + place.scratch if kernel.scratch_bytes else None
        made = (kernel.constants(layer), kernel.instances(layer))
        steps.append(Step(layer, kernel, conversions, source, output, scratch, *made))
    answer = converted(calls[-1], S8)
    return Plan("", tuple(steps), answer, state_bytes + work_bytes, turns, state_bytes)


def _turns(model: IntegerModel, kernels: Sequence[Kernel], ticks: Sequence[Ticks]) -> tuple[tuple[Turn, ...], int]:
    """What each layer does when, and the bytes at the arena's start of what they keep."""
    found, place = [], 0
    for i, (layer, kernel, rows) in enumerate(zip(model.layers, kernels, ticks, strict=True)):
        _, width, channels = layer.input_shape
        kept, sums, size, arrivals = None, None, 0, None
        if i:
            last = _last_row(layer, layer.output_shape[0] - 1)
            arrivals = dataclasses.replace(ticks[i - 1], count=max(layer.input_shape[0], last + 1))
        if i and _kept_rows(layer):
            kept = Kept(place, (_kept_rows(layer), width, channels), S8)
            size = kept.bytes
        elif layer.op == AVERAGE_POOL:
            sums, size = place, _WORD * padded(channels) // 2
        cost = _instructions(layer, kernel, rows, arrivals, kept)
        if i + 1 < len(ticks) and model.layers[i + 1].op == AVERAGE_POOL:
            cost += rows.count * _PER_SUMMED * math.prod(layer.output_shape[1:])
        found.append(Turn(arrivals, rows, kept, sums, cost))
        place += -(-size // ALIGNMENT) * ALIGNMENT
    return tuple(found), place


def _instructions(layer: Layer, kernel: Kernel, rows: Ticks, arrivals: Ticks | None, kept: Kept | None) -> float:
    """Of all turns beside kernel and conversions: fetching and keeping rows."""
    if arrivals is None:
        return rows.count * (_PER_ROW + _PER_WINDOW_ROW * window_rows(layer))
    if kept is None:
        return rows.count * _PER_ROW
    layout = kernel.input_layout
    converted = (layout.pack_cost * kept.shape[0] + layout.unpack_cost) * math.prod(layer.input_shape[1:])
    return arrivals.count * (_PER_ROW + converted + _PER_MOVED * kept.bytes)
