"""What the bench refuses, each in one line: settings, names, bundles, programs that are missing."""

import dataclasses
import pathlib
import shutil
from collections.abc import Callable

import pytest
from bench_runs import assert_one_line, config, run_command

from export import plan
from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.model.integer_model import AVERAGE_POOL, IntegerModel
from export.source import model_source
from export.source.source_error import SourceError
from kws_cli.command import UserError
from microcontroller import bench, boards
from microcontroller.boards.board_error import BoardError
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.measurement.measurement_error import MeasurementError


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
