"""The streaming network in NumPy: what its C must equal, code by code.

The layers are the model's own. Along time, each one sees the rows that were really before it, where the network on one
window sees padding: a layer with a window of k rows and a vertical stride of v keeps the last k - v rows of its input,
takes v new ones and gives one. Pooling over a window's h rows is over the last h rows of the stream. Padding across
the coefficients stays. So every row of every layer is computed once, and a step costs what one row of the one-shot
network does.

At the start, and after `reset`, all that a layer remembers is code 0.
"""

import dataclasses
import math

import numpy as np

from export.model import interpreter
from export.model.integer_model import AVERAGE_POOL, IntegerModel, Layer
from quant.qformat import requantize_single

_STEPS_AT_ONCE = 2048


def window_rows(layer: Layer) -> int:
    """Rows of its input that one row of the layer's output is computed from."""
    return layer.kernel_size[0]


def row_stride(layer: Layer) -> int:
    """New input rows for a row of output; 1 behind the layer that makes one row of a window, for every step has one."""
    return layer.stride[0] if layer.output_shape[0] > 1 else 1


def step_layer(layer: Layer, rows: int = 1) -> Layer:
    """The layer on as many rows of input as `rows` rows of its output need, without padding along time."""
    height = (rows - 1) * row_stride(layer) + window_rows(layer)
    return dataclasses.replace(
        layer,
        input_shape=(height, *layer.input_shape[1:]),
        output_shape=(rows, *layer.output_shape[1:]),
        stride=(row_stride(layer), layer.stride[1]),
        padding=((0, 0), layer.padding[1]),
    )


def rows_per_step(model: IntegerModel) -> list[int]:
    """Rows of each layer's output that a step computes: 1 unless a later layer has a vertical stride."""
    strides = [row_stride(layer) for layer in model.layers]
    return [math.prod(strides[i + 1 :]) for i in range(len(strides))]


def why_not(model: IntegerModel) -> str:
    """Why a model can't be streamed; empty where it can."""
    for layer in model.layers:
        if window_rows(layer) < row_stride(layer):
            return f"layer {layer.name}: its window of {window_rows(layer)} rows skips some at stride {layer.stride[0]}"
    return ""


class StreamInterpreter:
    """A model on an endless stream of frames; exact, with state.

    Attributes:
      model: the integer model.
      frames_per_step: new frames for one row of logits, the product of the vertical strides.
      frame_codes: codes of a frame, width times channels of the network's input.
    """

    def __init__(self, model: IntegerModel) -> None:
        """Begins with an empty history.

        Raises:
          ValueError: a layer that skips rows.
        """
        if reason := why_not(model):
            raise ValueError(reason)
        self.model = model
        self.frames_per_step = math.prod(row_stride(layer) for layer in model.layers)
        self.frame_codes = math.prod(model.input_shape[1:])
        self.reset()

    @property
    def delay_frames(self) -> int:
        """Frames behind a window's last one that the step which decides about that window has seen: real ones, where
        the one-shot network pads. Negative where the window's padding is more than what is added."""
        return self._last_frame() - (self.model.input_shape[0] - 1)

    def window_start(self, step: int) -> int:
        """The first frame of the window that `step` (from 0 at the start) decides about; negative before there is one.

        The row that pooling gives in that step is computed from the same rows as the one-shot network's on that window.
        """
        return (step + 1) * self.frames_per_step - 1 - self._last_frame()

    def _last_frame(self) -> int:
        """The last frame, in a window that begins at 0, on which the window's answer depends without padding."""
        row = 0
        for layer in reversed(self.model.layers):
            row = row * row_stride(layer) - layer.padding[0][0] + window_rows(layer) - 1
        return row

    def reset(self) -> None:
        """Forgets all frames: what every layer remembers becomes code 0."""
        self._history = [
            np.zeros((window_rows(layer) - row_stride(layer), *layer.input_shape[1:]), np.int8)
            for layer in self.model.layers
        ]

    def step(self, frames: np.ndarray) -> np.ndarray:
        """One step: int8 [frames_per_step, frame_codes] to logits int8 [labels].

        Raises:
          ValueError: another shape or dtype.
        """
        if len(frames) != self.frames_per_step:
            raise ValueError(f"{len(frames)} frames, a step takes {self.frames_per_step}")
        return self.run(frames)[0]

    def run(self, frames: np.ndarray) -> np.ndarray:
        """As many steps as there are frames for, continuing what came before.

        Args:
          frames: int8 [n, frame_codes], n a multiple of `frames_per_step`; n may be 0.

        Returns:
          logits int8 [n / frames_per_step, labels].

        Raises:
          ValueError: another shape or dtype, or frames left over.
        """
        if frames.dtype != np.int8 or frames.ndim != 2 or frames.shape[1] != self.frame_codes:
            raise ValueError(f"frames {frames.dtype} {frames.shape}, expected int8 (n, {self.frame_codes})")
        if len(frames) % self.frames_per_step:
            raise ValueError(f"{len(frames)} frames are no multiple of the {self.frames_per_step} that a step takes")
        at_once = _STEPS_AT_ONCE * self.frames_per_step
        logits = [np.zeros((0, len(self.model.labels)), np.int8)]
        for start in range(0, len(frames), at_once):
            rows = frames[start : start + at_once].reshape(-1, *self.model.input_shape[1:])
            for i in range(len(self.model.layers)):
                rows = self._advance(i, rows)
            logits.append(rows.reshape(len(rows), -1))
        return np.concatenate(logits)

    def _advance(self, index: int, rows: np.ndarray) -> np.ndarray:
        """New rows of a layer's output for new rows of its input, int8 [rows, width, channels] each."""
        layer, history = self.model.layers[index], self._history[index]
        seen = np.concatenate([history, rows])
        self._history[index] = seen[len(seen) - len(history) :]
        count = len(rows) // row_stride(layer)
        if layer.op == AVERAGE_POOL:
            return _pool(layer, seen)
        if window_rows(layer) == 1:
            single = step_layer(layer)
            return interpreter.run_layer(single, seen[:, None])[:, 0]
        return interpreter.run_layer(step_layer(layer, count), seen[None])[0]


def _pool(layer: Layer, rows: np.ndarray) -> np.ndarray:
    """Pooling over every `window_rows` rows in a row, as a running sum."""
    sums = np.concatenate([np.zeros((1, rows.shape[2]), np.int64), np.cumsum(rows.sum(1, dtype=np.int64), 0)])
    height = window_rows(layer)
    return requantize_single((sums[height:] - sums[:-height])[:, None], layer.shift, layer.output_format)
