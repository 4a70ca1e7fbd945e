"""The pretrained bundles: whole, described as they are, and exact everywhere."""

import dataclasses
import json
import pathlib
import re

import numpy as np
import pytest

from export import renew
from export.bundle import detector_file, generated_c
from export.bundle import folder as bundles
from export.model import accumulator, interpreter
from export.model import detector as detectors
from export.model.integer_model import Layer
from export.proof.bundle_proof import VerifyConfig, verify_bundle
from kws.evaluation.streaming.sound import Listener
from microcontroller import bench
from microcontroller.streaming import recording

MODELS = pathlib.Path(__file__).resolve().parent.parent / "models"
PATHS = sorted(path.parent for path in MODELS.glob("*/bundle.json"))
CLIPS = 32

each_model = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)


def test_there_are_models_of_every_kind() -> None:
    found = {path.name for path in PATHS}
    assert {"w8a8", "w4a8", "w4a4", "w2a8", "w4a8_uniform_shift", "marvin_w4a4", "ds_cnn_m_w8a8"} <= found


@each_model
def test_a_bundle_is_whole_and_its_golden_vectors_are_the_interpreters(path: pathlib.Path) -> None:
    bundle = bundles.load(path)
    golden = bundle.golden
    for rounding, expected in (("single", golden.logits_single), ("double", golden.logits_double)):
        found = interpreter.run(bundle.model, golden.features[:CLIPS], rounding)
        np.testing.assert_array_equal(found, expected[:CLIPS])
    accuracy = np.mean(golden.logits_single.argmax(axis=1) == golden.labels)
    assert accuracy == bundle.metrics["fixed_point"]["testing"]["accuracy"]


@each_model
def test_the_generated_c_and_the_card_are_what_this_program_writes(path: pathlib.Path) -> None:
    """Where a change of generator or card is meant: python -m export.renew --bundle=models/NAME for each."""
    bundle = bundles.load(path)
    assert generated_c.hashes(bundle.c_files) == bundle.manifest["c"]["files"]
    assert renew.card(bundle) == (path / bundles.CARD).read_text()


def test_sixteen_bit_accumulators_are_enough_for_w4a8() -> None:
    """At the last value: no layer's largest sum is beyond 2**15 - 1, and the card says so."""
    layers = bundles.load(MODELS / "w4a8").model.layers
    assert max(accumulator.worst_case(layer).max() for layer in layers) <= 2**15 - 1
    accumulator.prove(dataclasses.replace(bundles.load(MODELS / "w4a8").model, layers=_declared(layers, 16)))
    with pytest.raises(ValueError, match="more than 15 bits hold"):
        accumulator.prove(dataclasses.replace(bundles.load(MODELS / "w4a8").model, layers=_declared(layers, 15)))
    assert "accumulators of **16 bits** hold every sum" in (MODELS / "w4a8" / bundles.CARD).read_text()


def _declared(layers: tuple[Layer, ...], bits: int) -> tuple[Layer, ...]:
    return tuple(dataclasses.replace(layer, accumulator_bits=bits) for layer in layers)


@each_model
def test_the_card_says_whose_data_they_are_and_how_to_make_the_model_again(path: pathlib.Path) -> None:
    card = (path / bundles.CARD).read_text()
    for text in (
        "CC BY 4.0",
        "Warden",
        "python -m kws.train",
        bundles.load(path).model.sha256,
        "validation",
        "testing",
    ):
        assert text in card, text


def test_the_teacher_that_a_card_names_is_the_one_that_the_readme_names() -> None:
    """The M before today's: its hash is in README.md; its command is today's but for the number of float epochs."""
    training = {path.name: bundles.load(path).training for path in PATHS}
    today = training["ds_cnn_m_w8a8"]
    # Its own stage 2 makes no difference to those who follow its float model.
    float_part = re.sub(r" --fixed_point_epochs=\d+", "", today["command"]).replace(
        "--float_epochs=32", "--float_epochs=40"
    )
    named = re.search(r"the float model with the sha256 `(\w{64})`", (MODELS / "README.md").read_text())
    assert named is not None and named[1] != today["float_sha256"]
    for name in sorted(set(training) - {"ds_cnn_m_w8a8", "marvin_w4a4"}):
        identities = training[name]["teachers"]
        assert identities["float_teachers"] == {"runs/ds_cnn_m": named[1]}, name
        for flag in identities:
            assert list(identities[flag]) == training[name]["settings"][flag], name
        first, last = training[name]["command"].splitlines()
        assert first == float_part.replace("--run_dir=R", "--run_dir=runs/ds_cnn_m"), name
        assert "--float_teachers=runs/ds_cnn_m" in last, name


def test_the_table_of_models_has_their_own_figures() -> None:
    rows = re.findall(
        r"^\| \[(\w+)\]\(\w+/MODEL_CARD\.md\) \|(.*)\|$", (MODELS / "README.md").read_text(), re.MULTILINE
    )
    assert sorted(name for name, _ in rows) == [path.name for path in PATHS]
    for name, cells in rows:
        metrics = bundles.load(MODELS / name).metrics
        for stage in ("float", "fixed_point"):
            for split in ("validation", "testing"):
                figure = f"{100 * metrics[stage][split]['accuracy']:.2f}"
                assert figure in cells, f"{name}: {stage} {split} is {figure}"


def test_what_detectors_hear_is_what_their_tuning_found() -> None:
    said = re.findall(r"([\d.]+) % \((\w+)\)", (MODELS / "README.md").read_text())
    assert sorted(name for _, name in said) == [path.name for path in PATHS]
    for figure, name in said:
        tuned = json.loads((MODELS / name / detectors.FILE).read_text())
        assert tuned["tuned_for"]["negatives"]
        assert figure == f"{100 * (1 - tuned['there']['words']['30 dB']['miss_rate']):.1f}"


@each_model
def test_it_hears_keywords_in_a_stream(path: pathlib.Path) -> None:
    bundle = bundles.load(path)
    listener = Listener(bundle, detector_file.of_bundle(bundle), block_seconds=2.0)
    found = listener.feed(recording.synthetic().samples)
    assert len({detection.keyword for detection in found}) >= (0 if path.name.startswith("marvin") else 3)


def test_formats_are_those_of_the_name() -> None:
    for path in PATHS:
        widths = re.search(r"w(\d)a(\d)", path.name)
        layers = [layer for layer in bundles.load(path).model.layers if layer.macs]
        assert {layer.weight_format.bits for layer in layers} == {int(widths[1])}, path.name
        # 8 bits after ReLU are seven and a spare sign; logits have eight whatever the width.
        assert {layer.output_format.bits for layer in layers[:-1]} == {min(int(widths[2]), 7)}, path.name
        if path.name.endswith("uniform_shift"):
            assert bundles.load(path).model.one_shift is not None


@pytest.mark.slow
@each_model
def test_no_code_differs_anywhere(path: pathlib.Path) -> None:
    result = verify_bundle(bundles.load(path), VerifyConfig(clips=CLIPS, random_codes=CLIPS))
    assert result.mismatches == 0
    assert result.clips == CLIPS


@pytest.mark.slow
@each_model
def test_no_logit_differs_on_the_emulated_device(path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    config = bench.BenchConfig(path, "qemu", clips=CLIPS, random_codes=CLIPS, build_dir=tmp_path, estimate_cycles=False)
    result = bench.measure(config)
    assert result["mismatches"] == 0
    assert result["inferences"] == 2 * CLIPS
