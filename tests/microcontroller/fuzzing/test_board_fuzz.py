"""Random models in one firmware on emulated boards."""

import dataclasses
import pathlib
import shutil

import pytest

from export.fuzzing import case
from export.fuzzing.programs import machine
from export.fuzzing.tally import Tally
from microcontroller.firmware import build
from microcontroller.fuzzing import board_machine
from microcontroller.fuzzing.board_machine import BoardMachine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="needs qemu-system-arm"),
]


@pytest.mark.parametrize("board", ["mps2_an386", "mps3_an547", "nrf51"])
def test_random_models_agree(board: str, tmp_path: pathlib.Path) -> None:
    tally = Tally()
    models = [case.drawn(0, number) for number in range(4)]
    assert not machine.check(BoardMachine(board, tmp_path), models, tally)
    assert tally.compared.total() >= 4 and all(f"[{board}]" in name for name in tally.compared)


def test_what_differs_is_told_by_its_layer(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two models the one whose codes are not those expected, with the layer; and one that no memory holds."""
    board = BoardMachine("nrf51", tmp_path)
    models = [case.drawn(0, number) for number in (0, 1)]
    made = [one for model in models for one in board.planner.programs(model, Tally())[0] if not one.stream][:2]
    made[1] = dataclasses.replace(made[1], sums=(made[1].sums[0] ^ 1, *made[1].sums[1:]))
    first, second = board.run(made)
    assert made[0].difference(*first) == ""
    assert made[1].difference(*second).startswith(f"layer {models[1].model.layers[0].name} ")

    def too_large(*arguments: object) -> None:
        raise build.DoesNotFit("it does not fit")

    monkeypatch.setattr(board_machine.build, "build", too_large)
    tally = Tally()
    assert not machine.check(board, models, tally)
    assert tally.refused.total() >= 2 and not +tally.compared
