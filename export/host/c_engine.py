"""The C engine on the host: compiles a bundle's generated C with the engine's kernels and calls it.

Results equal `export.model.interpreter` with single rounding, code by code.
"""

import _ctypes
import ctypes
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from export.host.host_error import HostError
from export.model.integer_model import Shape
from export.plan import ALIGNMENT
from export.source import model_source
from microcontroller import c_sources

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")
C_FLAGS = ("-std=c11", *WARNINGS)
"""Language and warnings for every C file of the project, on the host and on the device."""

_VERSION_TIMEOUT_S = 60.0
_REMEDY = "write the bundle again with python -m export.convert"
_LIBRARY = "fxp_model.so"
_COMPILERS = ("cc", "gcc", "clang")


def compiler() -> str:
    """Path of the host's C compiler. Raises `HostError` where there is none."""
    for name in _COMPILERS:
        if path := shutil.which(name):
            return path
    raise HostError("no C compiler: install gcc")


class CEngine:
    """A model compiled for the host. A context manager; closing (or collecting) it unloads the library.

    Attributes:
      input_shape: (height, width, channels).
      labels: one per logit.
      layer_shapes: name -> output (height, width, channels), in order of execution.
      model_sha256: hash of the integer model from which the C was generated.
      arena_bytes: working memory of one inference.
    """

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` compiled."""
        self._library = lib = ctypes.CDLL(str(library))
        self._finalizer = weakref.finalize(self, _ctypes.dlclose, lib._handle)
        for function in (lib.fxp_host_model_sha256, lib.fxp_host_label, lib.fxp_host_layer_name):
            function.restype = ctypes.c_char_p
        for function in (lib.fxp_host_arena_bytes, lib.fxp_host_layer_count, lib.fxp_host_label_count):
            function.restype = ctypes.c_uint32
        lib.fxp_host_run.restype = lib.fxp_host_run_layers.restype = None
        lib.fxp_host_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p]
        lib.fxp_host_run_layers.argtypes = [ctypes.c_void_p, *lib.fxp_host_run.argtypes]
        self.arena_bytes = lib.fxp_host_arena_bytes()
        self.model_sha256 = lib.fxp_host_model_sha256().decode()
        self.labels = tuple(lib.fxp_host_label(i).decode() for i in range(lib.fxp_host_label_count()))
        self.input_shape = _shape(lib.fxp_host_input_shape)
        self.layer_shapes = {
            lib.fxp_host_layer_name(i).decode(): _shape(lib.fxp_host_layer_shape, i)
            for i in range(lib.fxp_host_layer_count())
        }

    @classmethod
    def build(cls, c_folder: str | pathlib.Path, build_dir: str | pathlib.Path | None = None) -> "CEngine":
        """Compiles the generated C in `c_folder` and loads it.

        Args:
          c_folder: where `export.source.model_source.generate`'s files lie.
          build_dir: keeps the library here, named by the hash of everything that went into it, and uses it again;
            None builds in a temporary folder that is gone when this returns.

        Raises:
          HostError: no compiler, a file missing, or C that does not compile.
        """
        c_folder = pathlib.Path(c_folder)
        _check_written(c_folder, (model_source.HEADER, model_source.SOURCE), _REMEDY)
        with tempfile.TemporaryDirectory(prefix="fxp-engine-") as staging:
            if build_dir is None:
                return cls(_compile(c_folder, pathlib.Path(staging) / _LIBRARY))
            folder = pathlib.Path(build_dir) / _content_hash(c_folder)
            library = folder / _LIBRARY
            if not library.is_file():
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                    fresh = pathlib.Path(tempfile.mkdtemp(dir=folder)) / _LIBRARY
                except OSError as error:
                    raise HostError(f"can't write build folder {build_dir}: {error.strerror}") from error
                try:
                    os.replace(_compile(c_folder, fresh), library)
                finally:
                    shutil.rmtree(fresh.parent, ignore_errors=True)
            return cls(library)

    def run(self, codes: np.ndarray) -> np.ndarray:
        """Logit codes int8 [n, labels] of input codes int8 [n, height, width, channels]."""
        codes = self._checked(codes)
        logits = np.zeros((len(codes), len(self.labels)), np.int8)
        arena = self._arena()
        self._library.fxp_host_run(codes.ctypes.data, logits.ctypes.data, len(codes), arena.ctypes.data)
        return logits

    def run_layers(self, codes: np.ndarray) -> dict[str, np.ndarray]:
        """Every layer's output codes by its name, int8 [n, height, width, channels], in order of execution."""
        codes = self._checked(codes)
        logits = np.zeros((len(codes), len(self.labels)), np.int8)
        sizes = [int(np.prod(shape)) for shape in self.layer_shapes.values()]
        record = np.zeros((len(codes), sum(sizes)), np.int8)
        arena = self._arena()
        self._library.fxp_host_run_layers(
            codes.ctypes.data, record.ctypes.data, logits.ctypes.data, len(codes), arena.ctypes.data
        )
        outputs = np.split(record, np.cumsum(sizes)[:-1], axis=1)
        return {
            name: np.ascontiguousarray(output).reshape(len(codes), *shape)
            for (name, shape), output in zip(self.layer_shapes.items(), outputs, strict=True)
        }

    def close(self) -> None:
        """Unloads the library; the engine can't be used afterwards. Closing twice does no harm."""
        self._finalizer()

    def __enter__(self) -> "CEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _checked(self, codes: np.ndarray) -> np.ndarray:
        if not self._finalizer.alive:
            raise ValueError("this engine is closed: build it again")
        if codes.dtype != np.int8 or codes.shape[1:] != self.input_shape:
            expected = ", ".join(map(str, self.input_shape))
            raise ValueError(f"input {codes.dtype} {codes.shape}, expected int8 (n, {expected})")
        return np.ascontiguousarray(codes)

    def _arena(self) -> np.ndarray:
        memory = np.zeros(self.arena_bytes + ALIGNMENT, np.int8)
        start = -memory.ctypes.data % ALIGNMENT
        return memory[start : start + self.arena_bytes]


def _shape(function: Callable[..., Any], *args: int) -> Shape:
    shape = (ctypes.c_uint32 * 3)()
    function(*args, shape)
    height, width, channels = shape
    return height, width, channels


def _host_sources() -> list[pathlib.Path]:
    engine = c_sources.engine()
    return [*engine.files, engine.host / "fxp_host.c"]


def _check_written(c_folder: pathlib.Path, names: Sequence[str], remedy: str) -> None:
    for name in names:
        if not (c_folder / name).is_file():
            raise HostError(f"{c_folder / name} is missing: {remedy}")


def _compile(c_folder: pathlib.Path, library: pathlib.Path) -> pathlib.Path:
    generated = (model_source.HEADER, model_source.SOURCE)
    return compile_library(c_folder, generated, _host_sources(), c_sources.engine().include_folders, library)


def compile_library(
    c_folder: pathlib.Path,
    generated: Sequence[str],
    files: Iterable[pathlib.Path],
    includes: Iterable[pathlib.Path],
    library: pathlib.Path,
    remedy: str = _REMEDY,
    build: Sequence[str] = (),
) -> pathlib.Path:
    """Compiles a bundle's generated C with the project's own, as a shared library for the host unless told otherwise.

    Args:
      c_folder: where the generated files lie.
      generated: their names; .c ones are compiled.
      files, includes: the project's own sources, and the folders of its headers.
      library: where to write it.
      remedy: what to do about files that are missing or don't compile.
      build: another compiler, and its flags beside language, warnings and folders.

    Raises:
      HostError: no compiler, a file missing, or C that does not compile.
    """
    _check_written(c_folder, generated, remedy)
    own = [str(c_folder / name) for name in generated if name.endswith(".c")]
    build = build or (compiler(), "-O2", "-shared", "-fPIC")
    flags = [*C_FLAGS, *(f"-I{folder}" for folder in (*includes, c_folder))]
    command = [*build, *flags, *own, *map(str, files), "-o", str(library)]
    result = _run(command)
    if result.returncode:
        lines = result.stderr.splitlines() or ["no message"]
        reason = next((line for line in lines if "error" in line), lines[0])
        raise HostError(f"{c_folder} does not compile ({reason}): {remedy}")
    return library


def _content_hash(c_folder: pathlib.Path) -> str:
    digest = hashlib.sha256()
    version = _run([compiler(), "--version"], _VERSION_TIMEOUT_S).stdout
    digest.update((version + " ".join(C_FLAGS)).encode())
    for file in [
        *(c_folder / name for name in (model_source.HEADER, model_source.SOURCE)),
        *_host_sources(),
        *c_sources.engine().headers,
    ]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _run(command: list[str], timeout_s: float | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    except OSError as error:
        raise HostError(f"{command[0]} can't be started: {error.strerror}; install it again") from error
    except subprocess.TimeoutExpired as error:
        raise HostError(f"{command[0]} {command[1]} has not ended after {timeout_s:g} s: install it again") from error
