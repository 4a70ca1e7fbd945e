"""The bench on QEMU: counts, comparison, profiles."""

import pathlib
import re
from collections.abc import Callable

import pytest
from bench_runs import config

from export.bundle import folder as bundles
from export.model import random_model
from export.model.integer_model import IntegerModel
from kws_cli.command import UserError
from microcontroller import bench
from microcontroller.firmware import clip_image

KEYS = {
    "emulator",
    "board",
    "engine",
    "instructions_per_inference",
    "layers",
    "arena_bytes",
    "stack_bytes",
    "ram_bytes",
    "flash_bytes",
    "mismatches",
    "predictions",
}


@pytest.fixture(scope="module")
def result(small_bundle: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    return bench.measure(config(small_bundle, tmp_path_factory.mktemp("build")))


def test_every_logit_of_every_clip_equals_the_interpreter(result: dict) -> None:
    assert set(result) >= KEYS
    assert result["mismatches"] == 0 and result["mismatch_examples"] == []
    assert result["inferences"] == len(result["predictions"]) == 24
    assert all(answer["label"] == answer["expected"] for answer in result["predictions"])
    assert result["predictions"][3]["spoken"] == "label3" and result["predictions"][-1]["spoken"] is None


def test_layers_add_up_to_the_inference(result: dict, small_model: IntegerModel) -> None:
    assert [layer["name"] for layer in result["layers"]] == [layer.name for layer in small_model.layers]
    assert [layer["macs"] for layer in result["layers"]] == [layer.macs for layer in small_model.layers]
    total = result["instructions_per_inference"]
    assert total > small_model.macs
    assert sum(layer["instructions"] for layer in result["layers"]) == pytest.approx(total, rel=1e-3)


def test_memory_adds_up(result: dict, small_model: IntegerModel) -> None:
    ram, flash = result["ram_sections"], result["flash_sections"]
    assert result["ram_bytes"] == sum(ram.values())
    assert result["arena_bytes"] == ram["arena"] > 0
    assert 0 < result["stack_bytes"] == ram["stack"] < 2048
    assert result["flash_bytes"] == flash["model_and_engine"] + flash["harness"] + flash["library"]
    assert flash["model_rodata"] >= sum(layer.weight_bytes for layer in small_model.layers)


def test_a_bundle_of_few_clips_runs_them_all(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def stop(bundle: object, clips: int, random_codes: int) -> None:
        asked.append(clips)
        raise UserError("enough")

    monkeypatch.setattr(bench, "inputs_of", stop)
    for most in (20, 100):
        monkeypatch.setattr(bench, "_CLIPS", most)
        with pytest.raises(UserError, match="enough"):
            bench.measure(config(small_bundle, tmp_path))
    assert asked == [20, 24]


def test_two_runs_count_the_same(result: dict, small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert bench.measure(config(small_bundle, tmp_path)) == result


def test_clips_beyond_flash_are_run_in_several_runs(
    result: dict, small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_image, "capacity", lambda firmware, clip_bytes: 10)
    assert bench.measure(config(small_bundle, tmp_path)) == result
    assert sorted(path.name for path in tmp_path.rglob("clips*.bin")) == ["clips0.bin", "clips10.bin", "clips20.bin"]


def test_table_says_what_is_counted(result: dict) -> None:
    text = bench.table(result)
    assert "instructions, not cycles and not time" in text
    assert "QEMU emulator version" in text and "--emulator=qemu" in text
    assert f"{result['instructions_per_inference']:,}" in text
    assert "engine fxp, profile fast: the bundle's C as it is" in text


@pytest.fixture
def small_profile_bundle(small_bundle: pathlib.Path, small_model: IntegerModel, tmp_path: pathlib.Path) -> pathlib.Path:
    """`small_bundle` with C of another profile than the default."""
    golden, keras = bundles.load(small_bundle).golden, tmp_path / "keras_model.h5"
    keras.write_bytes(b"not needed here")
    rest = {"tflite": b"", "golden": golden, "frontend": {}, "keras_model": keras, "card": "", "metrics": {}}
    path = tmp_path / "small"
    bundles.write(path, model=small_model, profile="small", **rest)
    return path


@pytest.mark.parametrize(
    ("board", "profile", "taken"),
    [
        ("stm32f4", "auto", "small"),
        ("stm32f4", "fast", "fast"),
        ("nrf51", "auto", "small"),
        ("nrf51", "packed", "packed"),
        ("nrf51", "portable", "portable"),
    ],
)
def test_a_profile_is_the_bundles_own_or_the_one_asked_for(
    small_profile_bundle: pathlib.Path, tmp_path: pathlib.Path, board: str, profile: str, taken: str
) -> None:
    changes = {"board": board, "profile": profile, "clips": 2, "random_codes": 2, "estimate_cycles": False}
    result = bench.measure(config(small_profile_bundle, tmp_path / "build", **changes))
    assert (result["profile"], result["mismatches"]) == (taken, 0)
    assert (result["origin"] == "the bundle's C as it is") == (taken == "small")


def test_a_bundle_in_fast_gets_the_vectors_of_a_core_that_has_them(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    result = bench.measure(config(small_bundle, tmp_path, board="mps3_an547", clips=2, random_codes=2))
    assert (result["profile"], result["mismatches"]) == ("helium", 0)
    assert result["origin"].startswith("C written for this run, made for a cortex-m55")


def test_a_profile_made_for_other_cores_is_not_taken_by_itself(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    changes = {"board": "nrf51", "clips": 2, "random_codes": 2, "engines": ("fxp", "reference")}
    result = bench.measure(config(small_bundle, tmp_path, **changes))
    fxp, reference = result["engines"]
    assert (fxp["profile"], reference["profile"]) == ("packed", "portable")
    assert fxp["instructions_per_inference"] < reference["instructions_per_inference"]
    assert result["origin"] == "C written for this run, made for a cortex-m0; the bundle's own profile is fast"
    text = bench.table(result)
    assert result["origin"] in text and re.search(r"^profile +packed +portable$", text, re.MULTILINE)


@pytest.mark.slow
def test_full_size_model(write_bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path) -> None:
    model = random_model.ds_cnn(2)
    first = bench.measure(config(write_bundle(model), tmp_path))
    assert first["mismatches"] == 0
    assert first["arena_bytes"] < 23_000
    total = first["instructions_per_inference"]
    assert sum(layer["instructions"] for layer in first["layers"]) == pytest.approx(total, rel=1e-3)
    assert bench.measure(config(write_bundle(model), tmp_path))["instructions_per_inference"] == total


def test_initialized_and_zeroed_data_of_the_model(
    write_bundle: Callable[..., pathlib.Path], small_model: IntegerModel, tmp_path: pathlib.Path
) -> None:
    data = "static volatile int8_t one = 1;\nstatic volatile int8_t none;\n"
    bundle = write_bundle(small_model, clips=2, last=f"{data}output[0] = (int8_t)(output[0] + one - 1 + none);")
    result = bench.measure(config(bundle, tmp_path, clips=2, random_codes=0))
    assert result["mismatches"] == 0
    assert result["flash_sections"]["engine_data"] == 4 and result["ram_sections"]["engine"] in (5, 8)


@pytest.mark.slow
def test_a_large_arena_leaves_the_image_alone(
    write_bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path
) -> None:
    model = random_model.ds_cnn(3, input_shape=(100, 40, 1), channels=12, blocks=1, first_stride=(1, 1))
    result = bench.measure(config(write_bundle(model, clips=2), tmp_path, clips=2, random_codes=0))
    assert result["arena_bytes"] > 90_000
    assert result["mismatches"] == 0


@pytest.mark.slow
def test_flash_full_of_clips_and_a_second_run(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    result = bench.measure(config(small_bundle, tmp_path, clips=0, random_codes=2000))
    assert (tmp_path / "fxp" / "clips0.bin").stat().st_size > 0xE0000 - 490
    assert len(list(tmp_path.rglob("clips*.bin"))) == 2
    assert result["inferences"] == 2000 and result["mismatches"] == 0
