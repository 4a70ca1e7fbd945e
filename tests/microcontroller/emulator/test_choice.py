"""Emulators: which one is chosen, and why."""

import pathlib
import shutil

import pytest

from microcontroller import boards, emulator
from microcontroller.emulator import qemu, renode
from microcontroller.emulator.emulator_error import EmulatorError

BOARD = boards.load("stm32f4")
OTHER_BOARD = boards.load("mps2_an385")


def program(folder: pathlib.Path, name: str) -> None:
    (folder / name).write_text(f"#!{shutil.which('sh')}\n")
    (folder / name).chmod(0o755)


def test_auto_prefers_qemu_and_says_why(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    neither = "neither qemu-system-arm nor renode is on the PATH"
    assert emulator.choose("auto", BOARD) == (qemu, neither)
    program(tmp_path, "renode")
    assert emulator.choose("auto", BOARD) == (renode, "qemu-system-arm is not on the PATH, renode is")
    no_board = "qemu-system-arm is not on the PATH, and renode has no mps2_an385"
    assert emulator.choose("auto", OTHER_BOARD) == (qemu, no_board)
    program(tmp_path, "qemu-system-arm")
    assert emulator.choose("auto", BOARD) == (qemu, "qemu-system-arm is on the PATH")


def test_an_emulator_is_chosen_by_name() -> None:
    assert emulator.choose("qemu", BOARD) == (qemu, "--emulator=qemu")
    assert emulator.choose("renode", BOARD) == (renode, "--emulator=renode")
    with pytest.raises(EmulatorError, match=r"has no mps2_an385: choose emulator=qemu, or board=stm32f4$"):
        emulator.choose("renode", OTHER_BOARD)
    for ask in (lambda: emulator.choose("bochs", BOARD), lambda: emulator.board_for("bochs", "stm32f4")):
        with pytest.raises(EmulatorError, match=r"^emulator=bochs is unknown: choose one of auto, qemu, renode"):
            ask()


def test_the_preferred_board_unless_the_emulator_lacks_it() -> None:
    assert emulator.board_for("auto", "mps2_an386") == "mps2_an386"
    assert emulator.board_for("qemu", "mps2_an386") == "mps2_an386"
    assert emulator.board_for("renode", "mps2_an386") == "stm32f4"


@pytest.mark.parametrize("chosen", [qemu, renode])
def test_a_missing_emulator(chosen: object, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (chosen.version, lambda: chosen.run(BOARD, tmp_path / "firmware.elf", None, 1.0)):
        with pytest.raises(EmulatorError, match="not found: "):
            call()
