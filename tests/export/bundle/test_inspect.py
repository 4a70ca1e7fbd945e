"""inspect prints the model's own numbers."""

import json
import subprocess
import sys

from export.bundle import inspection
from export.model import accumulator


def test_the_numbers_are_the_models(small_model) -> None:
    result = inspection.inspect(small_model)
    assert result["sha256"] == small_model.sha256
    assert result["macs"] == small_model.macs == sum(layer["macs"] for layer in result["layers"])
    assert result["weight_bytes"] == sum(layer.weight_bytes for layer in small_model.layers)
    for row, layer in zip(result["layers"], small_model.layers, strict=True):
        assert row["name"] == layer.name and row["op"] == layer.op and row["shift"] == layer.shift
        assert row["input_format"] == str(layer.input_format)
        assert row["accumulator_bits"] == 32
        assert row["required_bits"] == accumulator.required_bits(layer)
        assert 2 ** (row["required_bits"] - 2) <= row["worst_case"] < 2 ** (row["required_bits"] - 1)
    json.dumps(result)


def test_the_table_has_a_row_per_layer_and_totals(small_model) -> None:
    lines = inspection.table(inspection.inspect(small_model)).splitlines()
    first = lines[2].split()
    layer = small_model.layers[0]
    assert first[:4] == ["layer0_conv2d", "conv2d", "12x6x1", "6x3x4"]
    assert first[4:7] == [str(layer.input_format), str(layer.weight_format), str(layer.output_format)]
    assert first[7:10] == [str(layer.shift), "32", str(accumulator.required_bits(layer))]
    assert [line.split()[0] for line in lines[2:7]] == [layer.name for layer in small_model.layers]
    assert lines[7].split()[0] == "total" and f"{small_model.macs:,}" in lines[7]
    assert small_model.sha256 in lines[-1]


def test_one_shift_is_said_where_there_is_one(small_model, one_shift_model) -> None:
    assert inspection.inspect(one_shift_model)["one_shift"] == 6
    assert "one shift: every layer requantizes by 6 bits" in inspection.table(inspection.inspect(one_shift_model))
    assert inspection.inspect(small_model)["one_shift"] is None
    assert "one shift" not in inspection.table(inspection.inspect(small_model))


def test_the_command(make_bundle, small_model, tmp_path) -> None:
    bundle = make_bundle(small_model)
    command = [sys.executable, "-m", "export.inspect"]
    done = subprocess.run([*command, f"--bundle={bundle.path}", "--json=-"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["name"] == "random_ds_cnn"
    assert "layer4_dense" in done.stderr
    missing = subprocess.run([*command, f"--bundle={tmp_path / 'no'}"], capture_output=True, text=True, check=False)
    assert missing.returncode == 2 and missing.stderr.count("\n") == 1
    unset = subprocess.run(command, capture_output=True, text=True, check=False)
    assert unset.returncode == 2 and "--bundle is required" in unset.stderr
