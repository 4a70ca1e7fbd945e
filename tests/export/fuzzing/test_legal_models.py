"""Random models cover what is legal, to its edges, and are the same for the same seed."""

import functools

import numpy as np
import pytest

from export.fuzzing import case
from export.fuzzing.case import Case
from export.fuzzing.models import legal_codes, legal_models
from export.model import accumulator
from export.model.integer_model import OPS, Layer, same_padding
from export.plan import PROFILES, plan
from export.plan.kernels import profiles

COUNT = 400


@functools.cache
def cases() -> tuple[Case, ...]:
    return tuple(case.drawn(0, number) for number in range(COUNT))


def layers() -> list[Layer]:
    return [layer for one in cases() for layer in one.model.layers]


def test_the_same_seed_gives_the_same_model_and_inputs() -> None:
    for one in cases()[:5]:
        again = case.drawn(0, int(one.name.split()[-1]))
        assert again.model.sha256 == one.model.sha256 and np.array_equal(again.codes, one.codes)
    assert len({one.model.sha256 for one in cases()}) == COUNT


def test_every_width_op_and_kind_of_format_is_drawn() -> None:
    assert {layer.op for layer in layers()} == set(OPS)
    assert {layer.weight_format.bits for layer in layers()} == set(range(2, 9))
    outputs = {(q.bits, q.signed, q.symmetric) for q in (layer.output_format for layer in layers())}
    assert {(bits, True, False) for bits in range(2, 9)} <= outputs
    assert {(bits, False, False) for bits in range(2, 8)} <= outputs
    assert sum(symmetric for _, _, symmetric in outputs) >= 5
    assert {8, 32} <= {layer.accumulator_bits for layer in layers()}
    assert len({layer.accumulator_bits for layer in layers()}) > 20


def test_the_edges_are_drawn() -> None:
    assert {layer.shift for layer in layers()} >= {0, 1, 29, 30}
    assert any(layer.accumulator_bits == accumulator.required_bits(layer) for layer in layers())
    assert any(accumulator.worst_case(layer).max() > 2**30 for layer in layers())
    assert any(not layer.kernel.any() for layer in layers())
    odd = [layer for layer in layers() if any(map(any, layer.padding))]
    assert any(layer.padding != same_padding(layer.input_shape[:2], layer.kernel_size, layer.stride) for layer in odd)
    assert any(layer.stride[0] > layer.kernel_size[0] for layer in layers())
    assert any(abs(layer.output_format.fraction_bits) > 32 for layer in layers())
    assert any(sum(layer.op == "average_pool" for layer in one.model.layers) > 1 for one in cases())


def test_every_kernel_of_every_profile_runs_some_layer() -> None:
    chosen = {name: set() for name in PROFILES}
    for one in cases():
        for name in PROFILES:
            try:
                chosen[name] |= {step.kernel.function for step in plan(one.model, name).steps}
            except ValueError as error:
                assert "the accumulator can reach" in str(error)
    for name in PROFILES:
        functions = {kernel.function for kernel in getattr(profiles, name.upper())}
        missing = functions - chosen[name]
        assert len(missing) <= len(functions) // 4, f"{name}: never chosen: {missing}"


@pytest.mark.parametrize("count", [1, 4, 10])
def test_inputs_are_codes_of_the_input_format(count: int) -> None:
    for number in range(40):
        model = legal_models.draw(np.random.default_rng(number))
        codes, q = legal_codes.draw(number, model, count), model.input_format
        assert codes.dtype == np.int8 and codes.shape == (count, *model.input_shape)
        assert codes.min() >= q.min_code and codes.max() <= q.max_code
