"""What goes wrong on the device: wrong codes, faults, runs that do not end, images that do not arrive."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable

import edited_c
import pytest
from bench_runs import config

from export.model.integer_model import IntegerModel
from microcontroller import bench
from microcontroller.emulator import qemu
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware import clip_image
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.measurement.protocol import DeviceError


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
    # A machine that has much else to do lets the clock leap: a counter in steps, then.
    with pytest.raises(MeasurementError, match=r"ticked .*expected 1|moves in steps: .*too coarse"):
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
