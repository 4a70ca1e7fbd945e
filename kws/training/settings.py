"""The settings of a training run, each declared once (`kws_cli.settings`)."""

import dataclasses
from typing import Any

from kws import datasets
from kws.datasets import dataset_flags
from kws.models import MODELS
from kws.training import phases as stage_two
from kws.training.training_error import TrainingError
from kws_cli.settings import changed, of_json, setting, settings_of, spelled, unknown
from quant.method import Method
from quant.qformat import MAX_BITS, MIN_BITS

FEW_STREAM_SHARE = 0.5
WIDTHS = ("weight_bits", "activation_bits")
_EMA = "Momentum of the moving average of weights that stage {stage} ends with, such as 0.99; 0: none."


def _widths() -> Any:
    return setting(
        (8,),
        f"{MIN_BITS} to {MAX_BITS}: one for all layers, or a comma list, one per layer.",
        item=f"a width from {MIN_BITS} to {MAX_BITS} bits",
        lowest=MIN_BITS,
        highest=MAX_BITS,
    )


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Everything a run depends on; `run.json` keeps it.

    Attributes:
      dataset: settings of `kws.datasets.load`.
      model: a name in `kws.models.MODELS`.
      seed: of weights, shuffling, masks and other draws on features; clips are augmented under `dataset.seed`.
      threads: that TensorFlow computes an operation on (`kws.training.devices`); the same number gives the same bits.
      step_parts: parts of a step's examples, computed side by side on the cores that there are
        (`kws.training.loop.step_parts`); the same number gives the same bits.
      float_epochs, fixed_point_epochs: length of the two stages.
      fixed_point_learning_rate: peak rate of stage 2; 0 for the rate that suits its widths, `fine_tuning_rate`.
      float_ema, fixed_point_ema: momentum of the moving average of the weights that the stage ends with; 0 for none.
      word_loss: weight, in stage 1, of a second head that tells the words of a class apart.
      float_teachers: runs whose float models' posteriors stage 1 follows, in the share `float_distillation` of its
        loss.
      fixed_point_teachers: runs whose float models' posteriors stage 2 follows; empty for the run's own float model's.
      distillation: share of stage 2's loss that follows these posteriors.
      method: parts of the fixed-point method.
      epoch_examples: examples of an epoch at least, where clips are few (`kws.training.training_data.rounds`).
      epoch_limit: examples of an epoch at most, where clips are many; 0 for no limit.
      init: a bundle that stage 1 starts from (`kws.training.transfer`); empty for random weights.
      init_learning_rate, frozen_share: of stage 1 then: its peak rate, and the share of its epochs in which the last
        layer alone learns.
      stream_share: share of the examples that both stages train on as a stream hears them (`kws.models.in_a_stream`);
        below 0 `FEW_STREAM_SHARE` where clips are few, else none.
      allow_few: train on data that `kws.training.training_data.check_enough` refuses.
      allow_chance: go on where a stage ends near chance (`export.bundle.training.trained.near_chance`).
      weight_bits, activation_bits: one width for all layers, or one per weighted layer (logits stay 8 bits).
      gradual_bits: higher widths that stage 2 begins with, as in `kws.training.phases.phases`; empty for none.

    Raises:
      TrainingError: an unknown model, a momentum out of range, a wrong number of widths, or no possible phases.
    """

    dataset: datasets.DatasetConfig
    model: str = setting("ds_cnn_mlperf", "Architecture.", choices=sorted(MODELS), of_float=True)
    seed: int = setting(0, "Seed of weights, shuffling and masks.", lowest=0, of_float=True)
    threads: int = setting(1, "Threads of TensorFlow: another number of them gives other last bits.", lowest=1)
    step_parts: int = setting(
        1,
        "Compute a step's examples in so many parts, side by side on free cores: another number gives other last bits.",
        lowest=1,
        later=True,
    )
    float_epochs: int = setting(70, "Epochs of stage 1.", lowest=1, of_float=True)
    fixed_point_epochs: int = setting(8, "Epochs of stage 2.", lowest=0)
    batch_size: int = setting(64, "Examples in a step.", lowest=1, of_float=True)
    epoch_examples: int = setting(
        1536,
        "Of few clips an epoch has so many examples: they are drawn again and again, augmented afresh.",
        lowest=1,
        of_float=True,
        later=True,
    )
    epoch_limit: int = setting(
        32768,
        "Of many clips an epoch has so many examples, a random part that is another in each epoch; 0: all.",
        lowest=0,
        of_float=True,
        later=True,
    )
    float_learning_rate: float = setting(5e-3, "Peak rate of stage 1.", lowest=0, of_float=True)
    fixed_point_learning_rate: float = setting(
        0.0,
        "Peak rate of stage 2; 0: 5e-4 at 8 bits, doubled for every two bits less, 2e-3 at 4 bits and below.",
        lowest=0,
    )
    warmup_epochs: float = setting(2.0, "Linear warm-up of stage 1.", lowest=0, of_float=True)
    weight_decay: float = setting(2e-3, "Decoupled weight decay of stage 1.", lowest=0, of_float=True)
    label_smoothing: float = setting(0.02, "Label smoothing.", lowest=0, highest=0.5, of_float=True)
    float_ema: float = setting(0.9995, _EMA.format(stage=1), lowest=0, highest=1, of_float=True)
    fixed_point_ema: float = setting(0.999, _EMA.format(stage=2), lowest=0, highest=1)
    word_loss: float = setting(
        0.5, "Weight, in stage 1, of a second head that tells the words of a class apart.", lowest=0, of_float=True
    )
    float_teachers: tuple[str, ...] = setting(
        (), "Runs whose float models' posteriors stage 1 follows (distillation).", of_float=True
    )
    float_distillation: float = setting(
        0.7, "Share of stage 1's loss that follows the teachers' posteriors.", lowest=0, highest=1, of_float=True
    )
    fixed_point_teachers: tuple[str, ...] = setting(
        (), "Runs whose float models' posteriors stage 2 follows; none: its own float model's."
    )
    distillation: float = setting(
        0.9, "Share of stage 2's loss that follows the teachers' posteriors.", lowest=0, highest=1
    )
    weight_bits: tuple[int, ...] = _widths()
    activation_bits: tuple[int, ...] = _widths()
    gradual_bits: str = setting(
        "",
        "Begin stage 2 at higher widths, as bits:epochs,...; 8:3,6:3 is 3 epochs at 8 bits, then 3 at 6, then the end.",
    )
    init: str = setting(
        "", "Bundle whose layers but the last, and front end, stage 1 starts from.", of_float=True, later=True
    )
    init_learning_rate: float = setting(
        2e-3, "Peak rate of stage 1 where it starts from a bundle.", lowest=0, of_float=True, later=True
    )
    frozen_share: float = setting(
        0.5,
        "Share of stage 1's epochs in which the last layer alone learns, where it starts from a bundle.",
        lowest=0,
        highest=1,
        of_float=True,
        later=True,
    )
    stream_share: float = setting(
        -1.0,
        "Share of the examples that are trained on as a stream hears them, without padding in time; -1: half where "
        "clips are few, else none.",
        lowest=-1,
        highest=1,
        of_float=True,
        later=True,
    )
    allow_few: bool = setting(
        False, "Train on fewer than three clips of a class, or with none to validate or test it.", later=True
    )
    allow_chance: bool = setting(False, "Go on with a network that is hardly better than guessing.", later=True)
    method: Method = dataclasses.field(default_factory=Method)

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise TrainingError(f"unknown model {self.model!r}; known are {', '.join(sorted(MODELS))}")
        for name in ("float_ema", "fixed_point_ema"):
            momentum = getattr(self, name)
            if not 0 <= momentum < 1:
                raise TrainingError(
                    f"{name}={momentum}: expected a momentum from 0 (none) to less than 1, such as 0.99"
                )
        for name in WIDTHS:
            _check_widths(name, getattr(self, name), self.model)
        _ = self.phases

    @property
    def phases(self) -> tuple[stage_two.Phase, ...]:
        """The phases of stage 2."""
        return stage_two.phases(
            self.fixed_point_epochs,
            self.weight_bits,
            self.activation_bits,
            self.gradual_bits,
            self.method.learn_formats,
        )

    @property
    def fine_tuning_rate(self) -> float:
        """The peak learning rate of stage 2.

        Where none is given, `5e-4 * 2**((8 - b) / 2)` for the lowest width b, at most 2e-3: 5e-4 at 8 bits, 1e-3 at 6,
        2e-3 at 4 and less. A weight must travel to its next code, and codes lie further apart at low widths.
        """
        lowest = min(*self.weight_bits, *self.activation_bits)
        return self.fixed_point_learning_rate or min(5e-4 * 2 ** ((MAX_BITS - lowest) / 2), 2e-3)

    @property
    def frozen_epochs(self) -> int:
        """Epochs of stage 1 in which the last layer alone learns."""
        return round(self.frozen_share * self.float_epochs) if self.init else 0

    @property
    def float_stage(self) -> dict[str, Any]:
        """What the float model depends on: runs that agree in it can share one."""
        names = [each.name for each in settings_of(TrainConfig) if "of_float" in each.metadata]
        return {"dataset": dataset_flags.to_json(self.dataset), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_json(cls, fields: dict[str, Any], dataset: datasets.DatasetConfig) -> "TrainConfig":
        """The settings that `run.json` keeps, with the dataset of this machine.

        Raises:
          TrainingError: settings that this version doesn't know, or without some that it needs.
        """
        own = {name: value for name, value in fields.items() if name != "dataset"}
        needed = {each.name for each in settings_of(cls) if not each.is_later} - {"dataset"}
        for what, names in (("no ", sorted(needed - own.keys())), ("", unknown(cls, own))):
            if names:
                raise TrainingError(
                    f"the run is of another version, which had {what}{', '.join(names)}: train it again"
                )
        return cls(dataset, **of_json(cls, own))


def _check_widths(name: str, bits: tuple[int, ...], model: str) -> None:
    layers = MODELS[model].layer_names
    if len(bits) not in (1, len(layers)):
        raise TrainingError(
            f"{name}={','.join(map(str, bits))} gives {len(bits)} widths: give one for all layers, or {len(layers)}, "
            f"one each for {', '.join(layers)}"
        )


def by_layer(bits: tuple[int, ...], model: str) -> dict[str, int]:
    """Width per layer name."""
    layers = MODELS[model].layer_names
    return dict(zip(layers, bits * len(layers) if len(bits) == 1 else bits, strict=False))


def command_line(config: TrainConfig, run_dir: str = "R") -> str:
    """The shell line that trains this configuration again in `run_dir`: what differs from the flags' defaults."""
    flags = {"dataset": config.dataset.dataset, **changed(config)}
    return spelled(f"python -m kws.train --data_dir=D --run_dir={run_dir}", flags)
