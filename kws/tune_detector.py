"""Chooses a bundle's detector on the validation split and writes it into the bundle, as JSON and as C.

python -m kws.tune_detector --bundle=B --data_dir=D --false_alarms_per_hour=1
"""

import dataclasses
import pathlib
from typing import Any

from absl import flags

from cli import command
from cli.command import UserError
from export.bundle import detector_file
from export.bundle import folder as bundles
from export.model import detector as detectors
from kws import datasets, evaluate
from kws.datasets import dataset_flags
from kws.evaluation.streaming import evaluation, tuning
from kws.evaluation.streaming.recording import Recipe


@dataclasses.dataclass(frozen=True)
class TuneConfig:
    """What to choose the detector for.

    Attributes:
      bundle: path of the bundle, which gets the detector.
      dataset: where the clips and noises come from.
      recipe: of the recording, of the validation split.
      false_alarms_per_hour: at most so many on that recording.
      backend: one of `kws.evaluation.streaming.evaluation.BACKENDS`.

    Raises:
      UserError: a negative target.
    """

    bundle: pathlib.Path
    dataset: datasets.DatasetConfig
    recipe: Recipe
    false_alarms_per_hour: float = 1.0
    backend: str = evaluation.INTERPRETER

    def __post_init__(self) -> None:
        if not self.false_alarms_per_hour >= 0:
            raise UserError(f"--false_alarms_per_hour={self.false_alarms_per_hour}: give 0 or more")


def tune(config: TuneConfig) -> dict[str, Any]:
    """Chooses the detector, writes it into the bundle and returns what the bundle's detector.json says.

    Raises:
      UserError: other classes than the bundle's, a target that can't be kept, or a bundle that can't be written.
    """
    bundle = bundles.load_hearing(config.bundle)
    dataset = datasets.load(config.dataset)
    heard = evaluation.hear(bundle, dataset, config.recipe, config.dataset.worker_processes)
    logits = evaluation.logits_of(bundle, heard.frames, config.backend)
    tuned = tuning.tune(bundle.model, logits, heard.recording, heard.step_samples, config.false_alarms_per_hour)
    record = {
        "tuned_for": {
            "false_alarms_per_hour": config.false_alarms_per_hour,
            "dataset": dataset_flags.to_json(config.dataset),
            "recipe": config.recipe.to_json(),
        },
        "there": tuned.to_json(),
    }
    bundles.add(bundle, detector_file.bundle_files(tuned.detector, record))
    return {"detector": tuned.detector.to_json(), **record}


def table(result: dict[str, Any]) -> str:
    """The choice for a person."""
    detector, there = result["detector"], result["there"]
    one = detectors.ONE * detector["window"]
    rates = ", ".join(
        f"{window}: {'-' if rate is None else f'{100 * rate:.1f} %'}"
        for window, rate in there["miss_rate_by_window"].items()
    )
    lines = [
        f"window {detector['window']} steps, refractory time {detector['refractory']} steps",
        f"miss rate by window: {rates}",
        f"on validation: miss rate {100 * there['miss_rate']:.1f} %, {there['false_alarms_per_hour']:.2f} false alarms "
        f"per hour, target {result['tuned_for']['false_alarms_per_hour']:g}",
        f"{'keyword':12}{'threshold':>10}{'spoken':>8}{'missed':>9}{'false alarms':>14}",
    ]
    for name, values in there["keywords"].items():
        missed = "-" if values["miss_rate"] is None else f"{100 * values['miss_rate']:.1f} %"
        threshold = detector["thresholds"][name] / one
        lines.append(f"{name:12}{threshold:10.4f}{values['spoken']:8d}{missed:>9}{values['false_alarms']:14d}")
    return "\n".join(lines)


def define_flags() -> None:
    """Defines this command's flags."""
    defaults = Recipe(split="validation")
    dataset_flags.define_flags()
    command.define_json_flag()
    flags.DEFINE_string("bundle", None, "The bundle that gets a detector.")
    flags.DEFINE_float("false_alarms_per_hour", 1.0, "At most so many on the validation recording.")
    flags.DEFINE_float("hours", defaults.hours, "Length of the validation recording.")
    flags.DEFINE_integer("seed", defaults.seed, "Of the validation recording.")
    flags.DEFINE_enum("backend", evaluation.INTERPRETER, evaluation.BACKENDS, "What computes the logits.")


def main() -> None:
    """The command `python -m kws.tune_detector`."""

    def work(values: flags.FlagValues) -> None:
        command.require(bundle=values.bundle)
        config = TuneConfig(
            pathlib.Path(values.bundle),
            evaluate.dataset_from_flags(values),
            Recipe(split="validation", hours=values.hours, seed=values.seed),
            values.false_alarms_per_hour,
            values.backend,
        )
        result = tune(config)
        command.say(table(result), values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
