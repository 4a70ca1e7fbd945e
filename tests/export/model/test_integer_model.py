"""The integer model: what it refuses, and that a file gives back what was saved."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest

from export.model import integer_model, random_model
from export.model.integer_model import IntegerModel, Layer
from export.model.model_error import ModelError
from quant.qformat import QFormat, weight_format

SMALL = {"input_shape": (9, 6, 2), "channels": 5, "blocks": 1, "classes": 3}


@pytest.fixture
def model() -> IntegerModel:
    return random_model.ds_cnn(0, **SMALL)


def replaced(model: IntegerModel, index: int, **fields: object) -> IntegerModel:
    layers = list(model.layers)
    layers[index] = dataclasses.replace(layers[index], **fields)
    return dataclasses.replace(model, layers=tuple(layers))


def test_shapes_formats_and_counts(model: IntegerModel) -> None:
    ops = [layer.op for layer in model.layers]
    assert ops == ["conv2d", "depthwise_conv2d", "conv2d", "average_pool", "dense"]
    assert model.input_shape == (9, 6, 2)
    assert [layer.output_shape for layer in model.layers] == [(5, 3, 5), (5, 3, 5), (5, 3, 5), (1, 1, 5), (1, 1, 3)]
    assert [layer.macs for layer in model.layers] == [75 * 10 * 4 * 2, 75 * 9, 75 * 5, 0, 15]
    assert model.macs == sum(layer.macs for layer in model.layers)
    assert [layer.weight_bytes for layer in model.layers] == [400 + 20, 45 + 20, 25 + 20, 0, 15 + 12]
    packed = random_model.ds_cnn(0, weight_bits=3, **SMALL)
    assert packed.layers[1].weight_bytes == 17 + 20, "45 codes of 3 bits are 17 bytes"
    assert model.output_format.signed and not model.layers[0].output_format.signed


def test_the_mlperf_tiny_network_has_its_published_macs() -> None:
    assert random_model.ds_cnn(0).macs == 2_656_768


BROKEN = {
    "op": (0, {"op": "conv3d"}, "unknown op"),
    "no rows": (0, {"input_shape": (0, 6, 2)}, r"shape \(0, 6, 2\), expected lengths of 1 or more"),
    "endless": (0, {"output_shape": (10**6, 5, 5)}, r"shape \(1000000, 5, 5\), expected .*at most 4194304 codes"),
    "stride 0": (0, {"stride": (0, 2)}, r"stride \(0, 2\), expected 1 to 1023"),
    "stride -1": (0, {"stride": (2, -1)}, "stride"),
    "stride 1024": (0, {"stride": (1024, 2)}, "stride"),
    "padding -1": (0, {"padding": ((-1, 5), (0, 0))}, r"padding \(\(-1, 5\), .*, expected 0 to 1023"),
    "padding 1024": (0, {"padding": ((0, 0), (0, 1024))}, "padding"),
    "fraction bits": (0, {"input_format": QFormat(8, 65)}, r"s8\.f65: expected at most 64 fraction bits"),
    "negative fraction bits": (0, {"input_format": QFormat(8, -65)}, r"s8\.f-65"),
    "axes": (0, {"kernel": np.zeros((4, 2, 5), np.int8)}, r"kernel shape \(4, 2, 5\), expected 4 lengths"),
    "empty kernel": (
        0,
        {"kernel": np.zeros((0, 4, 2, 5), np.int8)},
        r"kernel shape \(0, 4, 2, 5\), expected 4 lengths",
    ),
    "too many weights": (
        4,
        {"kernel": np.zeros((1 << 12, (1 << 10) + 1), np.int8)},
        r"kernel shape \(4096, 1025\), expected 2 lengths of 1 or more and at most 4194304 codes",
    ),
    "kernel dtype": (0, {"kernel": np.zeros((10, 4, 2, 5), np.int16)}, "kernel dtype int16"),
    "bias dtype": (0, {"bias": np.zeros(5, np.int64)}, "bias dtype int64"),
    "bias shape": (0, {"bias": np.zeros(4, np.int32)}, r"bias shape \(4,\)"),
    "negative shift": (4, {"output_format": QFormat(8, 30)}, "shift -.* is negative: lower"),
    "large shift": (4, {"output_format": QFormat(8, -30)}, "is above 30"),
    "accumulator": (1, {"accumulator_bits": 33}, "accumulator_bits=33"),
    "asymmetric weights": (1, {"weight_format": QFormat(8, 7)}, "symmetric"),
    "wide code": (1, {"weight_format": weight_format(4, 7)}, "weight code .* does not fit s4"),
    "kernel shape": (2, {"kernel": np.zeros((1, 1, 5, 4), np.int8)}, r"kernel shape .* expected \(1, 1, 5, 5\)"),
    "padding": (1, {"padding": ((0, 0), (0, 0))}, r"output shape \(5, 3, 5\), expected \(3, 1, 5\)"),
    "stride": (0, {"stride": (1, 1)}, "output shape"),
    "pool codes": (3, {"kernel": np.full((5, 3, 5), 2, np.int8)}, "weight code 2 does not fit|codes 1"),
    "pool bias": (3, {"bias": np.ones(5, np.int32)}, "codes 1 and no bias"),
    "pool padding": (3, {"padding": ((1, 0), (0, 0))}, "no stride and no padding"),
    "dense input": (4, {"input_shape": (2, 1, 5)}, "takes a 1x1 input, not 2x1"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_layer_that_does_not_fit_is_named(model: IntegerModel, case: str) -> None:
    index, fields, message = BROKEN[case]
    with pytest.raises(ValueError, match=message) as caught:
        replaced(model, index, **fields)
    assert f"layer {model.layers[index].name}" in str(caught.value)


def test_bounds_of_a_layer_are_kept_to_the_last_value(model: IntegerModel) -> None:
    """Shifts 0 .. 30, accumulators of 8 .. 32 bits, weights to the largest code of their format."""
    dense = model.layers[4]
    scale = dense.weight_format.fraction_bits + dense.input_format.fraction_bits
    for shift in (0, 30):
        layer = replaced(model, 4, output_format=QFormat(8, scale - shift)).layers[4]
        assert layer.shift == shift
    for shift, message in ((-1, "shift -1 is negative"), (31, "shift 31 is above 30")):
        with pytest.raises(ValueError, match=message):
            replaced(model, 4, output_format=QFormat(8, scale - shift))
    for bits in (8, 32):
        assert replaced(model, 1, accumulator_bits=bits).layers[1].accumulator_bits == bits
    for bits in (7, 33):
        with pytest.raises(ValueError, match=f"accumulator_bits={bits}, expected 8 to 32"):
            replaced(model, 1, accumulator_bits=bits)
    for code in (-7, 7):
        kernel = np.full_like(model.layers[1].kernel, code)
        replaced(model, 1, kernel=kernel, weight_format=weight_format(4, 7))
        with pytest.raises(ValueError, match=r"weight code 8 does not fit s4\.f7"):
            replaced(model, 1, kernel=kernel + np.int8(np.sign(code)), weight_format=weight_format(4, 7))


def test_one_shift_is_that_of_all_layers(model: IntegerModel, one_shift_model: IntegerModel) -> None:
    assert one_shift_model.one_shift == integer_model.prove_one_shift(one_shift_model) == 6
    assert model.one_shift is None
    with pytest.raises(ValueError, match=r"different shifts, expected one for all: layer0_conv2d \d+, layer1_"):
        integer_model.prove_one_shift(model)


def test_the_chain_must_fit(model: IntegerModel) -> None:
    without_pool = (*model.layers[:3], model.layers[4])
    with pytest.raises(ValueError, match=r"layer4_dense takes \(1, 1, 5\) .* layer2_conv2d gives \(5, 3, 5\)"):
        dataclasses.replace(model, layers=without_pool)
    other = dataclasses.replace(model.layers[3].input_format, fraction_bits=1)
    with pytest.raises(ValueError, match=f"takes .* {other}, but layer2_conv2d gives"):
        replaced(model, 3, input_format=other, output_format=other)
    with pytest.raises(ValueError, match="2 labels, but the last layer gives"):
        dataclasses.replace(model, labels=("a", "b"))
    with pytest.raises(ValueError, match="at least one layer"):
        dataclasses.replace(model, layers=())


def test_names_are_c_identifiers_and_unique(model: IntegerModel) -> None:
    with pytest.raises(ValueError, match="'a b' is not a C identifier"):
        dataclasses.replace(model, name="a b")
    with pytest.raises(ValueError, match="not a C identifier"):
        replaced(model, 0, name="größe")
    with pytest.raises(ValueError, match="at most 100 characters"):
        replaced(model, 0, name="x" * 101)
    replaced(model, 0, name="x" * 100)
    for label in ("", "a\nb", "\x1b[2J", "x" * 101):
        with pytest.raises(ValueError, match=r"^label .*: expected 1 to 100 printable characters$"):
            dataclasses.replace(model, labels=("a", label, "b"))
    dataclasses.replace(model, labels=("grün", "x y", "x" * 100))
    with pytest.raises(ValueError, match="not unique"):
        replaced(model, 0, name=model.layers[1].name)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [
        ((49, 10), (10, 4), (2, 2), ((4, 5), (1, 1))),
        ((25, 5), (3, 3), (1, 1), ((1, 1), (1, 1))),
        ((5, 5), (1, 1), (1, 1), ((0, 0), (0, 0))),
        ((4, 7), (2, 3), (3, 4), ((0, 1), (0, 0))),
    ],
)
def test_same_padding_is_tensorflows(size: tuple, kernel: tuple, stride: tuple, expected: tuple) -> None:
    assert integer_model.same_padding(size, kernel, stride) == expected


def test_the_hash_sees_every_code_format_and_label(model: IntegerModel) -> None:
    hashes = {model.sha256}
    kernel, bias = model.layers[1].kernel.copy(), model.layers[1].bias.copy()
    kernel[0, 0, 0] ^= 1
    bias[0] ^= 1
    for changed in (
        replaced(model, 1, kernel=kernel),
        replaced(model, 1, bias=bias),
        replaced(model, 4, output_format=QFormat(8, model.output_format.fraction_bits - 1)),
        replaced(model, 1, accumulator_bits=31),
        dataclasses.replace(model, labels=("x", "y", "z")),
        dataclasses.replace(model, name="other"),
    ):
        hashes.add(changed.sha256)
    assert len(hashes) == 7
    assert random_model.ds_cnn(0, **SMALL).sha256 == model.sha256


def test_saved_and_loaded_is_the_same(model: IntegerModel, tmp_path) -> None:
    path = tmp_path / "model.npz"
    integer_model.save(model, path)
    loaded = integer_model.load(path)
    assert loaded.sha256 == model.sha256
    assert loaded.layers[0].padding == model.layers[0].padding
    assert isinstance(loaded.layers[0], Layer) and isinstance(loaded.layers[0].padding[0], tuple)
    assert loaded.labels == model.labels


def test_a_missing_or_damaged_file_is_one_line(model: IntegerModel, tmp_path) -> None:
    path = tmp_path / "model.npz"
    with pytest.raises(ModelError, match="is missing: write the bundle again"):
        integer_model.load(path)
    integer_model.save(model, path)
    whole = path.read_bytes()
    for cut in (0, 10, len(whole) // 3, len(whole) - 30):
        path.write_bytes(whole[:cut])
        with pytest.raises(ModelError, match="not a whole integer model"):
            integer_model.load(path)
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 0xFF
    path.write_bytes(changed)
    try:
        loaded = integer_model.load(path)
    except ModelError:
        return
    assert loaded.sha256 == model.sha256, "a change went unnoticed"


def rewrite_header(path, change) -> None:
    """Saves the arrays again with `change` applied to the parsed header."""
    with np.load(path) as arrays:
        contents = dict(arrays)
    header = json.loads(bytes(contents["header"]).decode())
    change(header)
    contents["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez_compressed(path, **contents)


def test_an_inconsistent_header_is_one_line(model: IntegerModel, tmp_path) -> None:
    changes = {
        "format version 99": lambda h: h.update(format_version=99),
        "layers": lambda h: h.pop("layers"),
        "bits=9": lambda h: h["layers"][0]["weight_format"].update(bits=9),
        "unknown field `colour`": lambda h: h["layers"][0].update(colour="red"),
        "kernel": lambda h: h["layers"][0].update(name="other"),
        "stride": lambda h: h["layers"][0].update(stride=[0, 0]),
        "padding": lambda h: h["layers"][0].update(padding=[[-(10**9), 10**9 + 9], [1, 2]]),
        r"Expected `int`, got `float` - at `\$\.layers": lambda h: h["layers"][0].update(accumulator_bits=32.0),
        r"Expected `int`, got `bool` - at `\$\.layers": lambda h: h["layers"][0].update(stride=[True, 1]),
        r"Expected `array` of length 2": lambda h: h["layers"][0].update(stride=[1]),
        r"at `\$\.labels": lambda h: h.update(labels=[1, 2, 3]),
        r"at `\$\.name": lambda h: h.update(name=5),
        "expected at most 64 fraction bits": lambda h: h["layers"][0]["input_format"].update(fraction_bits=10**400),
        "not a C identifier": lambda h: h.update(name="../../x"),
    }
    for message, change in changes.items():
        path = tmp_path / "model.npz"
        integer_model.save(model, path)
        rewrite_header(path, change)
        with pytest.raises(ModelError, match=message):
            integer_model.load(path)


def test_nothing_is_unpickled(model: IntegerModel, tmp_path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, header=np.array([{"a": 1}], dtype=object))
    assert zipfile.is_zipfile(path)
    with pytest.raises(ModelError, match="not a whole integer model"):
        integer_model.load(path)
