"""Every bundle, profile and board: what is compared, what is kept, and what is said where it can't be."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Callable

import edited_c
import pytest

from export.bundle.bundle_error import BundleError
from export.model import random_model
from export.model.integer_model import IntegerModel
from export.plan import PROFILES
from kws_cli.command import UserError
from microcontroller import boards, matrix
from microcontroller.boards.board_error import BoardError
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.matrix import MatrixConfig
from microcontroller.measurement import inference

GOLDEN, RANDOM = 24, 3


def config(bundle: pathlib.Path, folder: pathlib.Path, **changes: object) -> MatrixConfig:
    settings = {"boards": ("stm32f4",), "profiles": ("portable",), "random_codes": RANDOM, "folder": folder}
    return MatrixConfig(**{"bundles": (bundle,), "timeout_s": 60.0, **settings, **changes})


def lines_of(settings: MatrixConfig) -> tuple[dict, list[str]]:
    lines: list[str] = []
    return matrix.compare(settings, lines.append), lines


@pytest.mark.slow
def test_every_golden_vector_and_random_code_is_compared_once(
    small_bundle: pathlib.Path, small_model: IntegerModel, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(small_bundle, tmp_path, boards=("stm32f4", "nrf51"))
    result, lines = lines_of(settings)
    assert [(cell["board"], cell["profile"], cell["state"]) for cell in result["cells"]] == [
        ("stm32f4", "portable", "equal"),
        ("nrf51", "portable", "equal"),
    ]
    assert (result["inputs"], result["mismatches"]) == (2 * (GOLDEN + RANDOM), 0)
    assert result["logit_codes"] == result["inputs"] * len(small_model.labels)
    assert lines[0].startswith("[1/2] ") and "27 inputs, 0 of 324 logit codes differ" in lines[0]
    # What is kept is not run again, and is worth as much.
    measure = inference.measure
    monkeypatch.setattr(inference, "measure", lambda *arguments: pytest.fail("ran again"))
    again, lines = lines_of(settings)
    assert again == result and all(line.endswith("(kept from before)") for line in lines)
    # Half a file is not kept, and the result is not of other inputs.
    monkeypatch.setattr(inference, "measure", measure)
    for kept in tmp_path.rglob("result.json"):
        kept.write_text(kept.read_text()[:-20])
    again, lines = lines_of(config(small_bundle, tmp_path))
    assert again["cells"] == result["cells"][:1] and not lines[0].endswith("(kept from before)")
    more, lines = lines_of(config(small_bundle, tmp_path, random_codes=RANDOM + 1))
    assert more["inputs"] == GOLDEN + RANDOM + 1 and not lines[0].endswith("(kept from before)")


def test_the_table_has_every_board_and_profile(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    result, _ = lines_of(config(small_bundle, tmp_path))
    text = matrix.table(result)
    assert "24 golden and 3 random inputs" in text
    assert f"{result['cells'][0]['instructions_per_inference']:,}" in text and "cortex-m4" in text
    assert "1 of 1 combinations compared, 0 without room, 0 failed: 27 inferences, 0 of 324 logit codes differ" in text
    assert "not cycles and not time" in text


def test_a_wrong_logit_is_named_and_ends_with_exit_code_1(
    write_bundle: Callable[..., pathlib.Path], small_model: IntegerModel, tmp_path: pathlib.Path
) -> None:
    """Only the bundle's own C is wrong; what is written for another profile is not."""
    bundle = write_bundle(small_model, last="if (input[0] == -128) { output[3] = (int8_t)(output[3] ^ 1); }")
    command = [sys.executable, edited_c.__file__, "microcontroller.matrix", f"--bundles={bundle}"]
    command += [f"--folder={tmp_path}", "--boards=stm32f4", "--profiles=fast,portable", "--random_codes=1", "--json=-"]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1, done.stderr
    wrong, right = json.loads(done.stdout)["cells"]
    assert (wrong["state"], right["state"], right["mismatches"]) == ("differs", "equal", 0)
    assert wrong["mismatches"] >= 2  # the golden and the random input that are all minimum
    assert "fast, stm32f4: clip clip0, logit label3: " in done.stderr


def test_a_combination_that_fails_does_not_stop_the_others(
    write_bundle: Callable[..., pathlib.Path], small_model: IntegerModel, tmp_path: pathlib.Path
) -> None:
    bundle = write_bundle(small_model, clips=1, first="__builtin_trap();")
    result, lines = lines_of(config(bundle, tmp_path, profiles=("fast", "portable"), random_codes=0))
    assert [cell["state"] for cell in result["cells"]] == ["failed", "equal"]
    assert "failed: the firmware ran into a fault: FAULT kind=UsageFault" in lines[0]
    assert "1 failed: 1 inferences" in matrix.table(result) and "kind=UsageFault" in matrix.table(result)


def test_a_model_without_room_on_a_board(write_bundle: Callable[..., pathlib.Path], tmp_path: pathlib.Path) -> None:
    model = random_model.ds_cnn(1, channels=64, blocks=0, first_kernel=(1, 1), first_stride=(1, 1))
    result, _ = lines_of(config(write_bundle(model, clips=1), tmp_path, boards=("nrf51",)))
    assert result["cells"][0]["state"] == "does not fit" and result["inputs"] == 0
    text = matrix.table(result)
    assert "does not fit nrf51 with 262144 bytes of flash and 32768 of RAM" in text and "1 without room" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"boards": ()}, "--boards=: name each of them once, and one at least"),
        ({"profiles": ("fast", "fast")}, "--profiles=fast,fast: name each of them once"),
        ({"profiles": ("quick",)}, "--profiles=quick is unknown: choose from fast, "),
        ({"random_codes": -1}, "--random_codes=-1 is negative"),
        ({"timeout_s": 0.0}, "positive number of seconds"),
    ],
)
def test_bad_settings(small_bundle: pathlib.Path, tmp_path: pathlib.Path, changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        config(small_bundle, tmp_path, **changes)


def test_an_unknown_board(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(BoardError, match=r"^board=pdp11 is unknown"):
        config(small_bundle, tmp_path, boards=("pdp11",))


def test_missing_bundles_programs_and_folders_are_one_line(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BundleError, match=r"^bundle=nowhere is not a folder"):
        matrix.compare(config(pathlib.Path("nowhere"), tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't write to --folder="):
        matrix.compare(config(small_bundle, tmp_path / "file" / "matrix"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmulatorError, match="qemu-system-arm not found: run make setup"):
        matrix.compare(config(small_bundle, tmp_path))
    command = [sys.executable, "-m", "microcontroller.matrix"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (
        done.returncode == 2 and done.stderr.startswith("error: --bundles is required") and "\n" not in done.stderr[:-1]
    )


def test_all_is_every_board_and_profile(small_bundle: pathlib.Path) -> None:
    every = MatrixConfig((small_bundle,))
    assert every.boards == boards.names() and every.profiles == PROFILES and every.random_codes >= 1000
