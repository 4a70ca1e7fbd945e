"""A Keras file of one's own becomes a bundle, and every wrong input is one line that names it."""

import dataclasses
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
import tensorflow as tf

import quant
from export import renew
from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.bundle.folder import UNKNOWN_LABEL, Bundle
from export.bundle.keras_conversion import KerasSource, convert_keras
from export.plan import FAST, RAM, goals
from export.plan.plan_error import PlanError
from export.proof.bundle_proof import VerifyConfig, verify_bundle
from quant.folding.keras_file import KerasFileError

Layers = tf.keras.layers
SHAPE = (9, 7, 2)
LABELS = ("low", "middle", "high")


def network(*extra: tf.keras.layers.Layer, name: str = "own-net") -> tf.keras.Model:
    """A small CNN with weights that a seed draws."""
    model = tf.keras.Sequential(
        [
            tf.keras.Input(SHAPE),
            Layers.Conv2D(4, 3, padding="same", use_bias=False, kernel_initializer="zeros"),
            Layers.BatchNormalization(),
            Layers.ReLU(),
            *extra,
            Layers.GlobalAveragePooling2D(),
            Layers.Dense(3, kernel_initializer="zeros"),
        ],
        name=name,
    )
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0.5, 0.7, variable.shape))
    return model


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> KerasSource:
    folder = tmp_path_factory.mktemp("own")
    network().save(folder / "net.keras")
    np.save(folder / "inputs.npy", np.random.default_rng(1).normal(0, 1, (300, *SHAPE)))
    return KerasSource(str(folder / "net.keras"), str(folder / "inputs.npy"), LABELS)


@pytest.fixture(scope="module")
def bundle(source: KerasSource, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    widths = {"weight_bits": (4,), "activation_bits": (5, 8)}
    return convert_keras(dataclasses.replace(source, **widths), tmp_path_factory.mktemp("bundle") / "own")


def test_the_bundle_is_proved(bundle: Bundle) -> None:
    result = verify_bundle(bundle, VerifyConfig(random_codes=40))
    assert result.mismatches == 0, result.table()
    assert [pair.implementation for pair in result.pairs] == ["keras", "c_engine", "tflm", "golden", "golden", "stream"]


def test_widths_and_names_are_those_given(bundle: Bundle) -> None:
    model = bundle.model
    assert (model.name, model.labels) == ("own_net", LABELS)
    assert [layer.weight_format.bits for layer in model.layers if layer.macs] == [4, 4]
    assert [layer.output_format.bits for layer in model.layers] == [5, 7, 8]


def test_golden_inputs_are_calibration_inputs_of_unknown_class(bundle: Bundle, source: KerasSource) -> None:
    golden = bundle.golden
    assert len(golden) == 256 and set(golden.labels) == {UNKNOWN_LABEL}
    inputs, q = np.load(source.calibration), bundle.model.input_format
    index = int(golden.clips[7].removeprefix("inputs.npy[").removesuffix("]"))
    expected = np.clip(np.floor(inputs[index] / q.lsb + 0.5), -128, 127)
    np.testing.assert_array_equal(golden.features[7], expected)


def test_the_card_says_what_is_known_and_how_to_make_it_again(bundle: Bundle) -> None:
    card = (bundle.path / bundles.CARD).read_text()
    assert "The bundle has no front end" in card and "one-second clips" not in card
    files = "--keras_model=net.keras --calibration=inputs.npy --labels=low,middle,high"
    assert f"python -m export.convert --bundle=B {files} --weight_bits=4 --activation_bits=5,8\n" in card
    measured = bundle.metrics["calibration"]
    assert measured["inputs"] == 256 and 0 <= measured["same_class_as_float"] <= 1
    assert (bundle.frontend, bundle.training) == ({}, {})


def test_it_is_the_same_bundle_every_time_and_renewed_as_it_is(source: KerasSource, tmp_path) -> None:
    quiet = {"say": lambda text: None, "profile": "small"}
    first, second = (convert_keras(source, tmp_path / name, **quiet) for name in "ab")
    assert first.model.sha256 == second.model.sha256 and first.profile == "small"
    assert renew.renew(first).manifest == first.manifest


def test_8_bits_give_the_float_models_classes(source: KerasSource, tmp_path) -> None:
    said: list[str] = []
    bundle = convert_keras(source, tmp_path / "bundle", say=said.append)
    assert bundle.metrics["calibration"]["same_class_as_float"] > 0.95
    assert said[0].startswith("lowered own_net: 3 layers") and said[-1] == f"bundle: {bundle.path}"


def test_the_command(source: KerasSource, tmp_path) -> None:
    flags = [f"--keras_model={source.keras_model}", f"--calibration={source.calibration}", "--labels=a,b,c"]
    command = [sys.executable, "-m", "export.convert", *flags, "--name=mine", f"--bundle={tmp_path / 'bundle'}"]
    flags = ["--accumulator_bits=20", "--max_ram=1000"]
    done = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = bundles.load(tmp_path / "bundle")
    assert (made.name, made.labels, made.model.layers[0].accumulator_bits) == ("mine", ("a", "b", "c"), 20)
    least = goals.needed(made.model, RAM)
    assert least <= 1000 < goals.needed(made.model, FAST) and made.profile == RAM
    assert f"profile ram: {least} bytes of arena and stack, within 1,000\n" in done.stderr


def test_too_little_memory_is_told_with_the_least(source: KerasSource, tmp_path) -> None:
    with pytest.raises(PlanError, match=r"^max_ram=9: own_net needs \d+ bytes at least, 512 of them stack"):
        convert_keras(source, tmp_path / "bundle", max_ram=9)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ([], "--run_dir or --keras_model is required: give one of them (see --help)"),
        (["--run_dir=R", "--keras_model=F"], "--run_dir=R and --keras_model=F: give one of them"),
        (
            ["--run_dir=R", "--labels=a,b"],
            "--labels goes with --keras_model, not with --run_dir: leave one of them out",
        ),
        (["--run_dir=R", "--weight_bits=4"], "--weight_bits goes with --keras_model, not with --run_dir: leave one"),
        (["--keras_model=F", "--labels=a"], "--calibration is required: give --calibration=... (see --help)"),
        (["--keras_model=F", "--calibration=X"], "--labels is required"),
        (["--keras_model=F", "--calibration=X", "--labels=a,a"], "--labels=a,a: 'a' stands there twice"),
        (["--keras_model=F", "--calibration=X", "--labels=a,"], "--labels=a,: expected a name for each class"),
        (
            ["--keras_model=F", "--calibration=X", "--labels=a", "--weight_bits=9"],
            "--weight_bits=9: '9' is not",
        ),
        (["--keras_model=F", "--calibration=X", "--labels=a"], "--calibration=X can't be read ("),
        (["--run_dir=R", "--max_ram=9", "--profile=fast"], "--max_ram=9 and --profile=fast: give one of them"),
    ],
)
def test_wrong_flags_are_one_line(flags: list[str], line: str) -> None:
    command = [sys.executable, "-m", "export.convert", "--bundle=B", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"error: {line}") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((4, *SHAPE), np.complex64),
            r"holds complex64, expected numbers or text\): expected one array of real inputs",
        ),
        (np.zeros((4, *SHAPE), bool), "is bool"),
        (np.zeros(SHAPE), r"is float64 \(9, 7, 2\): expected .*\[n, height, width, channels\]"),
        (np.zeros((4, 9, 7, 1)), r"is float64 \(4, 9, 7, 1\): the model takes \(n, 9, 7, 2\)"),
        (np.zeros((0, *SHAPE)), r"can't be read|\(0, 9, 7, 2\)"),
        (np.array([["a", None]], object), "can't be read"),
        (
            np.concatenate([np.zeros((1500, *SHAPE)), np.full((1, *SHAPE), np.nan)]),
            r": \[1500, 0, 0, 0\] is nan",
        ),
        (np.full((2, *SHAPE), -np.inf, np.float16), r": \[0, 0, 0, 0\] is -inf, expected numbers of float32"),
        (np.full((2, *SHAPE), 1e300), r"^calibration=.*: \[0, 0, 0, 0\] is 1e\+300, expected numbers"),
    ],
)
def test_wrong_calibration_inputs_are_named(array: np.ndarray, message: str, source: KerasSource, tmp_path) -> None:
    np.save(tmp_path / "x.npy", array)
    wrong = dataclasses.replace(source, calibration=str(tmp_path / "x.npy"))
    with pytest.raises(BundleError, match=message):
        convert_keras(wrong, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"not an array"])
def test_files_that_are_no_arrays_are_named(content: bytes, source: KerasSource, tmp_path) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(BundleError, match=r"^calibration=.*x\.npy can't be read"):
        convert_keras(dataclasses.replace(source, calibration=str(tmp_path / "x.npy")), tmp_path / "bundle")
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    with pytest.raises(BundleError, match=r"x\.npz can't be read \(it holds several arrays\): expected one array"):
        convert_keras(dataclasses.replace(source, calibration=str(tmp_path / "x.npz")), tmp_path / "bundle")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (lambda: Layers.LeakyReLU(name="leaky"), "layer leaky: LeakyReLU can't be folded"),
        (lambda: Layers.MaxPooling2D(name="most"), "layer most: MaxPooling2D can't be folded"),
        (lambda: Layers.Conv2D(4, 3, dilation_rate=2, name="wide"), "layer wide: dilation_rate"),
    ],
)
def test_layers_without_a_counterpart_are_named(extra, message: str, source: KerasSource, tmp_path) -> None:
    quant.save_model(network(extra()), tmp_path / "net.h5")
    wrong = dataclasses.replace(source, keras_model=str(tmp_path / "net.h5"))
    with pytest.raises(BundleError, match=rf"^keras_model=.*net\.h5 can't be converted: {message}"):
        convert_keras(wrong, tmp_path / "bundle")


def test_what_tensorflow_cannot_run_is_one_line(source: KerasSource, tmp_path, monkeypatch) -> None:
    """A depthwise layer of unequal strides, without oneDNN; elsewhere it is made to fail as there."""
    quant.save_model(network(Layers.DepthwiseConv2D(3, strides=(2, 1), padding="same")), tmp_path / "net.h5")

    def fails(*_: object, **__: object) -> None:
        raise tf.errors.InvalidArgumentError(
            None, None, "{{node a}} Only equal strides.\n\t [[{{node b}}]] [Op:c] name:"
        )

    monkeypatch.setattr("export.bundle.keras_conversion._lowered", fails)
    with pytest.raises(BundleError, match=r"^keras_model=.*net.h5: TensorFlow can't run it on this machine: [^\n{]*$"):
        convert_keras(dataclasses.replace(source, keras_model=str(tmp_path / "net.h5")), tmp_path / "bundle")


def test_what_does_not_fit_the_model_is_named(source: KerasSource, tmp_path) -> None:
    for changes, message in (
        ({"labels": ("a", "b")}, "labels=a,b: 2 names, the model has 3 outputs: give one each"),
        ({"weight_bits": (4, 4, 4)}, "weight_bits=4,4,4 gives 3 widths, expected one, or 2, one each for conv2d"),
        ({"name": "my net"}, "name 'my net' is not a C identifier"),
    ):
        with pytest.raises(BundleError, match=message):
            convert_keras(dataclasses.replace(source, **changes), tmp_path / "bundle")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").touch()
    with pytest.raises(BundleError, match=r"^bundle=.*taken exists and is not a bundle"):
        convert_keras(source, tmp_path / "taken")


def test_files_that_are_no_models_are_named(source: KerasSource, tmp_path) -> None:
    for path, message in (
        (tmp_path / "missing.h5", "can't be read: No such file or directory"),
        (tmp_path, "can't be read: Is a directory"),
    ):
        with pytest.raises(BundleError, match=message):
            convert_keras(dataclasses.replace(source, keras_model=str(path)), tmp_path / "bundle")
    with pytest.raises(KerasFileError, match="is neither HDF5 nor a zip file"):
        convert_keras(dataclasses.replace(source, keras_model=source.calibration), tmp_path / "bundle")
    quant.save_model(network(Layers.Lambda(lambda x: x, name="sly")), tmp_path / "net.h5")
    with pytest.raises(KerasFileError, match="layer sly is a Lambda"):
        convert_keras(dataclasses.replace(source, keras_model=str(tmp_path / "net.h5")), tmp_path / "bundle")


def test_a_layer_class_that_keras_does_not_know_is_one_line(source: KerasSource, tmp_path) -> None:
    quant.save_model(network(), tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["class_name"] = "Conv2DOfTheirs"
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(KerasFileError, match=r"net\.h5: layer \w+ needs class 'Conv2DOfTheirs', which is not built"):
        convert_keras(dataclasses.replace(source, keras_model=str(tmp_path / "net.h5")), tmp_path / "bundle")
