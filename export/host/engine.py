"""The C engine on the host: compiles a bundle's generated C with the engine's kernels and calls it.

Results equal `export.model.interpreter` with single rounding, code by code.
"""

import concurrent.futures
import math
import pathlib

import numpy as np

from export.host.library import COUNT, POINTER, TEXT, HostLibrary, LibraryDefinition, memory
from export.model.integer_model import Shape
from export.source import model_source
from microcontroller import c_sources

_CLIPS_AT_ONCE = 64


class CEngine(HostLibrary):
    """A model compiled for the host.

    Attributes:
      input_shape: (height, width, channels).
      labels: one per logit.
      layer_shapes: name -> output (height, width, channels), in order of execution.
      model_sha256: hash of the integer model from which the C was generated.
      arena_bytes: working memory of one inference.
    """

    definition = LibraryDefinition(
        c_sources.engine,
        "fxp_host.c",
        (model_source.HEADER, model_source.SOURCE),
        "fxp_host_",
        {
            "arena_bytes": (COUNT,),
            "layer_count": (COUNT,),
            "label_count": (COUNT,),
            "model_sha256": (TEXT,),
            "label": (TEXT, COUNT),
            "layer_name": (TEXT, COUNT),
            "input_shape": (None, POINTER),
            "layer_shape": (None, COUNT, POINTER),
            "run": (None, POINTER, POINTER, COUNT, POINTER),
            "run_layers": (None, POINTER, POINTER, POINTER, COUNT, POINTER),
        },
        apart=True,
    )

    def __init__(self, library: str | pathlib.Path) -> None:
        """Loads a library that `build` compiled."""
        super().__init__(library)
        self.arena_bytes: int = self._call("arena_bytes")
        self.model_sha256 = self._text("model_sha256")
        self.labels = tuple(self._text("label", i) for i in range(self._call("label_count")))
        self.input_shape = self._shape("input_shape")
        self.layer_shapes = {
            self._text("layer_name", i): self._shape("layer_shape", i) for i in range(self._call("layer_count"))
        }

    def run(self, codes: np.ndarray, threads: int = 1) -> np.ndarray:
        """Logit codes int8 [n, labels] of input codes int8 [n, height, width, channels].

        Args:
          threads: that share the inputs, each with an arena of its own.

        Raises:
          ValueError: another shape or dtype, or a closed engine.
        """
        codes = self._checked(codes)
        logits = np.zeros((len(codes), len(self.labels)), np.int8)

        def run_from(start: int) -> None:
            inputs, outputs = (array[start : start + _CLIPS_AT_ONCE] for array in (codes, logits))
            self._call("run", inputs, outputs, len(inputs), memory(self.arena_bytes))

        # Python lets other threads run while C is called.
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            list(pool.map(run_from, range(0, len(codes), _CLIPS_AT_ONCE)))
        return logits

    def run_layers(self, codes: np.ndarray) -> dict[str, np.ndarray]:
        """Every layer's output codes by its name, int8 [n, height, width, channels], in order of execution.

        Raises:
          ValueError: as `run`.
        """
        codes = self._checked(codes)
        logits = np.zeros((len(codes), len(self.labels)), np.int8)
        sizes = [math.prod(shape) for shape in self.layer_shapes.values()]
        record = np.zeros((len(codes), sum(sizes)), np.int8)
        self._call("run_layers", codes, record, logits, len(codes), memory(self.arena_bytes))
        outputs = np.split(record, np.cumsum(sizes)[:-1], axis=1)
        return {
            name: np.ascontiguousarray(output).reshape(len(codes), *shape)
            for (name, shape), output in zip(self.layer_shapes.items(), outputs, strict=True)
        }

    def _checked(self, codes: np.ndarray) -> np.ndarray:
        if codes.dtype != np.int8 or codes.shape[1:] != self.input_shape:
            expected = ", ".join(map(str, self.input_shape))
            raise ValueError(f"input {codes.dtype} {codes.shape}, expected int8 (n, {expected})")
        return np.ascontiguousarray(codes)

    def _shape(self, name: str, *arguments: int) -> Shape:
        height, width, channels = self._numbers(name, 3, *arguments)
        return height, width, channels
