"""verify finds a doctored code in every implementation, and names layer, clip and position."""

import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from export.bundle import folder as bundles
from export.bundle import tflite
from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.model import interpreter
from export.model.integer_model import IntegerModel
from export.proof import bundle_proof
from export.proof.bundle_proof import VerifyConfig, verify_bundle
from export.proof.implementations import LayerCodes
from export.proof.parity import Parity
from export.proof.proof_error import ProofError

FAST = {"random_codes": 40, "batch": 16}


def exact_keras(bundle: Bundle) -> LayerCodes:
    """Stands in for a Keras graph that is right."""

    def run_layers(codes: np.ndarray) -> dict[str, np.ndarray]:
        return {layer.name: y.astype(np.float64) for layer, y in interpreter.run_layers(bundle.model, codes)}

    return run_layers


@pytest.fixture(autouse=True)
def keras_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bundle_proof.IMPLEMENTATIONS, "keras", ("single", exact_keras))


def changed_weight(model: IntegerModel, index: int) -> IntegerModel:
    """One weight of one layer moved by one code."""
    kernel = model.layers[index].kernel.copy()
    kernel.flat[0] += 1 if kernel.flat[0] < 0 else -1
    layers = list(model.layers)
    layers[index] = dataclasses.replace(layers[index], kernel=kernel)
    return dataclasses.replace(model, layers=tuple(layers))


def test_a_whole_bundle_has_no_mismatch(make_bundle, small_model) -> None:
    result = verify_bundle(make_bundle(small_model), VerifyConfig(**FAST))
    assert result.mismatches == 0
    assert (result.clips, result.random_codes, result.inputs) == (8, 40, 48)
    names = [(pair.implementation, pair.rounding) for pair in result.pairs]
    assert names == [
        ("keras", "single"),
        ("c_engine", "single"),
        ("tflm", "double"),
        ("golden", "single"),
        ("golden", "double"),
        ("frontend", "single"),
        ("stream", "single"),
    ]
    assert result.skipped == {"detector": "the bundle has no detector: python -m kws.tune_detector adds one"}
    sizes = {layer.name: 48 * int(np.prod(layer.output_shape)) for layer in small_model.layers}
    for implementation in result.pairs[:3]:
        assert {name: layer.codes for name, layer in implementation.layers.items()} == sizes
    for golden in result.pairs[3:5]:
        assert golden.codes == 8 * 3, "logits of the golden clips alone"
    json.dumps(result.as_dict())


def test_at_least_500_inputs_by_default(make_bundle, small_model) -> None:
    bundle = make_bundle(small_model)
    assert verify_bundle(bundle, VerifyConfig(implementations=("c_engine",))).inputs == 500
    few = verify_bundle(bundle, VerifyConfig(clips=3, random_codes=0, implementations=("c_engine",)))
    assert (few.clips, few.inputs) == (3, 3)


@pytest.mark.parametrize("index", [0, 1, 2, 4])
def test_a_changed_weight_in_the_tflite_is_named(make_bundle, small_model, doctor, index: int) -> None:
    bundle = doctor(make_bundle(small_model), bundles.TFLITE, tflite.to_tflite(changed_weight(small_model, index)))
    result = verify_bundle(bundle, VerifyConfig(**FAST))
    tflm = result.pair("tflm", "double")
    assert tflm.mismatches == result.mismatches > 0
    assert tflm.first.layer == small_model.layers[index].name
    assert all(layer.mismatches == 0 for layer in list(tflm.layers.values())[:index])
    assert f"tflm differs from interpreter double first in layer {tflm.first.layer}, clip" in result.table()


def test_the_named_code_is_the_one_that_differs(make_bundle, small_model, doctor) -> None:
    other = changed_weight(small_model, 0)
    bundle = doctor(make_bundle(small_model), bundles.TFLITE, tflite.to_tflite(other))
    first = verify_bundle(bundle, VerifyConfig(**FAST)).pair("tflm", "double").first
    clip = bundle.golden.clips.index(first.clip)
    x = bundle.golden.features[clip : clip + 1]
    right = interpreter.run_layer(small_model.layers[0], x, "double")[0, *first.position]
    wrong = interpreter.run_layer(other.layers[0], x, "double")[0, *first.position]
    assert (first.code, first.expected) == (wrong, right)


def test_a_changed_weight_in_the_c_source_is_named(make_bundle, small_model) -> None:
    bundle = make_bundle(small_model)
    start = r"(layer2_conv2d_weights\[16\] = \{\n +)41,"  # int8, of the first channel
    bundle.c_files["fxp_model.c"], count = re.subn(start, r"\g<1>-127,", bundle.c_files["fxp_model.c"])
    assert count == 1
    result = verify_bundle(bundle, VerifyConfig(**FAST))
    assert result.pair("c_engine").first.layer == "layer2_conv2d"
    assert result.pair("tflm", "double").mismatches == 0


@pytest.mark.parametrize("rounding", ["single", "double"])
def test_a_changed_golden_logit_is_named(make_bundle, small_model, rounding: str) -> None:
    golden = make_bundle(small_model).golden
    logits = getattr(golden, f"logits_{rounding}").copy()
    logits[5, 1] ^= 1
    bundle = make_bundle(small_model, golden=dataclasses.replace(golden, **{f"logits_{rounding}": logits}))
    result = verify_bundle(bundle, VerifyConfig(**FAST))
    found = result.pair("golden", rounding)
    assert result.mismatches == found.mismatches == 1
    assert (found.first.clip, found.first.position) == ("clip5.wav", (0, 0, 1))
    assert found.first.code == int(logits[5, 1])


def test_a_keras_graph_off_its_grid_is_named(make_bundle, small_model, monkeypatch) -> None:
    def drifting(bundle: Bundle) -> LayerCodes:
        def run_layers(codes: np.ndarray) -> dict[str, np.ndarray]:
            outputs = exact_keras(bundle)(codes)
            outputs["layer1_depthwise_conv2d"][2, 1, 2, 3] += 0.25
            outputs["layer4_dense"][0] = np.nan
            return outputs

        return run_layers

    monkeypatch.setitem(bundle_proof.IMPLEMENTATIONS, "keras", ("single", drifting))
    config = VerifyConfig(clips=8, random_codes=0)
    found = verify_bundle(make_bundle(small_model), config).pair("keras")
    assert found.mismatches == 1 + 3
    first = found.first
    assert (first.layer, first.clip, first.position) == ("layer1_depthwise_conv2d", "clip2.wav", (1, 2, 3))
    assert first.code == first.expected + 0.25


def test_a_layer_that_is_missing_or_of_another_shape_is_one_line(make_bundle, small_model, monkeypatch) -> None:
    bundle = make_bundle(small_model)
    complete = exact_keras(bundle)
    cases = {
        "keras has no layer layer4_dense": lambda x: {k: v for k, v in complete(x).items() if k != "layer4_dense"},
        r"keras, layer layer0_conv2d: shape .* expected": lambda x: {
            **complete(x),
            "layer0_conv2d": np.zeros((len(x), 2)),
        },
    }
    for message, run_layers in cases.items():
        monkeypatch.setitem(bundle_proof.IMPLEMENTATIONS, "keras", ("single", lambda _, run=run_layers: run))
        with pytest.raises(BundleError, match=message):
            verify_bundle(bundle, VerifyConfig(implementations=("keras",), **FAST))


def test_the_first_difference_is_the_earliest_layers(small_model) -> None:
    parity = Parity("x", "single", small_model.layers)
    late, early = small_model.layers[4], small_model.layers[1]
    for layer in (late, early):
        right = np.zeros((2, *layer.output_shape), np.int8)
        wrong = right.copy()
        wrong[1, 0, 0, 2] = 7
        parity.add(layer.name, wrong, right, ("a", "b"))
    assert str(parity.first) == f"layer {early.name}, clip b, position [0, 0, 2]: code 7, expected 0"
    assert parity.mismatches == 2


def test_what_a_user_gets_wrong_is_one_line(make_bundle, small_model, doctor) -> None:
    bundle = make_bundle(small_model)
    with pytest.raises(BundleError, match=r"^clips=-1 is negative: give 0 or more$"):
        VerifyConfig(clips=-1)
    with pytest.raises(BundleError, match=r"^implementations=tflite: .*choose from keras, c_engine, tflm"):
        VerifyConfig(implementations=("tflite",))
    with pytest.raises(ProofError, match=r"nothing to compare: .*clips=0, and random_codes=0: give one of them more"):
        verify_bundle(bundle, VerifyConfig(clips=0, random_codes=0))
    broken = doctor(bundle, bundles.TFLITE, b"\0\0\0\0TFL?")
    with pytest.raises(BundleError, match=r"model\.tflite: not a \.tflite file.*write the bundle again"):
        verify_bundle(broken, VerifyConfig(implementations=("tflm",)))


def run_command(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "export.verify", "--implementations=c_engine,tflm", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_exits_0_1_or_2(make_bundle, small_model, doctor, tmp_path) -> None:
    bundle = make_bundle(small_model)
    good = run_command(f"--bundle={bundle.path}", "--random_codes=10", "--clips=100000", "--json=-")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["mismatches"] == 0
    assert "0 differ" in good.stderr
    assert json.loads(good.stdout)["clips"] == 8
    assert "--clips=100000: there are 8 golden clips in the bundle, all of them were taken\n" in good.stderr
    doctor(bundle, bundles.TFLITE, tflite.to_tflite(changed_weight(small_model, 1)))
    report = tmp_path / "out" / "verify.json"
    bad = run_command(f"--bundle={bundle.path}", "--random_codes=10", f"--json={report}")
    assert bad.returncode == 1
    assert "first in layer layer1_depthwise_conv2d, clip" in bad.stdout
    assert "golden clips in the bundle" not in bad.stdout
    assert json.loads(report.read_text())["mismatches"] > 0
    (bundle.path / bundles.TFLITE).unlink()
    truncated = run_command(f"--bundle={bundle.path}")
    assert truncated.returncode == 2 and truncated.stdout == ""
    assert re.fullmatch(r"error: .* is truncated, model.tflite is missing: .*\n", truncated.stderr)
