"""Trains a small network in both stages on made-up features, on one thread: `python small_training.py FOLDER`.

Prints as JSON the SHA-256 of each stage's weights, and of what TensorFlow's kernels give here without the project.
"""

import hashlib
import json
import pathlib
import sys
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from kws.datasets import DatasetConfig
from kws.frontend import input_format
from kws.models import MODELS
from kws.models.ds_cnn import DsCnnSpec
from kws.training import devices, run_folder, stages
from kws.training.loop.inputs import Examples
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.training.settings import TrainConfig
from quant.method import Method

SHAPE, NAMES = (49, 10, 1), ("yes", "no", "_unknown_", "_silence_")
STEPS, BATCH, EPOCHS = 20, 16, 2
TRAINED = (FLOAT, FIXED_POINT)


def sha256(arrays: Iterable[np.ndarray]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}\n".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def examples_of(epoch: int) -> Examples:
    """Codes int8 [n, *SHAPE] and classes int64 [n]: a shape for each class, in noise."""
    shapes = np.random.default_rng(0).integers(-40, 41, (len(NAMES), *SHAPE))
    rng = np.random.default_rng([1, epoch])
    classes = rng.integers(0, len(NAMES), STEPS * BATCH)
    codes = shapes[classes] + rng.integers(-60, 61, (STEPS * BATCH, *SHAPE))
    return codes.astype(np.int8), classes


def job(path: pathlib.Path) -> stages.Job:
    """Stage 1 with weight decay and a moving average; stage 2 at 4 bits, with every part of the method."""
    for stage in TRAINED:
        (path / stage).mkdir(parents=True)
    config = TrainConfig(
        DatasetConfig(),
        model="small",
        seed=3,
        float_epochs=EPOCHS,
        fixed_point_epochs=EPOCHS,
        float_ema=0.9,
        distillation=0.5,
        weight_bits=(4,),
        activation_bits=(4,),
        method=Method(squash=True, cosine=0.01, learn_formats=True),
    )
    features, labels = examples_of(99)
    measured = {split: features for split in ("validation", "testing")}
    folder, counts = RunFolder(path), (STEPS * BATCH, BATCH)
    return stages.Job(
        config, NAMES, input_format(), measured, dict.fromkeys(measured, labels), folder, examples_of, *counts
    )


def kernels() -> str:
    """What TensorFlow's and NumPy's own functions give here for such operations as a training takes."""
    rng = np.random.default_rng(5)
    images = tf.constant(rng.standard_normal((BATCH, *SHAPE), np.float32))
    first = tf.Variable(rng.standard_normal((10, 4, 1, 8), np.float32) / 6)
    depthwise = tf.Variable(rng.standard_normal((3, 3, 8, 1), np.float32) / 3)
    pointwise = tf.Variable(rng.standard_normal((1, 1, 8, 8), np.float32) / 3)
    dense = tf.Variable(rng.standard_normal((8, len(NAMES)), np.float32) / 3)
    variables = [first, depthwise, pointwise, dense]

    @tf.function
    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            maps = tf.nn.conv2d(images, first, 2, "SAME")
            scale, offset = tf.ones(8), tf.zeros(8)
            maps, mean, variance, *_ = tf.compat.v1.nn.fused_batch_norm(maps, scale, offset, epsilon=1e-3)
            maps = tf.nn.relu(tf.nn.depthwise_conv2d(tf.nn.relu(maps), depthwise, [1, 1, 1, 1], "SAME"))
            pooled = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(maps, pointwise, 1, "SAME")), (1, 2))
            logits = pooled @ dense
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(logits), logits))
        gradients = tape.gradient(loss, variables)
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign_sub(0.1 * gradient / (tf.sqrt(tf.square(gradient)) + 1e-3))
        return [mean, variance, logits, loss, *gradients]

    found = [tensor.numpy() for _ in range(STEPS) for tensor in step()]
    curve = np.linspace(0.1, 30, 1000, dtype=np.float32)
    curves = [function(curve).numpy() for function in (tf.exp, tf.math.log, tf.sqrt, tf.math.rsqrt, tf.cos)]
    return sha256([np.frombuffer(tf.__version__.encode(), np.uint8), rng.standard_normal(1000), *found, *curves])


def main() -> None:
    path = pathlib.Path(sys.argv[1])
    devices.prepare(1, devices.CPU)
    tf.keras.utils.set_random_seed(0)
    tf.config.experimental.enable_op_determinism()
    MODELS["small"] = DsCnnSpec(8, (2, 2), ((1, 1),))
    training = job(path)
    stages.train_float(training)
    stages.train_fixed_point(training)
    models = {stage: run_folder.load_model(training.folder, stage) for stage in TRAINED}
    found = {stage: sha256(variable.numpy() for variable in model.variables) for stage, model in models.items()}
    print(json.dumps({"platform": kernels(), **found}))


if __name__ == "__main__":
    main()
