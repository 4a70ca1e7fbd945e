"""Engines side by side, and CMSIS-NN on an integer model."""

import dataclasses
import importlib.util
import itertools
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from export.model import random_model
from microcontroller import bench
from microcontroller.bench import BenchConfig
from microcontroller.firmware.build_error import BuildError
from microcontroller.measurement.engines import NAMES, TFLM
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.rivals.cmsis_nn import package, runner

# TensorFlow Lite Micro is where a person says it is.
INSTALLED = tuple(name for name in NAMES if name != TFLM)


@pytest.fixture(scope="module")
def result(small_bundle: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("build")
    return bench.measure(BenchConfig(small_bundle, emulator="qemu", engines=INSTALLED, build_dir=folder))


def test_every_engine_equals_its_interpreter(result: dict) -> None:
    assert [engine["engine"] for engine in result["engines"]] == list(INSTALLED)
    assert [engine["rounding"] for engine in result["engines"]] == ["single", "single", "double"]
    assert [engine["profile"] for engine in result["engines"]] == ["fast", "portable", None]
    assert all(engine["mismatches"] == 0 for engine in result["engines"])
    assert len({engine["compiler"] for engine in result["engines"]}) == 1


def test_the_first_engine_is_the_results_own(result: dict) -> None:
    first = result["engines"][0]
    own = set(first) - {"ratio_to_cmsis_nn", "cycles_ratio_to_cmsis_nn"}
    assert {key: result[key] for key in own} == {key: first[key] for key in own}
    for engine in result["engines"]:
        assert set(first) == set(engine)


def test_ratios_are_to_cmsis_nn(result: dict) -> None:
    fxp, reference, cmsis_nn = result["engines"]
    assert cmsis_nn["ratio_to_cmsis_nn"] == cmsis_nn["cycles_ratio_to_cmsis_nn"] == 1.0
    for engine in (fxp, reference):
        expected = engine["instructions_per_inference"] / cmsis_nn["instructions_per_inference"]
        assert engine["ratio_to_cmsis_nn"] == pytest.approx(expected, abs=1e-4)
        expected = engine["estimated_cycles"] / cmsis_nn["estimated_cycles"]
        assert engine["cycles_ratio_to_cmsis_nn"] == pytest.approx(expected, abs=1e-4)


def test_the_table_has_every_engine(result: dict) -> None:
    text = bench.table(result)
    for engine in result["engines"]:
        assert f"{engine['instructions_per_inference']:,}" in text and f"{engine['estimated_cycles']:,}" in text
        profile = f", profile {engine['profile']}" if engine["profile"] else ""
        assert f"{engine['engine']}{profile}: {engine['origin']}" in text
    for row in ("inference", "ratio to cmsis_nn", "arena bytes", "stack bytes", "flash: code", "flash: weights"):
        assert any(line.startswith(row) for line in text.splitlines())


def test_no_ratio_without_cmsis_nn(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    config = BenchConfig(
        small_bundle,
        emulator="qemu",
        engines=("reference", "fxp"),
        build_dir=tmp_path,
        clips=1,
        random_codes=0,
        estimate_cycles=False,
    )
    result = bench.measure(config)
    assert result["engine"] == "reference"
    assert all(engine["ratio_to_cmsis_nn"] is None for engine in result["engines"])
    assert "ratio to" not in bench.table(result)


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [
        {"channels": 13, "weight_bits": 4, "activation_bits": 4},
        {"channels": 6, "blocks": 2, "weight_bits": 6, "first_kernel": (3, 5), "first_stride": (1, 2)},
        {"channels": 10, "input_shape": (1, 40, 3), "first_kernel": (1, 7), "first_stride": (1, 2), "blocks": 1},
        {"channels": 8, "input_shape": (9, 9, 2), "first_kernel": (1, 1), "first_stride": (2, 2), "activation_bits": 2},
    ],
)
def test_cmsis_nn_on_odd_shapes(write_bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path, shape: dict) -> None:
    bundle = write_bundle(random_model.ds_cnn(5, **shape))
    result = bench.measure(BenchConfig(bundle, emulator="qemu", engines=("cmsis_nn",), build_dir=tmp_path))
    assert result["inferences"] == 24 and result["mismatches"] == 0


@pytest.mark.parametrize("shape", [{}, {"channels": 13}, {"blocks": 0}, {"channels": 7, "blocks": 1}])
def test_places_do_not_overlap(shape: dict) -> None:
    model = random_model.ds_cnn(1, **shape)
    arena, places = runner.place(model)
    before: tuple[int, int] | None = None
    for layer, at in zip(model.layers, places, strict=True):
        used = [before, (at.scratch, at.scratch + at.scratch_bytes)]
        after = None if at.output is None else (at.output, at.output + int(np.prod(layer.output_shape)))
        spans = [span for span in (*used, after) if span is not None and span[0] < span[1]]
        assert all(start >= 0 and end <= arena for start, end in spans)
        assert all(a[1] <= b[0] or b[1] <= a[0] for a, b in itertools.combinations(spans, 2))
        before = after


def test_scratch_of_every_kind_of_layer() -> None:
    model = random_model.ds_cnn(1, blocks=1)
    found = [runner.scratch_bytes(layer) for layer in model.layers]
    assert found == [2 * 2 * 10 * 4, 2 * 9 * 64, 0, 2 * 125 * 64, 0]


def test_what_cmsis_nn_can_not_run(write_bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path) -> None:
    shape = {"input_shape": (3, 2, 1), "first_kernel": (1, 1), "first_stride": (1, 1)}
    model = random_model.ds_cnn(1, channels=4, blocks=0, **shape)
    padded = dataclasses.replace(model.layers[0], input_shape=(2, 2, 1), padding=((0, 1), (0, 0)))
    bundle = write_bundle(dataclasses.replace(model, layers=(padded, *model.layers[1:])))
    config = BenchConfig(bundle, emulator="qemu", engines=("cmsis_nn",), build_dir=tmp_path)
    with pytest.raises(
        MeasurementError, match=r"can't run this bundle: layer layer0_conv2d: .*1x1 convolution without padding"
    ):
        bench.measure(config)


def test_sources_come_from_the_installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {path.name for path in package.sources()}
    assert {"arm_convolve_wrapper_s8.c", "arm_depthwise_conv_wrapper_s8.c", "arm_fully_connected_s8.c"} <= names
    assert "bakenn 1.0.0" in package.version()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BuildError, match="bakenn, which is missing: run make setup"):
        package.sources()
