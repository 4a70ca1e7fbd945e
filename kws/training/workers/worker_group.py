"""One training over several workers, each a process, most often on a machine of its own. TF_CONFIG names them:

    TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'

Every worker has the whole model. Of each batch a worker takes its share of rows; loss and gradients are averaged over
workers by the collectives of `tf.distribute.MultiWorkerMirroredStrategy`, and so are the statistics that batch
normalization computes. So every worker takes the step that a single one would take on the whole batch, but for the
order of sums. Variables are not the strategy's but each worker's own, so that every graph, tfmot's included, is trained
as it is by one worker. They are set to the first worker's before each epoch.

The first worker writes the run. The others work in a copy of it, which is thrown away.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from kws.training.training_error import TrainingError
from kws_cli import held_folder

VARIABLE = "TF_CONFIG"
# What a collective raises where another worker has ended.
_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)


class WorkerGroup:
    """The workers of a training, of which this process is one. All must call the same methods in the same order."""

    def __init__(self, strategy: tf.distribute.Strategy, rank: int, size: int) -> None:
        """Args:
        rank: of this worker; the first, 0, writes the run.
        size: number of workers.
        """
        self._strategy = strategy
        self.rank = rank
        self.size = size

    def averaged(self, of: Callable[..., Any]) -> Callable[..., Any]:
        """The mean over workers of what `of` returns, tensors in any structure: each worker calls it with its rows."""

        def in_replica(*batch: tf.Tensor) -> Any:
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, of(*batch))

        return lambda *batch: self._strategy.run(in_replica, args=batch)

    def share(self, batch_size: int) -> slice:
        """This worker's rows of a batch. Raises `TrainingError` where rows are left over."""
        if batch_size % self.size:
            raise TrainingError(
                f"a step of {batch_size} examples can't be shared by the {self.size} workers of {VARIABLE}: give a "
                "batch_size that they divide, or another number of workers"
            )
        rows = batch_size // self.size
        return slice(self.rank * rows, (self.rank + 1) * rows)

    def take_firsts(self, variables: Sequence[tf.Variable]) -> None:
        """Gives variables, of which some may be named twice, the values that they have on the first worker."""
        each = {variable.ref(): variable for variable in variables}.values()
        # The collectives pack tensors into one, and so take one type at a time.
        for kind in dict.fromkeys(variable.dtype for variable in each):
            of_kind = [variable for variable in each if variable.dtype == kind]
            own = [variable.read_value() for variable in of_kind]
            firsts = self._sum([value if self.rank == 0 else tf.zeros_like(value) for value in own])
            if self.rank:
                for variable, value in zip(of_kind, firsts, strict=True):
                    variable.assign(value)

    def check_same(self, what: str, content: str) -> None:
        """Raises `TrainingError`, on every worker, where `content` is not the same on all of them."""
        number = int.from_bytes(hashlib.sha256(content.encode()).digest()[:7], "big")
        (numbers,) = self._sum([tf.one_hot(self.rank, self.size, on_value=number, off_value=0, dtype=tf.int64)])
        if len(set(numbers.numpy().tolist())) > 1:
            raise TrainingError(
                f"the workers of {VARIABLE} have different {what}: give all the same settings and data, on machines of "
                "one kind"
            )

    def _sum(self, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
        def in_replica(*each: tf.Tensor) -> list[tf.Tensor]:
            # On the replica's device; a function's argument is on none.
            placed = [tf.identity(tensor) for tensor in each]
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, placed)

        return list(tf.function(lambda *each: self._strategy.run(in_replica, args=each))(*tensors))


def join(environment: str | None = None) -> WorkerGroup | None:
    """The group that TF_CONFIG names, when all of it are there; None for a single worker.

    Call it before TensorFlow computes anything.

    Args:
      environment: the variable's value; None for the process' own.

    Raises:
      TrainingError: it names no such group, or this worker has several GPUs.
    """
    text = os.environ.get(VARIABLE, "") if environment is None else environment
    if not text:
        return None
    rank, size = _place(text)
    if size == 1:
        return None
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    if strategy.num_replicas_in_sync != size:
        raise TrainingError(
            f"{size} workers of {VARIABLE} have {strategy.num_replicas_in_sync} GPUs: give each worker one, by "
            "CUDA_VISIBLE_DEVICES, and each GPU a worker"
        )
    return WorkerGroup(strategy, rank, size)


def _place(text: str) -> tuple[int, int]:
    """Rank and number of workers. Raises `TrainingError`."""
    expected = 'expected {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
    try:
        content = json.loads(text)
        cluster, task = content["cluster"], content["task"]
        rank, size = int(task["index"]), len(cluster["worker"])
        good = set(cluster) == {"worker"} and task["type"] == "worker" and 0 <= rank < size
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise TrainingError(f"{VARIABLE}={' '.join(text.split())}: {expected}")
    return rank, size


@contextlib.contextmanager
def own_folder(group: WorkerGroup | None, run_dir: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """The folder that this worker writes the run to: `run_dir` for the first, for another a copy that is thrown away.

    Within it, what TensorFlow raises where another worker is lost becomes a `TrainingError`.
    """
    if group is None:
        yield pathlib.Path(run_dir)
        return
    with held_folder.made("kws-worker-") as scratch:
        path = pathlib.Path(run_dir)
        if group.rank:
            path = scratch / "run"
            if pathlib.Path(run_dir).is_dir():
                shutil.copytree(run_dir, path)
        try:
            group.check_same("runs begun", str(path.is_dir()))  # the first writes when all have copied
            yield path
        except _LOST as error:
            reason = re.sub(r"\{\{.*?\}\}\s*", "", error.message.partition("\n")[0])
            raise TrainingError(
                f"another worker of {VARIABLE} was lost ({reason}): start all again with python -m kws.train --resume, "
                "they go on from the last epoch"
            ) from error


@contextlib.contextmanager
def normalized_together(model: tf.keras.Model) -> Iterator[None]:
    """Within it batch normalization computes its statistics over all workers' rows, in a step that `averaged` runs."""
    layers = [layer for layer in model.submodules if isinstance(layer, tf.keras.layers.BatchNormalization)]
    before = [(layer.synchronized, layer.fused) for layer in layers]
    for layer in layers:
        layer.synchronized, layer.fused = True, False
    try:
        yield
    finally:
        for layer, (synchronized, fused) in zip(layers, before, strict=True):
            layer.synchronized, layer.fused = synchronized, fused
