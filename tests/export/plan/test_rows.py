"""Networks that are computed row by row: every code of every layer, in little memory."""

import dataclasses
import itertools
import pathlib
from collections.abc import Callable

import numpy as np
import pytest
import shared_objects
from crafted import NO_PADDING, S8, SAME, U4, U7, crafted

from export.host.engine import CEngine
from export.model import interpreter, random_model
from export.model.integer_model import IntegerModel, Layer, Padding, Size, average_pool
from export.plan import CHOICES, FAST, PORTABLE, RAM, Plan, plan, rows
from export.plan.placement import Window, place_windows
from export.plan.rows import NotByRowsError
from export.plan.steps import Ticks
from export.source import model_source
from quant.qformat import QFormat


def _by_rows(model: IntegerModel, kernels: str = RAM) -> Plan:
    return rows.plan(model, CHOICES[kernels], RAM)


@pytest.fixture(name="assert_runs")
def _assert_runs(engine_objects: list[pathlib.Path], tmp_path: pathlib.Path) -> Callable[..., Plan]:
    """Compares every layer with the interpreter, whether or not the network as a whole would take less memory."""

    def compare(model: IntegerModel, kernels: str = RAM) -> Plan:
        made = _by_rows(model, kernels)
        library = shared_objects.library(tmp_path, model_source.of_plan(model, made), "fxp_host.c", engine_objects)
        codes = random_model.codes(1, model, 12)
        with CEngine(library) as engine:
            outputs = engine.run_layers(codes)
            logits = engine.run(codes)
        for layer, expected in interpreter.run_layers(model, codes):
            assert np.array_equal(outputs[layer.name], expected), layer.name
        assert np.array_equal(logits, expected.reshape(logits.shape))
        return made

    return compare


def _kernel(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-7, 8, shape)


def _network(*layers: tuple[tuple[int, ...], Size, Padding], size: Size, x: QFormat = S8) -> IntegerModel:
    """Convolutions of kernel shape, stride and padding, a pool, and a dense layer."""
    made: list[Layer] = []
    for i, (shape, stride, padding) in enumerate(layers):
        kernel = _kernel(i, *shape)
        fields = {"stride": stride, "padding": padding, "name": f"layer{i}"}
        made.append(crafted(kernel, size, x, shift=5, bits=7, weight_bits=4, **fields))
        size, x = made[-1].output_shape[:2], made[-1].output_format
    made.append(average_pool("pool", made[-1].output_shape, x))
    made.append(crafted(_kernel(9, made[-1].output_shape[2], 3), (1, 1), x, shift=5, relu=False, name="dense"))
    return IntegerModel("network", ("a", "b", "c"), tuple(made))


def test_the_benchmark_network_takes_less_than_five_kilobytes_at_a_fifth_more_instructions() -> None:
    for bits in ((8, 8), (4, 8), (4, 4)):
        model = random_model.ds_cnn(0, weight_bits=bits[0], activation_bits=bits[1])
        assert plan(model, RAM).arena_bytes == 4608
    model = random_model.ds_cnn(0)
    little, fast = (sum(plan(model, profile).instructions().values()) for profile in (RAM, FAST))
    assert little < 1.25 * fast


NETWORKS = {
    "a stride behind others": (
        ((3, 3, 2, 5), (1, 1), SAME),
        ((3, 3, 5), (2, 2), SAME),
        ((1, 1, 5, 6), (1, 1), NO_PADDING),
        ((3, 3, 6), (1, 1), SAME),
    ),
    "two strides, and rows that nobody reads": (
        ((4, 2, 2, 4), (2, 1), ((1, 2), (0, 1))),
        ((1, 1, 4, 8), (3, 1), NO_PADDING),
        ((2, 2, 8), (1, 1), ((0, 1), (0, 0))),
    ),
    "zeros below for many rows": (
        ((5, 3, 2, 4), (1, 1), ((4, 5), (1, 1))),
        ((3, 1, 4), (1, 1), ((0, 7), (0, 0))),
        ((3, 3, 4), (1, 1), SAME),
    ),
    "a window of all rows": (((3, 3, 2, 17), (1, 2), SAME), ((11, 2, 17, 3), (1, 1), NO_PADDING)),
    "one layer": (((2, 2, 2, 4), (1, 1), NO_PADDING),),
}


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_any_window_stride_and_padding(assert_runs: Callable[..., Plan], layers: tuple) -> None:
    assert_runs(_network(*layers, size=(11, 5)))


@pytest.mark.parametrize("kernels", [RAM, PORTABLE])
def test_layouts_of_every_kind(assert_runs: Callable[..., Plan], kernels: str) -> None:
    """Kept int8 rows for kernels on int8, too; a pool has its sums in 16 bits whatever the profile."""
    made = assert_runs(_network(*NETWORKS["a stride behind others"], size=(9, 4)), kernels)
    depthwise = made.steps[3].kernel.function
    assert depthwise == {RAM: "fxp_depthwise_conv2d_s16_rows_dsp", PORTABLE: "fxp_depthwise_conv2d_s8"}[kernels]


def test_a_first_layer_on_int16_converts_its_window(assert_runs: Callable[..., Plan]) -> None:
    made = assert_runs(_network(((3, 3, 8), (1, 1), SAME), ((1, 1, 8, 8), (1, 1), NO_PADDING), size=(9, 5), x=U7))
    assert [conversion.function for conversion in made.steps[0].conversions] == ["fxp_pack_s16"]


def test_a_network_that_is_smaller_as_a_whole_or_has_no_rows_is_computed_as_a_whole() -> None:
    tiny = _network(((1, 1, 1, 4), (1, 1), NO_PADDING), size=(1, 1))
    assert not plan(tiny, RAM).turns and plan(tiny, RAM).arena_bytes <= _by_rows(tiny).arena_bytes
    pooled = IntegerModel("pooled", tuple("abcd"), (average_pool("pool", (3, 3, 4), U4),))
    above = _network(((2, 2, 1, 4), (1, 1), ((2, 0), (0, 0))), size=(6, 4))
    for model, reason in ((pooled, "layer pool pools the network's input"), (above, "layer layer0: windows of 2 rows")):
        assert not plan(model, RAM).turns
        with pytest.raises(NotByRowsError, match=reason):
            _by_rows(model)


def test_ticks_are_those_in_which_the_last_row_of_a_window_is_there() -> None:
    made = _by_rows(_network(*NETWORKS["a stride behind others"], size=(9, 4)))
    first, depthwise, pointwise, last, pool, dense = made.turns
    assert (first.rows, first.arrivals) == (Ticks(0, 1, 9), None)
    assert (depthwise.arrivals, depthwise.rows) == (Ticks(0, 1, 10), Ticks(1, 2, 5))
    assert (pointwise.rows, last.rows) == (Ticks(1, 2, 5), Ticks(3, 2, 5))
    assert pool.rows == dense.rows == Ticks(11, 1, 1) and made.ticks == 12
    assert made.observed()[:7] == (0, 0, 1, 2, 0, 0, 1)
    assert sorted(made.observed()) == sorted([0] * 9 + [1, 2, 3] * 5 + [4, 5])


def test_what_is_kept_lies_apart_from_what_a_tick_works_in() -> None:
    made = plan(random_model.ds_cnn(0), RAM)
    kept = [(turn.kept.place, turn.kept.place + turn.kept.bytes) for turn in made.turns if turn.kept]
    sums = [(turn.sums, turn.sums + 128) for turn in made.turns if turn.sums is not None]
    for (_, end), (begin, _) in itertools.pairwise([*kept, *sums]):
        assert end <= begin
    assert sums[-1][1] <= made.state_bytes <= min(int(step.input.place) for step in made.steps)


def test_windows_share_memory_with_what_is_not_used_at_the_same_time() -> None:
    windows = [Window(0, 100, 50), Window(1280, 640, in_place=True), Window(0, 640, 256), Window(0, 16)]
    total, places = place_windows(windows)
    assert total == 1920 and [place.input for place in places] == [0, 0, 0, 640]
    apart = dataclasses.replace(windows[1], in_place=False)
    total, places = place_windows([windows[0], apart, *windows[2:]])
    assert total == 2560 and places[2].input == 1920


def test_an_observer_sees_rows_and_a_whole_network_layers() -> None:
    model = random_model.ds_cnn(0, channels=4, blocks=1)
    seen = {
        name: model_source.of_plan(model, made)["fxp_model.c"].count(".observed_rows = 1,")
        for name, made in (("rows", _by_rows(model)), ("whole", plan(model, FAST)))
    }
    assert seen == {"rows": len(model.layers), "whole": 2}
