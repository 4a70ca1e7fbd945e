"""The phases of stage 2 and what of a training's settings depends on its widths."""

import pytest

from kws.datasets import DatasetConfig
from kws.training.phases import Phase, phases
from kws.training.settings import TrainConfig, command_line
from kws.training.training_error import TrainingError
from quant.method import Method

DATASET = DatasetConfig()


def test_without_aids_there_is_one_phase() -> None:
    assert phases(12, (4,), (8,), "", False) == (Phase(0, 12, (4,), (8,), calibrates=False),)
    assert phases(0, (4,), (8,), "", False) == ()


def test_widths_go_down_and_formats_are_learned_at_the_end() -> None:
    assert phases(12, (4, 8), (2,), "8:3,6:2", True) == (
        Phase(0, 3, (8, 8), (8,), calibrates=True),
        Phase(3, 5, (6, 8), (6,), calibrates=True),
        Phase(5, 8, (4, 8), (2,), calibrates=True, learns_formats=True),
        Phase(8, 12, (4, 8), (2,), calibrates=False),
    )
    assert [phase.calibrates for phase in phases(4, (4,), (4,), "8:1", False)] == [True, True]
    assert [phase.calibrates for phase in phases(4, (4,), (4,), "", True)] == [False, False]


@pytest.mark.parametrize("gradual", ["8", "8:0", "9:1", "1:1", "6:1,8:1", "6:1,6:1", "8:1,", "eight:1", "8:-1"])
def test_other_forms_are_named(gradual: str) -> None:
    with pytest.raises(TrainingError, match=f"gradual_bits={gradual}: expected falling widths"):
        phases(12, (4,), (4,), gradual, False)


def test_impossible_lengths_are_named() -> None:
    with pytest.raises(TrainingError, match="takes 12 of fixed_point_epochs=12"):
        TrainConfig(DATASET, fixed_point_epochs=12, weight_bits=(4,), gradual_bits="8:6,6:6")
    with pytest.raises(TrainingError, match="no layer ends below 8 bits"):
        TrainConfig(DATASET, gradual_bits="8:6")
    with pytest.raises(TrainingError, match="learn_formats needs 2 epochs at the final widths: 1 of"):
        TrainConfig(DATASET, fixed_point_epochs=1, method=Method(learn_formats=True))
    with pytest.raises(TrainingError, match=r"float_ema=1\.0: expected a momentum"):
        TrainConfig(DATASET, float_ema=1.0)


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "rate"),
    [((8,), (8,), 5e-4), ((6,), (8,), 1e-3), ((8,), (4,), 2e-3), ((4,), (4,), 2e-3), ((2,), (8,), 2e-3)],
)
def test_low_widths_learn_faster(weight_bits: tuple[int, ...], activation_bits: tuple[int, ...], rate: float) -> None:
    config = TrainConfig(DATASET, weight_bits=weight_bits, activation_bits=activation_bits)
    assert config.fine_tuning_rate == pytest.approx(rate)
    assert TrainConfig(DATASET, weight_bits=weight_bits, fixed_point_learning_rate=3e-4).fine_tuning_rate == 3e-4


def test_the_aids_are_part_of_the_command_line() -> None:
    config = TrainConfig(
        DATASET, weight_bits=(4,), fixed_point_ema=0.99, gradual_bits="8:3,6:3", method=Method(learn_formats=True)
    )
    for flag in ("--fixed_point_ema=0.99", "--gradual_bits=8:3,6:3", "--learn_formats=True"):
        assert flag in command_line(config)
