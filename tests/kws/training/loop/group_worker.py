"""One worker of a training, in a process of its own: `python group_worker.py RUN_DIR [EPOCH]`, with TF_CONFIG set.

Trains the small network of `small_fit`, prints each epoch that it begins, and the SHA-256 of the weights at the end.
With EPOCH it dies, as by SIGKILL, when it has begun that epoch.
"""

import os
import pathlib
import signal
import sys

import small_fit
import tensorflow as tf

from kws.training import devices, teachers
from kws.training.loop import fit as training
from kws.training.run_folder import FLOAT, RunFolder
from kws.training.workers import worker_group


def main() -> None:
    run_dir = pathlib.Path(sys.argv[1])
    dies = int(sys.argv[2]) if len(sys.argv) > 2 else None

    def before_epoch(epoch: int) -> None:
        print(f"epoch {epoch}", flush=True)
        if epoch == dies:
            os.kill(os.getpid(), signal.SIGKILL)

    devices.prepare(1)
    tf.config.experimental.enable_op_determinism()
    group = worker_group.join()
    with worker_group.own_folder(group, run_dir) as path:
        (path / FLOAT).mkdir(parents=True, exist_ok=True)
        model = small_fit.network()
        if group and group.rank:  # what its weights are at first does not matter
            model.layers[-1].kernel.assign_add(tf.ones_like(model.layers[-1].kernel))
        config = small_fit.settings(ema=0.9)
        validation = small_fit.examples_of(99)
        training.fit(
            model,
            config,
            small_fit.examples_of,
            small_fit.EXAMPLES,
            validation,
            RunFolder(path),
            before_epoch=before_epoch,
            group=group,
        )
        print("weights", teachers.identity((model,)), flush=True)


if __name__ == "__main__":
    main()
