"""A checkout of tflite-micro with a library that its own make built: TFLM_DIR."""

import os
import pathlib

from microcontroller.firmware.build_error import BuildError

VARIABLE = "TFLM_DIR"
_HEADER = pathlib.Path("tensorflow", "lite", "micro", "micro_interpreter.h")
_DOWNLOADS = pathlib.Path("tensorflow", "lite", "micro", "tools", "make", "downloads")
_LIBRARY = "libtensorflow-microlite.a"


def root() -> pathlib.Path:
    """The checkout; raises `BuildError` where `VARIABLE` is not set or names something else."""
    path = os.environ.get(VARIABLE)
    if not path:
        raise BuildError(
            f"the engine tflm needs {VARIABLE}, a checkout of tflite-micro: set it, or leave the engine out"
        )
    if not (pathlib.Path(path) / _HEADER).is_file():
        raise BuildError(f"{VARIABLE}={path} is no checkout of tflite-micro, it has no {_HEADER}: correct it")
    return pathlib.Path(path).resolve()


def library(cpu: str) -> pathlib.Path:
    """The library for a core (the compiler's -mcpu), with CMSIS-NN's kernels where there are several.

    Raises:
      BuildError: there is none, with the command that makes one.
    """
    folder = root() / "gen"
    found = sorted(
        folder.glob(f"cortex_m_generic_{cpu}_*/lib/{_LIBRARY}"), key=lambda path: "cmsis_nn" not in str(path)
    )
    if not found:
        raise BuildError(
            f"{VARIABLE}={root()} has no {_LIBRARY} for {cpu}: make it there with make -f "
            "tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_generic "
            f"TARGET_ARCH={cpu} OPTIMIZED_KERNEL_DIR=cmsis_nn CORE_OPTIMIZATION_LEVEL=-O2 microlite"
        )
    return found[0]


def version(cpu: str) -> str:
    """What the library is, by the name that its make gives a configuration."""
    return library(cpu).parent.parent.name


def include_dirs() -> list[pathlib.Path]:
    """Folders of the headers that the runner needs, those that make downloaded among them."""
    downloads = root() / _DOWNLOADS
    return [root(), *(downloads / name for name in ("flatbuffers/include", "gemmlowp", "ruy"))]
