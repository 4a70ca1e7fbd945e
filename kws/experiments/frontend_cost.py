"""What the integer front end costs in accuracy beside one in float64. `python -m kws.experiments.frontend_cost --help`.

Stage 1 of finished runs is trained once more, each with its own seed, recipe, clips and draws, on an MFCC that is
rounded nowhere (`kws.frontend.float_mfcc`); what differs from the run's own float model is the features' arithmetic.
"""

import dataclasses
import pathlib
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from absl import flags

from kws import datasets
from kws.datasets import dataset_flags
from kws.datasets.clip import Dataset
from kws.examples import extraction
from kws.frontend import FLOAT64, INTEGER, FrontEndConfig
from kws.training import devices, run_folder
from kws.training.run_folder import FLOAT, FRONTEND, METRICS, RunFolder
from kws.training.settings import TrainConfig
from kws.training.training_data import TrainingData
from kws_cli import command
from kws_cli.command import UserError

_SPLITS = ("validation", "testing")


@dataclasses.dataclass(frozen=True)
class FrontEndCostConfig:
    """What to measure.

    Attributes:
      integer_runs: folders of runs whose stage 1 is finished; they may differ in their seeds alone.
      run_dir: folder to write to: a run for each seed, and the features that they share.
      machine: settings of `kws.datasets.DatasetConfig` that differ between machines, such as data_dir.
    """

    integer_runs: tuple[pathlib.Path, ...]
    run_dir: pathlib.Path
    machine: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class IntegerRun:
    """A run's recipe, its front end and batch size, and how often its float model is right on each split."""

    config: TrainConfig
    frontend: FrontEndConfig
    batch_size: int
    rounds: int
    accuracy: dict[str, float]


def measure(config: FrontEndCostConfig, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Trains what is not trained yet and compares; called again after an interruption, goes on with the last epoch.

    Returns:
      Accuracies, their means, and costs in percentage points (float64 minus integer; positive: integers are worse).

    Raises:
      UserError: a run is not as it should be, or data or folder are not.
    """
    runs = [_read(path, config) for path in config.integer_runs]
    _check_alike(runs, config)
    folders = [_folder(run, config.run_dir) for run in runs]
    dataset = None
    rows = []
    for run, folder in zip(runs, folders, strict=True):
        if not folder.model_path(FLOAT).is_file():
            dataset = dataset or datasets.load(run.config.dataset)
            _train(run, dataset, folder, config.run_dir / "feature_cache", say)
        accuracy = _accuracy(folder)
        cost = {split: 100 * (accuracy[split] - run.accuracy[split]) for split in _SPLITS}
        rows.append(
            {"seed": run.config.seed, INTEGER.name: run.accuracy, FLOAT64.name: accuracy, "cost_in_points": cost}
        )
    return {"dataset": runs[0].config.dataset.dataset, "seeds": rows, **_summary(rows)}


def _read(path: pathlib.Path, config: FrontEndCostConfig) -> IntegerRun:
    """Raises `UserError` where the run has no finished float model, or one that learned from others."""
    folder, saved = run_folder.open_run(path, "integer_runs")
    if not folder.model_path(FLOAT).is_file():
        raise UserError(f"--integer_runs: {path} holds no finished float model: go on with it with kws.train --resume")
    settings = saved["settings"]
    dataset = dataset_flags.from_json(settings["dataset"], **config.machine)
    train_config = TrainConfig.from_json(settings, dataset)
    if train_config.float_teachers:
        raise UserError(f"--integer_runs: {path} had teachers, which know integer features only: give runs without")
    frontend = FrontEndConfig.from_json(folder.read_json(FRONTEND))
    return IntegerRun(
        train_config, frontend, run_folder.batch_size(folder), run_folder.rounds(folder), _accuracy(folder)
    )


def _accuracy(folder: RunFolder) -> dict[str, float]:
    report = folder.read_json(METRICS)[FLOAT]
    return {split: report[split]["accuracy"] for split in _SPLITS}


def _check_alike(runs: list[IntegerRun], config: FrontEndCostConfig) -> None:
    first, *others = [{**run.config.float_stage, "frontend": run.frontend} for run in runs]
    for path, settings in zip(config.integer_runs[1:], others, strict=True):
        for name, value in first.items():
            if name != "seed" and settings[name] != value:
                raise UserError(
                    f"--integer_runs: {path} was trained with {name}={settings[name]}, {config.integer_runs[0]} with "
                    f"{value}: give runs that differ in their seeds alone"
                )
    seeds = [run.config.seed for run in runs]
    if len(set(seeds)) < len(seeds):
        raise UserError(f"--integer_runs: their seeds are {', '.join(map(str, seeds))}: give each seed once")


def _folder(run: IntegerRun, run_dir: pathlib.Path) -> RunFolder:
    """The float64 run of this seed, new or begun. Raises `UserError` for a folder of other settings."""
    path = run_dir / f"seed{run.config.seed}"
    settings = {**run.config.float_stage, "float_teachers": [], "arithmetic": FLOAT64.name}
    if not (path / run_folder.SETTINGS).is_file():
        folder = run_folder.create(path, settings)
        folder.write_json(FRONTEND, run.frontend.to_json())
        return folder
    folder, saved = run_folder.open_run(path)
    if saved["settings"] != settings or folder.read_json(FRONTEND) != run.frontend.to_json():
        raise UserError(f"--run_dir: {path} was begun with other settings than --integer_runs: give another folder")
    return folder


def _train(
    run: IntegerRun, dataset: Dataset, folder: RunFolder, cache_dir: pathlib.Path, say: Callable[[str], None]
) -> None:
    import tensorflow as tf

    from kws.training import stages
    from kws.training.job import open_job

    config = run.config
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()
    say(f"seed {config.seed}: {config.float_epochs} epochs on {FLOAT64.name} features")
    started = time.monotonic()
    job_context = open_job(
        config,
        TrainingData(dataset, {}, run.frontend, run.batch_size, run.rounds),
        folder,
        epochs=config.float_epochs,
        cache_dir=cache_dir,
        keep_epochs=True,
        arithmetic=FLOAT64,
    )
    try:
        with job_context as job:
            stages.train_float(job)
    except KeyboardInterrupt:
        print("\ninterrupted: every finished epoch is kept; the same command goes on", file=sys.stderr)
        raise
    say(f"seed {config.seed}: {time.monotonic() - started:.0f} s")


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    costs = {split: [row["cost_in_points"][split] for row in rows] for split in _SPLITS}
    means = {
        name: {split: float(np.mean([row[name][split] for row in rows])) for split in _SPLITS}
        for name in (INTEGER.name, FLOAT64.name, "cost_in_points")
    }
    several = len(rows) > 1
    errors = {split: float(np.std(c, ddof=1) / np.sqrt(len(c))) if several else None for split, c in costs.items()}
    return {"mean": means, "standard_error_of_cost_in_points": errors}


def exchange(config: FrontEndCostConfig) -> dict[str, dict[str, dict[str, float]]]:
    """Hears every network with the other arithmetic, too: the features' effect alone, without that of training twice.

    Returns:
      Mean accuracy over seeds: arithmetic trained on -> arithmetic heard -> split.
    """
    from kws.evaluation import metrics
    from kws.evaluation.inference import predict
    from quant.training import model_file

    runs = [_read(path, config) for path in config.integer_runs]
    dataset = datasets.load(runs[0].config.dataset)
    right: dict[str, dict[str, dict[str, list[float]]]] = {}
    for run, path in zip(runs, config.integer_runs, strict=True):
        folders = {INTEGER.name: RunFolder(path), FLOAT64.name: _folder(run, config.run_dir)}
        for heard in (INTEGER, FLOAT64):
            for split in _SPLITS:
                clips = dataset.splits[split]
                features = extraction.extract(
                    clips.samples,
                    run.frontend,
                    processes=run.config.dataset.worker_processes,
                    label=split,
                    cache_dir=config.run_dir / "feature_cache",
                    arithmetic=heard,
                    stored=clips.stored,
                )
                for name, folder in folders.items():
                    logits = predict(model_file.load_model(folder.model_path(FLOAT)), features, heard.input_format)
                    of_pair = right.setdefault(name, {}).setdefault(heard.name, {})
                    of_pair.setdefault(split, []).append(metrics.accuracy(logits, clips.labels))
    return {
        trained: {heard: {split: float(np.mean(of)) for split, of in splits.items()} for heard, splits in pairs.items()}
        for trained, pairs in right.items()
    }


def exchange_table(means: dict[str, dict[str, dict[str, float]]]) -> str:
    """`exchange` for a person."""
    lines = ["the same networks on the features of both arithmetics, mean accuracy in percent"]
    for trained, pairs in means.items():
        for heard, splits in pairs.items():
            figures = ", ".join(f"{split} {100 * accuracy:.2f}" for split, accuracy in splits.items())
            lines.append(f"trained on {trained:8} heard with {heard:8} {figures}")
    return "\n".join(lines)


def table(result: dict[str, Any]) -> str:
    """The comparison for a person: a line for each seed, and the means."""
    names = (INTEGER.name, FLOAT64.name)
    head = f"{'':6}" + "".join(f"{f'{name} {split}':>20}" for split in _SPLITS for name in (*names, "cost"))
    lines = [f"accuracy of the float model on {result['dataset']}, in percent, by the front end's arithmetic", head]
    for label, row in [(f"seed {row['seed']}", row) for row in result["seeds"]] + [("mean", result["mean"])]:
        cells = []
        for split in _SPLITS:
            cells += [f"{100 * row[name][split]:20.2f}" for name in names] + [f"{row['cost_in_points'][split]:+20.2f}"]
        lines.append(f"{label:6}" + "".join(cells))
    errors = result["standard_error_of_cost_in_points"]
    if errors["testing"] is not None:
        parts = ", ".join(f"{errors[split]:.2f} in {split}" for split in _SPLITS)
        lines.append(f"standard error of the mean cost: {parts}")
    return "\n".join(lines)


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    dataset_flags.define_machine_flags()
    command.define_required_flag(
        "integer_runs", "Finished runs of kws.train that differ in --seed alone, such as three.", is_list=True
    )
    command.define_required_flag("run_dir", "Folder to write to; the same again to go on.")
    flags.DEFINE_bool("exchange", False, "Hear every network with the other arithmetic, too.")


def main() -> None:
    """The command `python -m kws.experiments.frontend_cost`."""

    def work(values: flags.FlagValues) -> None:
        config = FrontEndCostConfig(
            tuple(map(pathlib.Path, values.integer_runs)),
            pathlib.Path(values.run_dir),
            dataset_flags.machine_settings(values),
        )
        devices.prepare(_read(config.integer_runs[0], config).config.threads)
        result = measure(config, lambda text: command.say(text, values.json))
        command.say(table(result), values.json)
        if values.exchange:
            result["exchange"] = exchange(config)
            command.say(exchange_table(result["exchange"]), values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
