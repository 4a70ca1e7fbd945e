"""The plan: what is chosen, refused and placed, and that nothing is overwritten before it is read."""

import dataclasses
import itertools

import numpy as np
import pytest

from export.model import interpreter, random_model
from export.model.integer_model import CONV2D, DENSE, DEPTHWISE_CONV2D, IntegerModel, Layer, average_pool
from export.plan import (
    CYCLES,
    FAST,
    HELIUM,
    PACKED,
    PORTABLE,
    PROFILES,
    RAM,
    SMALL,
    Need,
    Plan,
    Tensor,
    goals,
    place,
    plan,
    scale,
)
from export.plan.kernels import profiles
from export.plan.kernels.dsp import depthwise_conv2d_s16_dsp, matrix_loops, pointwise_conv2d_s16_dsp
from export.plan.schedule import Profile, candidates, choose
from quant.qformat import QFormat, activation_format, weight_format

NO_PADDING = ((0, 0), (0, 0))
SAME = ((1, 1), (1, 1))
SHAPES = [
    {},
    {"channels": 17, "blocks": 2, "classes": 5},
    {"channels": 172, "blocks": 1},
    {"input_shape": (13, 9, 3), "channels": 3, "blocks": 1, "classes": 3},
]


def _layer(op: str, input_shape: tuple, kernel: np.ndarray, *, shift: int = 7, **fields) -> Layer:
    """One layer with 8-bit inputs, unsigned where nothing else is asked for, and 8-bit weights."""
    channels = input_shape[2] if op == DEPTHWISE_CONV2D else kernel.shape[-1]
    stride, padding = fields.pop("stride", (1, 1)), fields.pop("padding", NO_PADDING)
    sizes = (1, 1) if op == DENSE else kernel.shape[:2]
    height, width = (
        (length + sum(pads) - k) // s + 1
        for length, k, s, pads in zip(input_shape[:2], sizes, stride, padding, strict=True)
    )
    bias = fields.pop("bias", np.zeros(channels, np.int32))
    x = fields.pop("x", activation_format(8, 7, True))
    q_w = weight_format(8, 7)
    y = fields.pop("y", activation_format(8, q_w.fraction_bits + x.fraction_bits - shift, True))
    shapes = (input_shape, (height, width, channels))
    kernel = kernel.astype(np.int8)
    return Layer("layer", op, *shapes, kernel, bias.astype(np.int32), stride, padding, x, q_w, y, **fields)


def _pointwise(weight: int = 7, depth: int = 8, **fields) -> Layer:
    return _layer(CONV2D, (3, 3, depth), np.full((1, 1, depth, 4), weight), **fields)


def _names(layer: Layer, profile: str) -> list[str]:
    model = IntegerModel(
        "model",
        tuple(f"label{i}" for i in range(layer.output_shape[2])),
        (layer,)
        if layer.output_shape[:2] == (1, 1)
        else (layer, average_pool("pool", layer.output_shape, layer.output_format)),
    )
    step = plan(model, profile).steps[0]
    return [step.kernel.function, *(instance.macro for instance in step.instances.values())]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_benchmark_network_gets_the_kernels_of_its_profile(profile):
    functions = {step.kernel.function for step in plan(random_model.ds_cnn(1), profile).steps}
    vectors = ("s8_helium", "s8_to_planes_helium")
    others = {PACKED: "s8_packed", PORTABLE: "s8", CYCLES: "s16_dsp_wide", RAM: "s16_rows_dsp"}
    suffixes = vectors if profile == HELIUM else (others.get(profile, "s16_dsp"),)
    pointwise = {name for name in functions if "pointwise" in name}
    assert pointwise == {f"fxp_pointwise_conv2d_{suffix}" for suffix in suffixes}
    assert all(name.endswith("helium") for name in functions) == (profile == HELIUM)
    if profile in (FAST, HELIUM):
        conversions = [step.conversions for step in plan(random_model.ds_cnn(1), profile).steps]
        assert not any(conversions), "the plan converts no layout"


@pytest.mark.parametrize(
    ("weight_bits", "macro"), [(8, "FXP_MATRIX_LOOP_S16_DSP_W8"), (4, "FXP_MATRIX_LOOP_S16_DSP_W4")]
)
def test_the_small_profile_packs_weights_as_narrow_as_they_are(weight_bits, macro):
    model = random_model.ds_cnn(1, weight_bits=weight_bits)
    small, fast = plan(model, SMALL), plan(model, FAST)
    functions = {"fxp_pointwise_conv2d_s16_dsp", "fxp_pointwise_conv2d_row_pairs_dsp"}
    pointwise = [step for step in small.steps if step.kernel.function in functions]
    assert [step.instances["loop"].macro for step in pointwise] == [macro] * 4
    assert all(step.constant_bytes == 64 * 64 * weight_bits // 8 + 64 * 4 for step in pointwise)
    assert sum(s.constant_bytes for s in small.steps) < 0.6 * sum(s.constant_bytes for s in fast.steps)


def test_a_kernel_whose_proof_fails_is_not_chosen():
    """Nibbles are read as 4096 times their value: sums above 2**31 / 4096 leave the accumulator."""
    assert _names(_pointwise(), SMALL)[1] == "FXP_MATRIX_LOOP_S16_DSP_W4"
    limit = 2**31 // 4096
    peak = 7 * 8 * 127 + 64
    fits = _pointwise(bias=np.full(4, limit - peak - 1))
    assert _names(fits, SMALL)[1] == "FXP_MATRIX_LOOP_S16_DSP_W4"
    breaks = _pointwise(bias=np.full(4, limit - peak))
    assert "32" in matrix_loops.W4.refusal(breaks)
    assert "FXP_MATRIX_LOOP_S16_DSP_W4" not in _names(breaks, SMALL)
    with pytest.raises(ValueError, match="their sums 32"):
        matrix_loops.W4.scaled(breaks)


def test_a_sum_of_pooling_that_leaves_16_bits_is_not_paired():
    for positions, function in ((516, "fxp_average_pool_s16_dsp"), (517, "fxp_average_pool_s8")):
        layer = _pointwise()
        pool = average_pool("pool", (1, positions, 4), layer.output_format)
        layer = _layer(CONV2D, (1, positions, 8), np.full((1, 1, 8, 4), 7))
        model = IntegerModel("model", tuple("abcd"), (layer, pool))
        assert plan(model, FAST).steps[1].kernel.function == function


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (_pointwise(y=QFormat(8, 7, symmetric=True)), "symmetric"),
        (_pointwise(shift=0, bias=np.full(4, 2**31 - 1 - 7 * 8 * 127)), "shift 0"),
        (_pointwise(depth=516), "512"),
        (_layer(CONV2D, (4, 4, 4), np.ones((1, 1, 4, 4)), stride=(2, 2)), "stride"),
        (_layer(DEPTHWISE_CONV2D, (4, 4, 4), np.ones((3, 3, 4)), stride=(2, 1)), "stride"),
        (_layer(DEPTHWISE_CONV2D, (4, 4, 4), np.ones((5, 5, 4)), padding=((2, 2), (2, 2))), "3x3"),
        (_layer(DEPTHWISE_CONV2D, (4, 4, 4), np.ones((3, 3, 4)), padding=((2, 2), (1, 1))), "padding"),
        (_layer(DEPTHWISE_CONV2D, (4, 4, 1024), np.ones((3, 3, 1024)), padding=SAME), "2044"),
        (_layer(DEPTHWISE_CONV2D, (1, 121, 4), np.ones((3, 3, 4)), padding=SAME), "120"),
        (_layer(DEPTHWISE_CONV2D, (1, 100, 400), np.ones((3, 3, 400)), padding=SAME), "65535"),
    ],
)
def test_what_a_kernel_can_not_do_falls_to_the_portable_one(layer, reason):
    kernel = (
        depthwise_conv2d_s16_dsp.KERNEL
        if layer.op == DEPTHWISE_CONV2D
        else pointwise_conv2d_s16_dsp.kernel(matrix_loops.W16)
    )
    assert reason in kernel.refusal(layer)
    with pytest.raises(ValueError, match=r"layer layer \(\w+, .* to .*\): no kernel runs it") as error:
        candidates(layer, (kernel,))
    assert kernel.function in str(error.value) and reason in str(error.value)
    assert candidates(layer, (kernel, *profiles.FAST))


PORTABLE_KERNELS = tuple(step.kernel for step in plan(random_model.ds_cnn(1), PORTABLE).steps)


def test_a_kernel_that_is_faster_only_by_itself_is_not_taken():
    """Converting a large tensor there and back costs more than a small layer gains."""
    layer = _layer(CONV2D, (20, 20, 4), np.ones((1, 1, 4, 4)))
    model = IntegerModel("model", tuple("abcd"), (layer, average_pool("pool", (20, 20, 4), layer.output_format)))
    dear = dataclasses.replace(
        pointwise_conv2d_s16_dsp.kernel(matrix_loops.W16), instructions=lambda layer: 2.7 * layer.macs
    )
    kernels = choose(model, Profile((dear, *PORTABLE_KERNELS)))
    assert [kernel.function for kernel in kernels] == ["fxp_pointwise_conv2d_s8", "fxp_average_pool_s8"]


def _intervals(made: Plan) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """Of each call: its name, and what it reads and writes in the arena."""

    def span(name: str, tensor: Tensor) -> list[tuple[str, int, int]]:
        return [] if isinstance(tensor.place, str) else [(name, tensor.place, tensor.place + tensor.bytes)]

    calls = []
    for step in made.steps:
        calls += [
            (f"{step.layer.name} {c.function}", [*span("input", c.input), *span("output", c.output)])
            for c in step.conversions
        ]
        used = [*span("input", step.input), *span("output", step.output)]
        if step.scratch is not None:
            used.append(("scratch", step.scratch, step.scratch + step.kernel.scratch_bytes(step.layer)))
        calls.append((step.layer.name, used))
    return calls


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_overlaps_that_is_used_at_once(shape, profile):
    made = plan(random_model.ds_cnn(1, **shape), profile)
    in_place = {step.layer.name: step.kernel.in_place(step.layer) for step in made.steps}
    for name, used in _intervals(made):
        for (kind, begin, end), (other, other_begin, other_end) in itertools.combinations(used, 2):
            apart = end <= other_begin or other_end <= begin
            same = {kind, other} == {"input", "output"} and begin == other_begin and in_place.get(name, True)
            assert apart or same, f"{name}: {kind} and {other} overlap"
        assert all(begin >= 0 and end <= made.arena_bytes for _, begin, end in used)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("shape", SHAPES[1:])
def test_what_was_in_the_arena_does_not_matter(build, shape, profile):
    model = random_model.ds_cnn(2, **shape, weight_bits=4)
    codes = random_model.codes(3, model, 3)
    expected = interpreter.run(model, codes)
    with build(model, profile) as engine:
        guard = 64
        for poison in (0x00, 0x7F, 0x80, 0xFF):
            memory = np.full(engine.arena_bytes + 2 * guard + 16, poison, np.uint8)
            start = guard + -(memory.ctypes.data + guard) % 16
            arena = memory.ctypes.data + start
            for clip, logits in zip(codes, expected, strict=True):
                output = np.zeros(len(model.labels), np.int8)
                clip = np.ascontiguousarray(clip)
                engine._library.fxp_host_run(clip.ctypes.data, output.ctypes.data, 1, arena)
                assert np.array_equal(output, logits)
            outside = np.concatenate([memory[:start], memory[start + engine.arena_bytes :]])
            assert (outside == poison).all()


def test_calls_in_place_share_a_buffer_and_scratch_lies_beside():
    needs = [Need(100, 30), Need(200, 16, in_place=True), Need(50), Need(60, 5, in_place=True), Need(None, 8)]
    total, places = place(needs)
    assert total == max(208 + 16, 208 + 64, 64 + 16)
    assert [p.output for p in places] == [0, 0, total - 64, total - 64, None]
    assert [p.scratch for p in places][:2] == [208, 208]


def test_scaled_layers_share_canonical_shifts_and_keep_their_codes():
    model = random_model.ds_cnn(4)
    for layer in model.layers:
        scaled = scale.scaled(layer)
        factor = 1 << (scaled.shift - layer.shift)
        assert scaled.shift in scale.CANONICAL_SHIFTS
        assert np.array_equal(scaled.weights, layer.kernel.astype(np.int64) * factor)
        assert np.abs(scaled.weights).max() < 2**15
        half = (1 << layer.shift) >> 1
        sums = np.arange(-5000, 5000) * 37
        assert np.array_equal((sums + half) >> layer.shift, ((sums + half) * factor) >> scaled.shift)


def test_matrix_loops_hold_every_weight():
    rng = np.random.default_rng(5)
    for loop, peak in ((matrix_loops.W16, 32767), (matrix_loops.W8, 127), (matrix_loops.W4, 7)):
        weights = rng.integers(-peak, peak + 1, (6, 12))
        words = loop.weights(weights, np.arange(6), 3).values
        assert words.dtype == np.uint32 and words.size == loop.weights_words(6, 3)
        bits = {32767: 16, 127: 8, 7: 4}[peak]
        fields = np.stack([(words >> shift) & (2**bits - 1) for shift in range(0, 32, bits)])
        signed = np.where(fields >= 2 ** (bits - 1), fields.astype(np.int64) - 2**bits, fields.astype(np.int64))
        per_pair = words.size // 4
        for pair in range(3):
            stored = signed[:, pair * per_pair + 2 : (pair + 1) * per_pair]
            expected = np.concatenate([weights[2 * pair], weights[2 * pair + 1]])
            assert sorted(stored[stored != 0]) == sorted(expected[expected != 0])


def test_the_table_tells_the_plan():
    model = random_model.ds_cnn(1, channels=8, blocks=1)
    made = plan(model, FAST)
    rows = made.rows()
    assert [row["layer"] for row in rows] == [layer.name for layer in model.layers]
    assert all(row["required_bits"] <= row["accumulator_bits"] for row in rows)
    assert rows[2]["instances"] == [f"matrix_loop_s16_dsp_2_{scale.scaled(model.layers[2]).shift}_usat_7"]
    text = made.table()
    assert f"arena {made.arena_bytes:,} B" in text and "fxp_depthwise_conv2d_s16_dsp" in text
    assert len(text.splitlines()) == len(model.layers) + 2


def test_a_goal_names_the_profile_that_is_made_for_the_core() -> None:
    assert [goals.profile_for(goal) for goal in goals.GOALS] == [CYCLES, FAST, SMALL, RAM]
    assert goals.profile_for("cycles", (PACKED, PORTABLE)) == goals.profile_for("instructions", (PACKED,)) == PACKED
    assert goals.profile_for("flash", (PACKED, PORTABLE)) == PORTABLE
    with pytest.raises(ValueError, match="optimize=flash: none of packed serves it"):
        goals.profile_for("flash", (PACKED,))
