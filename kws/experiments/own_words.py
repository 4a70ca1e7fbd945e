"""Accuracy and false alarms against the number of recordings of three words, from nothing and from a bundle.

python -m kws.experiments.own_words --data_dir=D --words=happy,marvin,zero --bundle=B --folder=F --negatives=DIR

takes Speech Commands as somebody's own recordings: of each word so many training clips, of ten speakers where so many
have enough, ten to validate, and all of testing. `--bundle` must not have heard the words. What is finished is kept in
`--folder` and not repeated; the last column is a number of false alarms per hour of DIR's testing recordings.
"""

import dataclasses
import json
import pathlib
from collections import defaultdict
from typing import Any

import numpy as np
from absl import flags

from kws.datasets import DatasetConfig, speech_commands
from kws.datasets.clip import BACKGROUND_NOISE
from kws.training import devices
from kws_cli import command
from kws_cli.table import aligned

_VALIDATION, _SPEAKERS, _SEED = 10, 10, 1
_RESULT = "result.json"


@dataclasses.dataclass(frozen=True)
class OwnWordsConfig:
    """What to measure.

    Attributes:
      data_dir: Speech Commands.
      folder: where corpora, runs and results lie.
      bundle: to start from; None for trainings from nothing alone.
      negatives: recordings that false alarms are counted on.
      train: settings of all trainings but words, data, bundle and seed.
    """

    data_dir: pathlib.Path
    folder: pathlib.Path
    words: tuple[str, ...]
    recordings: tuple[int, ...]
    seeds: tuple[int, ...]
    bundle: str | None
    negatives: str
    train: dict[str, Any]


def measure(config: OwnWordsConfig) -> list[dict[str, Any]]:
    """A row for every number of recordings, start and seed.

    Raises:
      DatasetError, TrainingError: as the parts do.
    """
    rows = []
    for count in config.recordings:
        corpus = write_corpus(config, count)
        for start in ("", *([config.bundle] if config.bundle else [])):
            for seed in config.seeds:
                name = f"{count}-{'init' if start else 'nothing'}-seed{seed}"
                rows.append(_row(config, corpus, config.folder / name, count, start, seed))
    return rows


def write_corpus(config: OwnWordsConfig, count: int) -> pathlib.Path:
    """A corpus of links with so many training clips of each word, in Speech Commands' layout."""
    root = config.folder / f"corpus{count}"
    if (root / speech_commands.LISTS["testing"]).is_file():
        return root
    listed: dict[str, list[str]] = {"validation": [], "testing": []}
    (root / "").mkdir(parents=True, exist_ok=True)
    _link(config.data_dir / BACKGROUND_NOISE, root / BACKGROUND_NOISE)
    of_splits = {split: speech_commands.paths_of(config.data_dir, split) for split in ("training", *listed)}
    for word in config.words:
        (root / word).mkdir(exist_ok=True)
        rng = np.random.default_rng(_SEED)
        validation = of_splits["validation"][word]
        chosen = {
            "training": _training(of_splits["training"][word], count),
            "validation": [validation[i] for i in rng.permutation(len(validation))[:_VALIDATION]],
            "testing": of_splits["testing"][word],
        }
        for split, paths in chosen.items():
            for path in paths:
                _link(path, root / word / path.name)
            if split in listed:
                listed[split] += [f"{word}/{path.name}" for path in paths]
    for split, names in listed.items():
        (root / speech_commands.LISTS[split]).write_text("\n".join(names) + "\n", encoding="utf-8")
    return root


def _training(paths: list[pathlib.Path], count: int) -> list[pathlib.Path]:
    """Files of the ten speakers with most of them, in turn; of further speakers where those have too few."""
    of_speaker: dict[str, list[pathlib.Path]] = defaultdict(list)
    for path in paths:
        of_speaker[speech_commands.speaker_of(path.name)].append(path)
    ranked = sorted(of_speaker.values(), key=lambda found: (-len(found), found[0].name))
    chosen: list[pathlib.Path] = []
    for group in (ranked[:_SPEAKERS], ranked[_SPEAKERS:]):
        for turn in range(max(map(len, group), default=0)):
            chosen += [found[turn] for found in group if turn < len(found)]
    return chosen[:count]


def _link(target: pathlib.Path, path: pathlib.Path) -> None:
    if not path.is_symlink():
        path.symlink_to(target.resolve())


def _row(
    config: OwnWordsConfig, corpus: pathlib.Path, folder: pathlib.Path, count: int, start: str, seed: int
) -> dict[str, Any]:
    """Trains, converts, tunes and measures, unless that is done."""
    # Here, so that --help is answered at once.
    from export.bundle import conversion
    from kws import tune_detector
    from kws.datasets.negatives import clips as negative_clips
    from kws.evaluation import clips
    from kws.evaluation.streaming import always_on
    from kws.evaluation.streaming.hearing import QUIET
    from kws.evaluation.streaming.recording import Recipe
    from kws.training import run as training
    from kws.training.settings import TrainConfig

    if (folder / _RESULT).is_file():
        return json.loads((folder / _RESULT).read_text(encoding="utf-8"))
    dataset = DatasetConfig("speech_commands", str(corpus), config.words, negatives="synthetic")
    settings = TrainConfig(dataset, seed=seed, init=start, allow_chance=True, **config.train)
    begun = (folder / "run" / "run.json").is_file()
    run = training.run(settings, folder / "run", resume=begun)
    bundle = conversion.convert(conversion.ConvertConfig(run.path, folder / "bundle", allow_chance=True))
    tune_detector.tune(tune_detector.TuneConfig(bundle.path, dataset, Recipe(split="validation")))
    found = clips.evaluate(clips.EvaluateConfig(bundle.path, dataset))
    folder_of = negative_clips.folder_of(dataclasses.replace(dataset, negatives=config.negatives), corpus)
    assert folder_of is not None
    heard = always_on.evaluate(always_on.AlwaysOnConfig(bundle.path, dataset, folder_of))
    row = {
        "recordings": count,
        "start": start or "nothing",
        "seed": seed,
        "accuracy": found["accuracy"],
        "missed_in_quiet": heard["words"][QUIET.name]["miss_rate"],
        "negatives": {kind: {"hours": v["hours"], "per_hour": v["per_hour"]} for kind, v in heard["negatives"].items()},
    }
    (folder / _RESULT).write_text(json.dumps(row, indent=2) + "\n", encoding="utf-8")
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for a person."""
    head = ["recordings", "start", "seed", "accuracy", "heard in quiet", "false alarms per hour"]
    lines = [
        [
            str(row["recordings"]),
            pathlib.PurePath(row["start"]).name,
            str(row["seed"]),
            f"{100 * row['accuracy']:.1f} %",
            f"{100 - 100 * row['missed_in_quiet']:.1f} %",
            f"{row['negatives']['all']['per_hour']:.1f} in {row['negatives']['all']['hours']:.2f} h",
        ]
        for row in rows
    ]
    return "\n".join(aligned([head, *lines], left=2))


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    command.define_required_flag("data_dir", "Speech Commands, unpacked.")
    command.define_required_flag("folder", "Folder of runs and results; what is finished there is not repeated.")
    flags.DEFINE_list("words", ["happy", "marvin", "zero"], "The words.")
    flags.DEFINE_list("recordings", ["5", "10", "30", "100"], "Training clips of each word.")
    flags.DEFINE_list("seeds", ["0"], "Seeds of the trainings.")
    flags.DEFINE_string("bundle", None, "A bundle to start from, which has not heard the words.")
    flags.DEFINE_string("negatives", "synthetic", "Folder of recordings that false alarms are counted on.")
    flags.DEFINE_integer("float_epochs", 70, "Epochs of stage 1.", lower_bound=1)
    flags.DEFINE_integer("fixed_point_epochs", 8, "Epochs of stage 2.", lower_bound=0)
    flags.DEFINE_integer("bits", 4, "Width of weights and activations.", lower_bound=2, upper_bound=8)


def main() -> None:
    """The command `python -m kws.experiments.own_words`."""

    def work(values: flags.FlagValues) -> None:
        for name in ("recordings", "seeds"):
            if not all(text.strip().isdecimal() for text in values[name].value):
                raise command.UserError(f"--{name}={','.join(values[name].value)}: give whole numbers, as in 5,10")
        train = {name: values[name].value for name in ("float_epochs", "fixed_point_epochs")}
        devices.prepare(1)
        config = OwnWordsConfig(
            data_dir=pathlib.Path(values.data_dir),
            folder=pathlib.Path(values.folder),
            words=tuple(values.words),
            recordings=tuple(map(int, values.recordings)),
            seeds=tuple(map(int, values.seeds)),
            bundle=values.bundle,
            negatives=values.negatives,
            train={**train, "weight_bits": (values.bits,), "activation_bits": (values.bits,)},
        )
        rows = measure(config)
        command.say(table(rows), values.json)
        command.write_json({"rows": rows}, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
