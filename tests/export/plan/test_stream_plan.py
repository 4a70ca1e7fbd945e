"""The stream's plan: what is chosen and kept, and that every code of its C equals the streaming interpreter's."""

import itertools
import pathlib
import re
import tempfile
from collections.abc import Callable

import numpy as np
import pytest
import shared_objects

from export.host.stream import StreamEngine
from export.model import random_model
from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter, step_layer
from export.plan import FAST, PORTABLE, PROFILES, SMALL, stream
from export.plan.kernels.stream import depthwise_conv2d_s16_rows_dsp
from export.source import stream_source

SHAPES = {
    "benchmark": {},
    "odd channels": {"channels": 17, "blocks": 2, "classes": 5},
    "three channels in": {"input_shape": (13, 9, 3), "channels": 3, "blocks": 1, "classes": 3},
    "no blocks": {"input_shape": (20, 8, 1), "channels": 5, "blocks": 0, "classes": 2},
    "odd rows of bytes": {"input_shape": (21, 7, 1), "channels": 5, "blocks": 1, "first_kernel": (5, 3)},
    "other kernel and stride": {"channels": 5, "blocks": 1, "first_kernel": (3, 5), "first_stride": (1, 3)},
    "one column": {"input_shape": (20, 2, 1), "channels": 6, "blocks": 2},
    "six columns": {"input_shape": (20, 12, 1), "channels": 5, "blocks": 2},
    "one step of channels": {"input_shape": (20, 6, 1), "channels": 4, "blocks": 1},
    "nothing kept in front": {"channels": 6, "blocks": 1, "first_kernel": (2, 2)},
}


def _frames(seed: int, model: IntegerModel, count: int) -> np.ndarray:
    """Extremes, zeros and noise in turns: int8 [count, frame codes]."""
    rng = np.random.default_rng(seed)
    codes = int(np.prod(model.input_shape[1:]))
    frames = rng.integers(-128, 128, (count, codes), dtype=np.int8)
    for start, value in zip(range(0, count // 2, 20), itertools.cycle((127, -128, 0)), strict=False):
        frames[start : start + 10] = value
    return frames


@pytest.fixture(name="assert_equal")
def _assert_equal(engine_objects: list[pathlib.Path], tmp_path: pathlib.Path) -> Callable[..., None]:
    """Compares the logits of a stream's C with the interpreter's, in one run and in two."""

    def compare(model: IntegerModel, profile: str = FAST, steps_per_call: int = 1, count: int = 240) -> None:
        folder = pathlib.Path(tempfile.mkdtemp(dir=tmp_path))
        texts = stream_source.generate(model, profile, steps_per_call)
        library = shared_objects.library(folder, texts, "fxp_stream_host.c", engine_objects)
        frames = _frames(1, model, count)
        expected = StreamInterpreter(model).run(frames)
        assert len(np.unique(expected, axis=0)) > len(expected) // 4
        with StreamEngine(library) as engine:
            assert (engine.run(frames) != expected).sum() == 0
            engine.reset()
            cut = 20 * engine.frames_per_call
            again = np.concatenate([engine.run(frames[:cut]), engine.run(frames[cut:])])
            np.testing.assert_array_equal(again, expected)

    return compare


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "profile"), [(8, 8, FAST), (4, 8, SMALL), (4, 4, FAST), (2, 8, PORTABLE)]
)
def test_the_benchmark_network(assert_equal, weight_bits, activation_bits, profile):
    model = random_model.ds_cnn(3, weight_bits=weight_bits, activation_bits=activation_bits)
    assert_equal(model, profile)


@pytest.mark.parametrize(
    ("shape", "profile"), list(zip(list(SHAPES)[1:], itertools.cycle((FAST, SMALL, PORTABLE)), strict=False))
)
def test_other_shapes(assert_equal, shape, profile):
    assert_equal(random_model.ds_cnn(5, **SHAPES[shape]), profile)


@pytest.mark.parametrize(
    ("profile", "activation_bits", "steps_per_call"), [(FAST, 8, 2), (FAST, 4, 2), (PORTABLE, 8, 3)]
)
def test_several_steps_in_a_call(assert_equal, profile, activation_bits, steps_per_call):
    model = random_model.ds_cnn(6, activation_bits=activation_bits, **SHAPES["odd channels"])
    assert_equal(model, profile, steps_per_call)


def _wide_rows(width: int, channels: int) -> IntegerModel:
    """A depthwise convolution of rows of so many positions and channels, behind a layer that makes them."""
    sizes = dict(input_shape=(3, width, 1), channels=channels, first_kernel=(1, 1), first_stride=(1, 1))
    return random_model.ds_cnn(8, blocks=1, classes=2, **sizes)


def test_a_depthwise_row_is_taken_to_the_last_byte_and_not_beyond(assert_equal):
    """Three rows of 30 positions of 364 channels take 65,520 bytes, of 2,731 of 4 they take 65,544."""
    function = depthwise_conv2d_s16_rows_dsp.KERNEL.function
    last = _wide_rows(30, 364)
    assert stream.plan(last).steps[1].step.kernel.function == function
    assert_equal(last, count=24)
    refused = depthwise_conv2d_s16_rows_dsp.KERNEL.refusal(step_layer(_wide_rows(2731, 4).layers[1]))
    assert refused == "three rows take more than 65535 bytes"
    beyond = _wide_rows(48, 228)
    assert stream.plan(beyond).steps[1].step.kernel.function != function
    assert_equal(beyond, count=24)


def test_nothing_of_the_plan_overlaps():
    for profile, activation_bits, steps_per_call in itertools.product(PROFILES, (4, 8), (1, 2)):
        model = random_model.ds_cnn(9, activation_bits=activation_bits)
        steps = stream.plan(model, profile, steps_per_call)
        for item in steps.steps:
            step, used = item.step, []
            for tensor in (step.input, step.output):
                if isinstance(tensor.place, int):
                    used.append(range(tensor.place, tensor.place + tensor.bytes))
            if len(used) == 2 and step.kernel.in_place(step.layer) and item.history is None:
                used = used[:1]
            if step.scratch is not None:
                used.append(range(step.scratch, step.scratch + step.kernel.scratch_bytes(step.layer)))
            assert all(part.stop <= steps.arena_bytes for part in used)
            for a, b in itertools.combinations(used, 2):
                assert a.stop <= b.start or b.stop <= a.start, step.layer.name


def test_the_plan_takes_the_stream_s_own_kernels():
    lanes = ("conv2d_s8_to_channel_rows_dsp_lanes", "depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes")
    for weight_bits, bits, own in (
        (8, 8, ("conv2d_s8_to_s16_dsp", "depthwise_conv2d_s16_rows_dsp", "pointwise_conv2d_s16_rows_dsp")),
        (4, 4, (*lanes, "pointwise_conv2d_position_pairs_dsp_lanes")),
        (4, 8, (*lanes, "pointwise_conv2d_position_pairs_dsp_lanes_outer")),
    ):
        model = random_model.ds_cnn(0, weight_bits=weight_bits, activation_bits=bits)
        first, depthwise, pointwise = (f"fxp_{name}" for name in own)
        kernels = [row["kernel"] for row in stream.plan(model).rows()]
        assert kernels[:9] == [first, *4 * [depthwise, pointwise]]
        assert not {first, depthwise, pointwise} & {row["kernel"] for row in stream.plan(model, PORTABLE).rows()}


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "counted"), [(8, 8, 85_737), (4, 8, 67_310), (4, 4, 48_760)]
)
def test_a_step_s_kernels_cost_what_was_counted_within_five_percent(weight_bits, activation_bits, counted):
    """Of all that a step does; `tests/microcontroller/test_stream_device.py` counts it."""
    model = random_model.ds_cnn(0, weight_bits=weight_bits, activation_bits=activation_bits)
    steps = [item.step for item in stream.plan(model).steps]
    assert sum(step.kernel.instructions(step.layer) for step in steps) == pytest.approx(counted, rel=0.05)


def test_rows_wider_than_registers_have_kernels_of_int16():
    model = random_model.ds_cnn(0, weight_bits=4, activation_bits=4, **SHAPES["six columns"])
    kernels = {row["kernel"] for row in stream.plan(model).rows()}
    assert {"fxp_depthwise_conv2d_s16_rows_dsp", "fxp_pointwise_conv2d_s16_rows_dsp_lanes"} <= kernels


@pytest.mark.parametrize("width", [6, 7, 10])
def test_rows_of_few_bits(assert_equal, width):
    """Three to five columns, of channels that are padded; state that begins with sums, and again after a reset."""
    shape = dict(input_shape=(20, width, 1), channels=34, blocks=2, classes=3)
    model = random_model.ds_cnn(5, weight_bits=4, activation_bits=4, **shape)
    steps = stream.plan(model)
    assert steps.rows()[1]["kernel"] == "fxp_depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes"
    assert_equal(model, count=120)
    assert_equal(model, steps_per_call=3, count=120)


def test_the_plan_is_a_table():
    text = stream.plan(random_model.ds_cnn(0)).table()
    assert re.search(r"fxp_depthwise_conv2d_s16_rows_dsp +3 +1 ", text)
    assert text.splitlines()[-1].startswith("profile fast, 2 frames a call: state 11,136 B, arena ")
