"""Trains, converts and measures one cell, in a process of its own. `python -m kws.sweeps.cell --job=FILE`."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import threading
from collections.abc import Iterator
from typing import Any

from absl import flags

from cli import command
from export import accumulator, convert
from kws import datasets, evaluate, run_folder, threads, train
from kws.run_folder import FIXED_POINT, FLOAT, HISTORY, METRICS, RunFolder
from kws.sweeps import job as jobs
from kws.sweeps.job import MEASURED_SPLITS, POST_TRAINING, RESULT, Job


def run(job: Job) -> None:
    """Finishes the job, from where an earlier process left it; does nothing for a finished one.

    Raises:
      UserError: data, float model or folder are not as they should be.
    """
    with _alone(job):
        if job.result.is_file():
            return
        begun = (job.run_dir / run_folder.SETTINGS).is_file()
        if job.run_dir.exists() and not begun:
            shutil.rmtree(job.run_dir)
        folder = train.run(
            job.config,
            job.run_dir,
            resume=begun,
            float_run=job.float_run,
            keep_epochs=True,
            cache_dir=job.cache_dir,
        )
        folder.write_json(RESULT, _result(job, folder))


@contextlib.contextmanager
def _alone(job: Job) -> Iterator[None]:
    """Waits for a process that still works on the job: the last one of a sweep that was killed."""
    with job.lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _result(job: Job, folder: RunFolder) -> dict[str, Any]:
    """The float model's and the calibrated model's metrics are Keras', the final ones the integer interpreter's."""
    metrics = folder.read_json(METRICS)
    stages = {FLOAT: metrics[FLOAT]}
    result = {name: getattr(job, name) for name in ("name", "variant", "width", "settings")}
    if not job.is_float:
        bundle = convert.convert(convert.ConvertConfig(folder.path, folder.path / "bundle"))
        dataset = datasets.load(job.config.dataset)
        stages[POST_TRAINING] = metrics[POST_TRAINING]
        stages[FIXED_POINT] = {}
        for split in MEASURED_SPLITS:
            config = evaluate.EvaluateConfig(bundle.path, job.config.dataset, split, cache_dir=job.cache_dir)
            stages[FIXED_POINT][split] = evaluate.measure(bundle, dataset, config)
        result["accumulator_bits_proved"] = max(accumulator.required_bits(layer) for layer in bundle.model.layers)
        result["weight_bytes"] = sum(layer.weight_bytes for layer in bundle.model.layers)
        result["sha256"] = bundle.model.sha256
    history = folder.read_json(HISTORY) if folder.file(HISTORY).is_file() else []
    return {**result, "seconds": round(sum(row["seconds"] for row in history), 1), "stages": stages}


def _stop_with_sweep() -> None:
    """Interrupts this process when standard input ends, which the sweep holds open as long as it lives."""

    def watch() -> None:
        # Not sys.stdin, whose lock a thread that reads holds until the interpreter ends, which then aborts.
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def define_flags() -> None:
    """Defines this command's flags."""
    flags.DEFINE_string("job", None, "The job's file, written by kws.sweep.")
    flags.DEFINE_bool("stop_with_sweep", False, "End, as by Ctrl-C, when standard input ends.")


def main() -> None:
    """The command `python -m kws.sweeps.cell`."""

    def work(values: flags.FlagValues) -> None:
        command.require(job=values.job)
        if values.stop_with_sweep:
            _stop_with_sweep()
        job = jobs.read(pathlib.Path(values.job))
        threads.limit(job.config.threads)
        run(job)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
