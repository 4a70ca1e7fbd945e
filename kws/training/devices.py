"""What TensorFlow computes on: a GPU where it finds one, or so many threads of the CPU; a result depends on both.

An operation splits its sums among its threads, and a GPU among many more, so that another number of them gives other
last bits and, at the end of a training, another model.
"""

import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess

from kws.training.training_error import TrainingError

AUTO, CPU, GPU = "auto", "cpu", "gpu"
DEVICES = (AUTO, CPU, GPU)
GPU_REQUIREMENTS = "requirements-gpu.txt"

_VISIBLE = "CUDA_VISIBLE_DEVICES"
# Of the packages of tensorflow[and-cuda]: where this one is missing, so are the others.
_CUDA_PACKAGE = "nvidia-cudnn-cu12"
_SMI_SECONDS = 20


def prepare(threads: int, device: str = AUTO) -> None:
    """Settles what TensorFlow computes on; call it before TensorFlow computes anything.

    A GPU computes in float32, as the CPU does, not in its products' shorter TensorFloat-32, and its memory is taken as
    it is needed, so that several runs can share it.

    Args:
      threads: of the CPU, for an operation.
      device: AUTO for a GPU where TensorFlow finds one, CPU for none, GPU for one that must be there.

    Raises:
      TrainingError: device is GPU, and TensorFlow finds none.
      RuntimeError: TensorFlow has computed in this process already, with another number of threads.
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    found = tf.config.list_physical_devices("GPU")
    if device == GPU and not found:
        raise TrainingError(f"device={GPU}: {unused_gpu() or 'this machine has no NVIDIA GPU'}; choose device={CPU}")
    if device == CPU:
        tf.config.set_visible_devices([], "GPU")
        return
    for gpu in found:
        tf.config.experimental.set_memory_growth(gpu, True)


def name() -> str:
    """The device that TensorFlow computes on: "CPU", or "GPU" and its model."""
    import tensorflow as tf

    found = tf.config.get_visible_devices("GPU")
    if not found:
        return "CPU"
    return f"GPU {tf.config.experimental.get_device_details(found[0]).get('device_name', found[0].name)}"


def description(root: str | pathlib.Path = "/") -> str:
    """The device in words, and why a GPU that is there is not used.

    Args:
      root: folder of `proc` and `dev`.
    """
    import tensorflow as tf

    used = name()
    if used != "CPU":
        return used
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    text = f"CPU, {threads or 'all'} thread{'s' * (threads != 1)}"
    if tf.config.list_physical_devices("GPU"):
        return f"{text}; the GPU is left out, as device={CPU} asks for"
    reason = unused_gpu(root)
    return f"{text}; {reason}" if reason else text


def unused_gpu(root: str | pathlib.Path = "/") -> str | None:
    """Why TensorFlow finds no GPU on a machine that has one, in a line; None where the machine has none.

    TensorFlow says it too, in messages that are hidden here since most of them mean nothing.
    """
    import tensorflow as tf

    model = _present(pathlib.Path(root))
    if model is None:
        return None
    start = f"a GPU is there ({model}), but TensorFlow can't use it"
    if _VISIBLE in os.environ:
        return f"{start}: {_VISIBLE}={os.environ[_VISIBLE]} hides it"
    if not tf.test.is_built_with_cuda():
        return f"{start}: this TensorFlow is built without CUDA, install the one of {GPU_REQUIREMENTS}"
    try:
        importlib.metadata.version(_CUDA_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return f"{start}: CUDA's libraries are not installed, run pip install -r {GPU_REQUIREMENTS}"
    return f"{start}: with the environment variable TF_CPP_MIN_LOG_LEVEL=0 it says why"


def _present(root: pathlib.Path) -> str | None:
    """The model of the machine's first NVIDIA GPU; None for no GPU.

    The driver names it in /proc; a container may show the devices alone, and Windows' Linux neither.
    """
    for path in sorted(root.glob("proc/driver/nvidia/gpus/*/information")):
        model = re.search(r"^Model:\s*(\S.*?)\s*$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        return model.group(1) if model else "NVIDIA"
    listed = _listed_by_driver()
    if listed:
        return listed
    return "NVIDIA" if any(root.glob("dev/nvidia[0-9]*")) else None


def _listed_by_driver() -> str | None:
    """What `nvidia-smi` calls the first GPU; None where there is no such program, or no GPU that it sees."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=_SMI_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    return lines[0].strip() if done.returncode == 0 and lines else None
