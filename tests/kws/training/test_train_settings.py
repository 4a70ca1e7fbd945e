"""The settings of training: what a run keeps of them, and what contradicts them when it is resumed."""

import dataclasses
import json

import pytest
from absl import flags

from kws.datasets import DatasetConfig, dataset_flags
from kws.training.settings import TrainConfig
from kws.training.training_error import TrainingError
from kws_cli import setting_flags, settings
from kws_cli.command import UserError
from quant.method import Method

CONFIG = TrainConfig(
    DatasetConfig("folder", "somewhere", ("größe", "turn on"), seed=3, max_word_seconds=0.9),
    weight_bits=(4,),
    float_teachers=("r1", "r2"),
    method=Method(squash=True, cosine=0.5),
)
# As a run of the first version kept them.
FIRST = {
    "dataset": {
        "dataset": "speech_commands",
        "words": None,
        "task": "12",
        "seed": 0,
        "unknown_percentage": None,
        "silence_percentage": 10.0,
        "clips_per_word": 200,
    },
    "model": "ds_cnn_mlperf",
    "seed": 0,
    "threads": 1,
    "float_epochs": 70,
    "fixed_point_epochs": 8,
    "batch_size": 64,
    "float_learning_rate": 0.005,
    "fixed_point_learning_rate": 0.0,
    "warmup_epochs": 2.0,
    "weight_decay": 0.002,
    "label_smoothing": 0.02,
    "float_ema": 0.9995,
    "fixed_point_ema": 0.999,
    "word_loss": 0.5,
    "float_teachers": [],
    "float_distillation": 0.7,
    "fixed_point_teachers": [],
    "distillation": 0.9,
    "weight_bits": [8],
    "activation_bits": [8],
    "gradual_bits": "",
    "method": {
        "equalize": True,
        "squash": False,
        "deviation": 0.0,
        "cosine": 0.0,
        "accumulator_bits": 32,
        "qformat": "per_layer",
        "learn_formats": False,
    },
}


def kept(config: TrainConfig) -> dict:
    return json.loads(json.dumps(settings.to_json(config)))


def again(fields: dict, **machine: object) -> TrainConfig:
    return TrainConfig.from_json(fields, dataset_flags.from_json(fields["dataset"], **machine))


def test_what_a_run_keeps_comes_back() -> None:
    assert again(kept(CONFIG), data_dir="somewhere") == CONFIG


def test_runs_of_the_first_version_are_read_and_todays_are_kept_as_theirs() -> None:
    config = TrainConfig(DatasetConfig("speech_commands"))
    assert again(FIRST) == config
    assert kept(config) == FIRST


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dropout": 0.1}, "another version, which had dropout: train it again"),
        ({"method": {"equalize": True, "hadamard": True}}, "another version, which had hadamard: train it again"),
        ({"float_ema": None}, "another version, which had no float_ema: train it again"),
        ({"model": "resnet"}, "unknown model 'resnet'; known are ds_cnn_l"),
    ],
)
def test_settings_of_another_version_are_named(changes: dict, message: str) -> None:
    fields = {name: value for name, value in {**FIRST, **changes}.items() if value is not None}
    with pytest.raises(TrainingError, match=message):
        again(fields)


def test_the_float_model_depends_on_everything_that_is_not_of_stage_2() -> None:
    of_stage_2 = {"fixed_point_epochs", "fixed_point_learning_rate", "fixed_point_ema", "fixed_point_teachers"}
    of_stage_2 |= {"distillation", "weight_bits", "activation_bits", "gradual_bits", "method"}
    of_stage_2 |= {"allow_few", "allow_chance", "threads", "step_parts"}
    names = {field.name for field in dataclasses.fields(TrainConfig)}
    assert set(CONFIG.float_stage) == names - of_stage_2


def flag_values(*arguments: str) -> flags.FlagValues:
    """The flags of kws.train's settings, as these arguments give them."""
    values = flags.FlagValues()
    setting_flags.define_flags(TrainConfig, values=values)
    values(["command", *arguments])
    return values


def test_flags_are_the_settings() -> None:
    assert setting_flags.from_flags(TrainConfig, flag_values("--data_dir=d", "--processes=2")) == TrainConfig(
        DatasetConfig(data_dir="d", processes=2)
    )
    given = ("--dataset=folder", "--words=größe,turn on", "--data_seed=3", "--max_word_seconds=0.9", "--weight_bits=4")
    given += ("--float_teachers=r1,r2", "--squash", "--cosine=0.5", "--data_dir=somewhere")
    config = setting_flags.from_flags(TrainConfig, flag_values(*given))
    machine = {"processes": config.dataset.processes}
    assert config == dataclasses.replace(CONFIG, dataset=dataclasses.replace(CONFIG.dataset, **machine))


def test_flags_that_agree_with_a_resumed_run_pass() -> None:
    # The umlaut in two code points is the same word; what is this machine's may be another.
    agreeing = (
        "--words=gro\u0308\u00dfe,turn on",
        "--weight_bits=4",
        "--squash",
        "--cosine=0.5",
        "--float_teachers=r1,r2",
    )
    setting_flags.check_agreement(CONFIG, flag_values(*agreeing, "--data_dir=elsewhere", "--processes=3", "--download"))


@pytest.mark.parametrize(
    ("flag", "line"),
    [
        ("--seed=7", "--seed=7 contradicts the run's own 0"),
        ("--weight_bits=8", "--weight_bits=8 contradicts the run's own 4"),
        ("--nosquash", "--squash=False contradicts the run's own True"),
        ("--cosine=1", "--cosine=1.0 contradicts the run's own 0.5"),
        ("--accumulator_bits=16", "--accumulator_bits=16 contradicts the run's own 32"),
        ("--qformat=uniform", "--qformat=uniform contradicts the run's own per_layer"),
        ("--words=yes,no", "--words=yes,no contradicts the run's own größe,turn on"),
        # These two are impossible beside the run's other settings, too.
        ("--task=35", "--task=35 contradicts the run's own 12"),
        ("--dataset=synthetic", "--dataset=synthetic contradicts the run's own folder"),
        ("--data_seed=0", "--data_seed=0 contradicts the run's own 3"),
        ("--float_teachers=", "--float_teachers= contradicts the run's own r1,r2"),
    ],
)
def test_a_flag_that_contradicts_a_resumed_run_is_named(flag: str, line: str) -> None:
    with pytest.raises(UserError) as refused:
        setting_flags.check_agreement(CONFIG, flag_values(flag))
    assert str(refused.value) == f"{line}: leave it out, or start another run"
