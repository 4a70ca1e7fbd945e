"""The settings of a training run."""

import csv
import dataclasses
import io
import shlex
from typing import Any

from cli.command import UserError
from kws import datasets
from kws.datasets import dataset_flags
from kws.models import MODELS
from kws.training import phases as stage_two
from quant.method import Method
from quant.qformat import MAX_BITS, MIN_BITS

# The settings that are lists.
LISTS = ("weight_bits", "activation_bits", "float_teachers", "fixed_point_teachers")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Everything a run depends on; `run.json` keeps it.

    Attributes:
      dataset: settings of `kws.datasets.load`.
      model: a name in `kws.models.MODELS`.
      seed: of weights, shuffling, masks and other draws on features; clips are augmented under `dataset.seed`.
      threads: that TensorFlow computes an operation on (`kws.training.threads`); the same number gives the same bits.
      float_epochs, fixed_point_epochs: length of the two stages.
      fixed_point_learning_rate: peak rate of stage 2; 0 for the rate that suits its widths, `fine_tuning_rate`.
      float_ema, fixed_point_ema: momentum of the moving average of the weights that the stage ends with; 0 for none.
      word_loss: weight, in stage 1, of a second head that tells the words of a class apart.
      float_teachers: runs whose float models' posteriors stage 1 follows, in the share `float_distillation` of its
        loss.
      fixed_point_teachers: runs whose float models' posteriors stage 2 follows; empty for the run's own float model's.
      distillation: share of stage 2's loss that follows these posteriors.
      method: parts of the fixed-point method.
      weight_bits, activation_bits: one width for all layers, or one per weighted layer (logits stay 8 bits).
      gradual_bits: higher widths that stage 2 begins with, as in `kws.training.phases.phases`; empty for none.

    Raises:
      UserError: a momentum out of range, or no possible phases.
    """

    dataset: datasets.DatasetConfig
    model: str = "ds_cnn_mlperf"
    seed: int = 0
    threads: int = 1
    float_epochs: int = 70
    fixed_point_epochs: int = 8
    batch_size: int = 64
    float_learning_rate: float = 5e-3
    fixed_point_learning_rate: float = 0.0
    warmup_epochs: float = 2.0
    weight_decay: float = 2e-3
    label_smoothing: float = 0.02
    float_ema: float = 0.9995
    fixed_point_ema: float = 0.999
    word_loss: float = 0.5
    float_teachers: tuple[str, ...] = ()
    float_distillation: float = 0.7
    fixed_point_teachers: tuple[str, ...] = ()
    distillation: float = 0.9
    weight_bits: tuple[int, ...] = (8,)
    activation_bits: tuple[int, ...] = (8,)
    gradual_bits: str = ""
    method: Method = dataclasses.field(default_factory=Method)

    def __post_init__(self) -> None:
        for name in ("float_ema", "fixed_point_ema"):
            momentum = getattr(self, name)
            if not 0 <= momentum < 1:
                raise UserError(f"{name}={momentum}: expected a momentum from 0 (none) to less than 1, such as 0.99")
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
    def float_stage(self) -> dict[str, Any]:
        """What the float model depends on: runs that agree in it can share one."""
        names = (
            "model",
            "seed",
            "float_epochs",
            "batch_size",
            "float_learning_rate",
            "warmup_epochs",
            "weight_decay",
            "label_smoothing",
            "float_ema",
            "word_loss",
            "float_teachers",
            "float_distillation",
        )
        return {"dataset": dataset_flags.to_json(self.dataset), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_json(cls, settings: dict[str, Any], dataset: datasets.DatasetConfig) -> "TrainConfig":
        """The settings that `run.json` keeps, with the dataset of this machine."""
        missing = {field.name for field in dataclasses.fields(cls)} - {"dataset"} - set(settings)
        if missing:
            raise UserError(f"the run is of another version, which had no {', '.join(sorted(missing))}: train it again")
        tuples = {name: tuple(settings[name]) for name in LISTS}
        return cls(**{**settings, **tuples, "dataset": dataset, "method": Method(**settings["method"])})


def parse_bits(flag: str, texts: list[str], model: str) -> tuple[int, ...]:
    """Widths in bits from a comma list. Raises `UserError` for a width that is none or a list of the wrong length."""
    layers = MODELS[model].layer_names
    bits = []
    for text in texts:
        if not text.strip().isdigit() or not MIN_BITS <= int(text) <= MAX_BITS:
            raise UserError(f"--{flag}={','.join(texts)}: {text!r} is not a width from {MIN_BITS} to {MAX_BITS} bits")
        bits.append(int(text))
    if len(bits) not in (1, len(layers)):
        raise UserError(
            f"--{flag}={','.join(texts)} gives {len(bits)} widths: give one for all layers, or {len(layers)}, one each "
            f"for {', '.join(layers)}"
        )
    return tuple(bits)


def by_layer(bits: tuple[int, ...], model: str) -> dict[str, int]:
    """Width per layer name."""
    layers = MODELS[model].layer_names
    return dict(zip(layers, bits * len(layers) if len(bits) == 1 else bits, strict=False))


def command_line(config: TrainConfig, run_dir: str = "R") -> str:
    """The shell line that trains this configuration again in `run_dir`: what differs from the flags' defaults."""
    default = TrainConfig(datasets.DatasetConfig())
    flags = {"dataset": config.dataset.dataset}
    defaults = dataset_flags.to_json(default.dataset)
    for name, value in dataset_flags.to_json(config.dataset).items():
        if value != defaults.get(name):
            flags["data_seed" if name == "seed" else name] = value
    for ours, theirs in ((config, default), (config.method, default.method)):
        for field in dataclasses.fields(ours):
            value = getattr(ours, field.name)
            if field.name not in ("dataset", "method") and value != getattr(theirs, field.name):
                flags[field.name] = value
    start = f"python -m kws.train --data_dir=D --run_dir={run_dir}"
    return " ".join([start, *(f"--{name}={_spelled(value)}" for name, value in flags.items())])


def _spelled(value: Any) -> str:
    """A flag's value as a shell takes it: a list as absl reads one (CSV), what a shell would change in quotes."""
    if not isinstance(value, (tuple, list)):
        return shlex.quote(str(value))
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(value)
    return shlex.quote(line.getvalue())
