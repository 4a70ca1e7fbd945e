"""What a float training step costs each of several workers that share a batch. `python -m kws.experiments.worker_cost`.

The workers are processes of this machine, so what a network adds is not in it. CPU time, of the whole process, since
a machine's cores are seldom one command's alone.
"""

import dataclasses
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from absl import flags

from kws.models import MODELS
from kws.training import devices
from kws.training.run_folder import FLOAT
from kws_cli import command
from kws_cli.table import padded

_INPUT_SHAPE = (49, 10, 1)
_CLASSES = 12
_ROUND_STEPS = 10


@dataclasses.dataclass(frozen=True)
class WorkerCostConfig:
    """What to measure.

    Attributes:
      model: a name in `kws.models.MODELS`.
      batch_size: examples in a step, of all workers.
      workers: the numbers of workers to measure.
      rounds: of ten steps.
    """

    model: str = "ds_cnn_mlperf"
    batch_size: int = 64
    workers: tuple[int, ...] = (1, 2)
    rounds: int = 9


def measure(config: WorkerCostConfig) -> list[dict[str, Any]]:
    """For each number of workers: `workers`, `examples` of each, median `cpu_seconds` of a step and worker, and
    `parameters`, the float32 numbers that a step sums over workers beside the statistics of batch normalization.

    Raises:
      RuntimeError: a worker failed.
    """
    return [_of_group(config, workers) for workers in config.workers]


def _of_group(config: WorkerCostConfig, workers: int) -> dict[str, Any]:
    flag = f"--measure={json.dumps(dataclasses.asdict(config))}"
    program = [sys.executable, "-m", "kws.experiments.worker_cost", flag]
    environments = [{**os.environ, "TF_CONFIG": text} for text in _groups(workers)]
    running = [subprocess.Popen(program, env=each, stdout=subprocess.PIPE, text=True) for each in environments]
    texts = [worker.communicate()[0] for worker in running]
    if any(worker.returncode for worker in running):
        raise RuntimeError("a worker failed; what it said is above")
    found = [json.loads(text.splitlines()[-1]) for text in texts]
    seconds = statistics.median(each["cpu_seconds"] for each in found)
    return {"workers": workers, **found[0], "cpu_seconds": seconds}


def _groups(workers: int) -> list[str]:
    """TF_CONFIG of each worker, on free ports."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(workers)]
    places = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    tasks = [{"type": "worker", "index": index} for index in range(workers)]
    return [json.dumps({"cluster": {"worker": places}, "task": task}) for task in tasks]


def _as_worker(config: WorkerCostConfig) -> dict[str, Any]:
    """Figures of the worker that TF_CONFIG says this process is."""
    import tensorflow as tf

    from kws.training.loop.config import FitConfig
    from kws.training.loop.step import optimizer_of, training_step
    from kws.training.workers import worker_group

    devices.prepare(1, devices.CPU)
    tf.config.experimental.enable_op_determinism()
    group = worker_group.join()
    settings: dict[str, Any] = {"epochs": 1, "first_epoch": 0, "learning_rate": 1e-4, "warmup_epochs": 0.0}
    settings |= {"weight_decay": 0.0, "label_smoothing": 0.0, "seed": 0, "input_format": None}
    fit_config = FitConfig(stage=FLOAT, batch_size=config.batch_size, **settings)
    rows = group.share(config.batch_size) if group else slice(0, config.batch_size)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(config.batch_size, *_INPUT_SHAPE)).astype(np.float32)[rows]
    words = rng.integers(0, _CLASSES, config.batch_size)[rows]
    model = MODELS[config.model].build(_INPUT_SHAPE, _CLASSES, seed=0)
    optimizer = optimizer_of(model, fit_config, steps=config.rounds * _ROUND_STEPS)
    step = training_step(model, optimizer, fit_config, group=group)
    seconds = []
    with worker_group.normalized_together(model if group else tf.keras.Sequential()):
        step(features, words)  # traces the graph
        for _ in range(config.rounds):
            started = time.process_time()
            for _ in range(_ROUND_STEPS):
                step(features, words).numpy()
            seconds.append((time.process_time() - started) / _ROUND_STEPS)
    return {
        "examples": len(words),
        "cpu_seconds": statistics.median(seconds),
        "parameters": sum(int(np.prod(variable.shape)) for variable in model.trainable_variables),
    }


def table(results: list[dict[str, Any]]) -> str:
    """The results for a person."""
    first = results[0]["cpu_seconds"]
    rows = [["workers", "examples of each", "CPU ms a step and worker", f"of that of {results[0]['workers']}"]]
    for each in results:
        milliseconds = f"{1e3 * each['cpu_seconds']:.1f}"
        rows.append([str(each["workers"]), str(each["examples"]), milliseconds, f"{each['cpu_seconds'] / first:.2f}"])
    return "\n".join("  ".join(row) for row in padded(rows))


def define_flags() -> None:
    """Defines this command's flags."""
    default = WorkerCostConfig()
    command.define_json_flag()
    flags.DEFINE_enum("model", default.model, sorted(MODELS), "Architecture.")
    flags.DEFINE_integer("batch_size", default.batch_size, "Examples in a step, of all workers.", lower_bound=1)
    flags.DEFINE_list("workers", [str(each) for each in default.workers], "Numbers of workers to measure.")
    flags.DEFINE_integer("rounds", default.rounds, "Rounds of ten steps.", lower_bound=1)
    flags.DEFINE_string("measure", None, "What one worker measures; this command gives it to its own processes.")


def main() -> None:
    """The command `python -m kws.experiments.worker_cost`."""

    def work(values: flags.FlagValues) -> None:
        if values.measure:
            content = json.loads(values.measure)
            print(json.dumps(_as_worker(WorkerCostConfig(**{**content, "workers": tuple(content["workers"])}))))
            return
        for each in values.workers:
            if not each.isdecimal() or not int(each) or values.batch_size % int(each):
                raise command.UserError(f"--workers={each}: give numbers that divide --batch_size={values.batch_size}")
        workers = tuple(int(each) for each in values.workers)
        results = measure(WorkerCostConfig(values.model, values.batch_size, workers, values.rounds))
        command.say(table(results), values.json)
        command.write_json({"groups": results}, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
