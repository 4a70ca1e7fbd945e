"""What TensorFlow computes on. Threads are settled by the first computation: such a case has a process of its own.

The machines with a GPU are made of files, and of a TensorFlow that says what it would say there.
"""

import importlib.metadata
import pathlib
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from kws import frontend
from kws.models.ds_cnn import DsCnnSpec
from kws.training import devices
from kws.training.loop.config import FitConfig
from kws.training.loop.step import optimizer_of, training_step
from kws.training.loop.weight_average import WeightAverage
from kws.training.training_error import TrainingError
from quant.folding import keras_chain
from quant.formats.calibration import calibrate
from quant.method import Method
from quant.training import fixed_point_graph

GPU = SimpleNamespace(name="/physical_device:GPU:0", device_type="GPU")
MODEL = "NVIDIA H100 80GB HBM3"


def run(code: str) -> subprocess.CompletedProcess[str]:
    lines = "import tensorflow as tf; from kws.training import devices\n" + code
    return subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=False)


def test_the_threads_are_tensorflows() -> None:
    number = "tf.config.threading.get_intra_op_parallelism_threads()"
    done = run(f"devices.prepare(3); tf.ones(2); print({number}, devices.description('/nowhere'))")
    assert done.stdout.strip() == "3 CPU, 3 threads", done.stderr


def test_threads_that_come_too_late_are_an_error() -> None:
    done = run("tf.ones(2); devices.prepare(3)")
    assert done.returncode != 0 and "RuntimeError" in done.stderr


@pytest.fixture
def machine(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The root of a machine with a GPU, where nothing else is installed and nothing said."""
    folder = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0"
    folder.mkdir(parents=True)
    (folder / "information").write_text(f"Model: \t\t {MODEL}\nIRQ:   \t\t 16\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: 1)
    sees(monkeypatch, [])
    monkeypatch.setattr(tf.test, "is_built_with_cuda", lambda: True)
    return tmp_path


def sees(monkeypatch: pytest.MonkeyPatch, found: list[SimpleNamespace], visible: bool = True) -> None:
    """What TensorFlow finds, and whether it may compute on it."""
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: found)
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: found if visible else [])
    details = {"device_name": MODEL, "compute_capability": (9, 0)}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: details)


def has_cuda(monkeypatch: pytest.MonkeyPatch, found: bool) -> None:
    def version(package: str) -> str:
        if not found:
            raise importlib.metadata.PackageNotFoundError(package)
        return "8.9"

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_a_machine_without_a_gpu(machine: pathlib.Path) -> None:
    assert devices.description(machine / "nowhere") == "CPU, 1 thread"


def test_a_gpu_is_named(machine: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sees(monkeypatch, [GPU])
    assert devices.description(machine) == devices.name() == f"GPU {MODEL}"


def test_a_gpu_that_is_not_asked_for(machine: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sees(monkeypatch, [GPU], visible=False)
    assert devices.description(machine) == "CPU, 1 thread; the GPU is left out, as device=cpu asks for"


def test_a_gpu_without_cudas_libraries(machine: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_cuda(monkeypatch, False)
    expected = (
        f"CPU, 1 thread; a GPU is there ({MODEL}), but TensorFlow can't use it: CUDA's libraries are not installed"
    )
    assert devices.description(machine) == f"{expected}, run pip install -r requirements-gpu.txt"
    has_cuda(monkeypatch, True)
    assert devices.description(machine).endswith("TF_CPP_MIN_LOG_LEVEL=0 it says why")


def test_a_gpu_under_a_tensorflow_without_cuda(machine: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.test, "is_built_with_cuda", lambda: False)
    assert "built without CUDA, install the one of requirements-gpu.txt" in devices.description(machine)


@pytest.mark.parametrize("value", ["", "-1"])
def test_a_hidden_gpu(machine: pathlib.Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert devices.description(machine).endswith(f"can't use it: CUDA_VISIBLE_DEVICES={value} hides it")


def test_a_container_that_shows_the_devices_alone(tmp_path: pathlib.Path, machine: pathlib.Path) -> None:
    other = tmp_path / "container"
    (other / "dev").mkdir(parents=True)
    (other / "dev/nvidiactl").touch()
    assert devices.unused_gpu(other) is None
    (other / "dev/nvidia0").touch()
    assert "a GPU is there (NVIDIA)" in str(devices.unused_gpu(other))


def test_what_the_drivers_program_lists(tmp_path: pathlib.Path, machine: pathlib.Path) -> None:
    program = tmp_path / "bin/nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{MODEL}'\n")
    program.chmod(0o755)
    assert f"a GPU is there ({MODEL})" in str(devices.unused_gpu(tmp_path / "nowhere"))
    program.write_text("#!/bin/sh\necho 'no devices were found'\nexit 6\n")
    assert devices.unused_gpu(tmp_path / "nowhere") is None


def test_a_gpu_that_must_be_there(machine: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", lambda threads: None)
    monkeypatch.setattr(devices, "unused_gpu", lambda: None)
    with pytest.raises(TrainingError, match="device=gpu: this machine has no NVIDIA GPU; choose device=cpu"):
        devices.prepare(1, devices.GPU)
    sees(monkeypatch, [GPU])
    shared = []
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, grows: shared.append((gpu, grows)))
    devices.prepare(1, devices.GPU)
    assert shared == [(GPU, True)]
    left = []
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda found, kind: left.append((found, kind)))
    devices.prepare(1, devices.CPU)
    assert left == [([], "GPU")]


@pytest.mark.skipif(not tf.test.is_built_with_cuda(), reason="this TensorFlow knows no kernels for GPUs")
@pytest.mark.parametrize(
    "method",
    [Method(squash=True, cosine=0.01, deviation=0.01), Method(accumulator_bits=16), Method(learn_formats=True)],
)
def test_every_operation_of_a_step_has_a_kernel_for_gpus(method: Method) -> None:
    shape, q = (49, 10, 1), frontend.input_format()
    float_model = DsCnnSpec(4, (2, 2), ((2, 2),)).build(shape, 3, seed=0)
    layers = keras_chain.fold(float_model)
    widths = dict.fromkeys((layer.name for layer in layers), 4)
    features = np.random.default_rng(0).normal(0, 1, (2, *shape)).astype(np.float32)
    network = calibrate(layers, features, q, widths, {**widths, "logits": 8}, method)
    for model in (float_model, fixed_point_graph.fixed_point_model(*network, shape, method)):
        config = FitConfig("stage", 1, 0, 2, 1e-3, 0.0, 1e-3, 0.0, 0, q, distillation=0.5, ema=0.9)
        step = training_step(model, optimizer_of(model, config, 1), config, WeightAverage(model, 0.9))
        inputs = map(tf.constant, (features, np.zeros(2, np.int64), np.zeros((2, 3), np.float32)))
        operations = step.get_concrete_function(*inputs).graph.get_operations()
        assert len(operations) > 100
        assert [each.type for each in operations if not has_gpu_kernel(each)] == []


def has_gpu_kernel(operation: tf.Operation) -> bool:
    """Whether one is registered for the type of the operation's values; some serve every device ("DEFAULT")."""
    attributes = operation.node_def.attr

    def fits(constraint: Any) -> bool:
        return attributes[constraint.name].type in constraint.allowed_values.list.type

    registered = kernels.get_registered_kernels_for_op(operation.type).kernel
    return any(each.device_type in ("GPU", "DEFAULT") and all(map(fits, each.constraint)) for each in registered)
