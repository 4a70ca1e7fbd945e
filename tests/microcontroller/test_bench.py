"""The bench on QEMU: counts, comparison, and what goes wrong."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable

import edited_c
import pytest

from export import plan
from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.model import random_model
from export.model.integer_model import AVERAGE_POOL, IntegerModel
from export.source import model_source
from export.source.source_error import SourceError
from kws_cli.command import UserError
from microcontroller import bench, boards
from microcontroller.bench import BenchConfig
from microcontroller.boards.board_error import BoardError
from microcontroller.emulator import qemu
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware import clip_image
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.measurement.protocol import DeviceError

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


def config(bundle: pathlib.Path, folder: pathlib.Path, **changes: object) -> BenchConfig:
    settings = {"bundle": bundle, "emulator": "qemu", "build_dir": folder, "timeout_s": 60.0, **changes}
    return BenchConfig(**settings)


def run_command(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ if path is None else {**os.environ, "PATH": path}
    command = [sys.executable, "-m", "microcontroller.bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def assert_one_line(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr


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


def test_c_that_names_no_profile_is_refused(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    shutil.copytree(bundles.load(small_bundle).c_folder, tmp_path / "c")
    header = tmp_path / "c" / "fxp_model.h"
    header.write_text(header.read_text().replace("(kernels: fast)", "(kernels: quick)"))
    with pytest.raises(SourceError, match=r"names no profile of fast, .*write the bundle again"):
        model_source.profile_of(tmp_path / "c")
    with pytest.raises(SourceError, match="can't be read"):
        model_source.profile_of(tmp_path)


def test_golden_logits_that_are_not_the_interpreters_are_refused(
    small_bundle: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundles.load(small_bundle)
    wrong = bundle.golden.logits_double.copy()
    wrong[5, 0] ^= 1
    monkeypatch.setitem(bundle.__dict__, "golden", dataclasses.replace(bundle.golden, logits_double=wrong))
    with pytest.raises(UserError, match=r"golden logits of clip clip5 are not the interpreter's \(double rounding\)"):
        bench.inputs_of(bundle, 6, 0)
    assert len(bench.inputs_of(bundle, 5, 0).codes) == 5


@pytest.mark.slow
def test_full_size_model(write_bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path) -> None:
    model = random_model.ds_cnn(2)
    first = bench.measure(config(write_bundle(model), tmp_path))
    assert first["mismatches"] == 0
    assert first["arena_bytes"] < 23_000
    total = first["instructions_per_inference"]
    assert sum(layer["instructions"] for layer in first["layers"]) == pytest.approx(total, rel=1e-3)
    assert bench.measure(config(write_bundle(model), tmp_path))["instructions_per_inference"] == total


def test_a_wrong_logit_is_found_and_ends_with_exit_code_1(
    write_bundle: Callable[..., pathlib.Path], small_model: IntegerModel, tmp_path: pathlib.Path
) -> None:
    bundle = write_bundle(small_model, last="if (input[0] == -128) { output[3] = (int8_t)(output[3] ^ 1); }")
    arguments = [f"--bundle={bundle}", "--emulator=qemu", f"--build_dir={tmp_path}", "--clips=3", "--random_codes=0"]
    command = [sys.executable, edited_c.__file__, "microcontroller.bench", *arguments, "--json=-"]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["mismatches"] == 1
    example = found["mismatch_examples"][0]
    assert (example["clip"], example["logit"]) == ("clip0", "label3")
    assert example["device"] == example["expected"] ^ 1
    assert "clip clip0, logit label3" in done.stderr


@pytest.mark.parametrize(
    ("statement", "kind", "place"),
    [
        ("*(volatile int *)0x70000000u = 1;", "kind=BusFault .*cfsr=0x", r"pc=0x080\w{5} in fxp_model_invoke\+0x"),
        ("__builtin_trap();", "kind=UsageFault .*cfsr=0x", r"pc=0x080\w{5} in fxp_model_invoke"),
        ("((void (*)(void))0x70000001u)();", "kind=BusFault .*cfsr=0x", r"pc=0x70000000 in \?"),
        (
            "volatile int8_t deep[9000]; deep[0] = input[0]; output[0] = deep[0];",
            "used up its stack of 8192 bytes",
            r"pc=0x080\w{5} in fxp_model_invoke",
        ),
    ],
)
def test_a_fault_is_one_line(
    write_bundle: Callable[..., pathlib.Path],
    small_model: IntegerModel,
    tmp_path: pathlib.Path,
    statement: str,
    kind: str,
    place: str,
) -> None:
    bundle = write_bundle(small_model, clips=1, first=statement)
    with pytest.raises(DeviceError) as caught:
        bench.measure(config(bundle, tmp_path, clips=1, random_codes=0))
    assert re.search(kind, str(caught.value)), caught.value
    assert re.search(place, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)


def test_counts_without_icount_are_rejected(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = qemu.arguments

    def without_icount(*arguments: object) -> list[str]:
        command = whole(*arguments)
        at = command.index("-icount")
        return command[:at] + command[at + 2 :]

    monkeypatch.setattr(qemu, "arguments", without_icount)
    with pytest.raises(MeasurementError, match="expected 1"):
        bench.measure(config(small_bundle, tmp_path))


def test_an_image_that_does_not_arrive_whole_is_rejected(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = clip_image.write

    def truncated(path: pathlib.Path, *arguments: object) -> clip_image.ClipImage:
        image = write(path, *arguments)
        path.write_bytes(path.read_bytes()[:-100])
        return image

    monkeypatch.setattr(clip_image, "write", truncated)
    with pytest.raises(DeviceError, match="image of clips arrived damaged"):
        bench.measure(config(small_bundle, tmp_path))


def test_a_run_without_mailbox_is_rejected(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = clip_image.write
    monkeypatch.setattr(clip_image, "write", lambda *arguments: dataclasses.replace(write(*arguments), mailbox=()))
    with pytest.raises(DeviceError, match="no clips in the mailbox"):
        bench.measure(config(small_bundle, tmp_path))


def test_c_of_another_model_is_rejected(
    write_bundle: Callable[..., pathlib.Path], small_model: IntegerModel, tmp_path: pathlib.Path
) -> None:
    bundle = write_bundle(small_model, generated_from=dataclasses.replace(small_model, name="another"))
    with pytest.raises(MeasurementError, match=r"the bundle's C is of model .*write the bundle again"):
        bench.measure(config(bundle, tmp_path))


def test_a_firmware_that_never_ends_is_stopped(
    write_bundle: Callable[..., pathlib.Path], small_model: IntegerModel, tmp_path: pathlib.Path
) -> None:
    bundle = write_bundle(small_model, clips=1, first="for (volatile int forever = 1; forever;) {\n    }")
    with pytest.raises(
        EmulatorError,
        match=r"no END line from the firmware after timeout=1 s.*CALIBRATION.*give it longer.*"
        r"it was at pc=0x080\w{5} in fxp_model_invoke",
    ):
        bench.measure(config(bundle, tmp_path, clips=1, random_codes=0, timeout_s=1.0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engines": ("cmsis",)}, "--engine=cmsis is unknown: choose from fxp, reference, cmsis_nn"),
        ({"engines": ("fxp", "fxp")}, "name each engine once"),
        ({"engines": ()}, "name each engine once"),
        ({"clips": 0, "random_codes": 0}, "leave nothing to run"),
        ({"clips": -1}, "negative"),
        ({"timeout_s": 0.0}, "positive number of seconds"),
        ({"profile": "quick"}, "--profile=quick is unknown: choose one of auto, fast, "),
        (
            {"profile": "fast", "engines": ("reference",)},
            "--profile=fast is of the engine fxp, which --engine=reference",
        ),
    ],
)
def test_bad_settings(small_bundle: pathlib.Path, tmp_path: pathlib.Path, changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        config(small_bundle, tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"emulator": "bochs"}, EmulatorError, "^emulator=bochs is unknown"),
        ({"board": "pdp11"}, BoardError, "^board=pdp11 is unknown: choose one of m0plus_264k, mps2_an385, "),
        ({"clips": 25}, UserError, "the bundle has 24 golden clips"),
    ],
)
def test_bad_names(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, changes: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        bench.measure(config(**{"bundle": small_bundle, "folder": tmp_path, **changes}))


def test_a_bundle_that_is_nowhere_is_one_line(tmp_path: pathlib.Path) -> None:
    with pytest.raises(BundleError, match=r"^bundle=nowhere is not a folder"):
        bench.measure(config(pathlib.Path("nowhere"), tmp_path))
    assert_one_line(run_command("--bundle=nowhere"), "error: --bundle=nowhere is not a folder")


def test_missing_programs_are_one_line_each(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    arguments = [f"--bundle={small_bundle}", f"--build_dir={tmp_path / 'build'}"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert_one_line(run_command(*arguments, path=str(empty)), "qemu-system-arm not found: run make setup")
    done = run_command(*arguments, "--emulator=renode", path=str(empty))
    assert_one_line(done, "renode not found", "--emulator=qemu")
    only_qemu = tmp_path / "only_qemu"
    only_qemu.mkdir()
    (only_qemu / "qemu-system-arm").symlink_to(shutil.which("qemu-system-arm"))
    done = run_command(*arguments, path=str(only_qemu))
    assert_one_line(done, "arm-none-eabi-gcc not found: run make setup", "gcc-arm-none-eabi libnewlib-arm-none-eabi")


def test_bad_flags_are_one_line() -> None:
    assert_one_line(run_command(), "--bundle is required")
    assert_one_line(run_command("--bundle=x", "--clips=many"), "--clips")
    assert_one_line(run_command("--bundle=x", "--profile=quick"), "--profile=quick is unknown: choose one of auto, ")
    assert_one_line(run_command("--bundle=x", "--engine=gpu"), "--engine=gpu is unknown: choose from fxp, ")


def test_an_unknown_board_is_one_line(small_bundle: pathlib.Path) -> None:
    done = run_command(f"--bundle={small_bundle}", "--board=pdp11")
    assert_one_line(done, "--board=pdp11 is unknown: choose one of ", *boards.names())


@pytest.mark.parametrize("name", ["integer_model.npz", "golden.npz", "c/fxp_model.c", "c/fxp_model.h", "bundle.json"])
def test_a_truncated_bundle_is_one_line(small_bundle: pathlib.Path, tmp_path: pathlib.Path, name: str) -> None:
    whole = (small_bundle / name).read_bytes()
    cut, lost = tmp_path / "cut", tmp_path / "lost"
    for bundle in (cut, lost):
        shutil.copytree(small_bundle, bundle)
    (cut / name).write_bytes(whole[: len(whole) // 2])
    (lost / name).unlink()
    convert = r"write the bundle again with python -m export\.convert"
    remedy = r"remove .*, it is written again" if name.startswith("c/") else convert
    for bundle in (cut, lost):
        with pytest.raises(BundleError, match=remedy) as caught:
            bench.measure(config(bundle, tmp_path / "build"))
        assert name in str(caught.value) and "\n" not in str(caught.value)
    assert_one_line(run_command(f"--bundle={lost}", f"--build_dir={tmp_path / 'build'}"), name)


def test_a_layer_that_no_kernel_runs_is_named_with_shape_and_reason(
    write_bundle: Callable[..., pathlib.Path],
    small_model: IntegerModel,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The plan refuses it, here where the bench asks for another profile's C; so does export.convert."""
    no_pooling = dataclasses.replace(
        plan.CHOICES["portable"],
        kernels=tuple(kernel for kernel in plan.CHOICES["portable"].kernels if kernel.op != AVERAGE_POOL),
    )
    bundle = write_bundle(small_model, clips=1)
    monkeypatch.setitem(plan.CHOICES, "portable", no_pooling)
    shapes = r"layer layer3_average_pool \(average_pool, 25x5x8 to 1x1x8\)"
    expected = rf"has no C in profile portable: {shapes}: no kernel runs it \(no kernel for this op\)"
    with pytest.raises(MeasurementError, match=expected):
        bench.measure(config(bundle, tmp_path, profile="portable", clips=1))


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
