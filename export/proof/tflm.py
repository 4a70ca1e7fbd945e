"""Runs a .tflite in TensorFlow Lite Micro itself (PyPI `tflite-micro`), every layer's codes included."""

import math
from collections.abc import Iterator

import numpy as np
from tflite_micro import runtime

from export.bundle import flatbuffer
from export.bundle.flatbuffer import schema

_ALIGNMENT = 16
_ARENA_SPARE = 64 * 1024


class TflmModel:
    """A loaded .tflite: int8 input [1, h, w, c], int8 tensors throughout.

    Codes go in and come out as the integer model's codes: stored values minus the tensor's zero point.

    Raises:
      ValueError: the bytes are not a .tflite, or TensorFlow Lite Micro can't run it.
    """

    def __init__(self, tflite: bytes) -> None:
        model = flatbuffer.read(tflite)
        graph = model.subgraphs[0]
        self._input, self._output = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
        builtin = [code.builtinCode for code in model.operatorCodes]
        self._layers = {
            graph.tensors[operator.outputs[0]].name.decode(): operator.outputs[0]
            for operator in graph.operators
            if builtin[operator.opcodeIndex] != schema.BuiltinOperator.RESHAPE
        }
        self._tensors = graph.tensors
        activations = sum(math.prod(tensor.shape) + _ALIGNMENT for tensor in graph.tensors)
        try:
            self._interpreter = runtime.Interpreter.from_bytes(
                bytes(tflite),
                arena_size=activations + len(tflite) + _ARENA_SPARE,
                intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,  # the package's own spelling
            )
        except RuntimeError as error:
            raise ValueError(f"TensorFlow Lite Micro can't load the .tflite: {error}") from error

    def run(self, codes: np.ndarray) -> np.ndarray:
        """Logit codes int8 [n, labels] of input codes int8 [n, h, w, c]."""
        logits = np.zeros((len(codes), math.prod(self._output.shape)), np.int8)
        for clip in self._invoke(codes):
            logits[clip] = _codes(self._output, self._interpreter.get_output(0)).ravel()
        return logits

    def run_layers(self, codes: np.ndarray) -> dict[str, np.ndarray]:
        """Every layer's output codes by name, int8 [n, height, width, channels], of input codes int8 [n, h, w, c]."""
        outputs = {
            name: np.zeros((len(codes), *_image_shape(self._tensors[index].shape)), np.int8)
            for name, index in self._layers.items()
        }
        for clip in self._invoke(codes):
            for name, index in self._layers.items():
                stored = self._interpreter.GetTensor(index, 0)["tensor_data"]
                outputs[name][clip] = _codes(self._tensors[index], stored).reshape(outputs[name].shape[1:])
        return outputs

    def _invoke(self, codes: np.ndarray) -> Iterator[int]:
        shape = tuple(self._input.shape[1:])
        if codes.dtype != np.int8 or codes.shape[1:] != shape:
            raise ValueError(f"input {codes.dtype} {codes.shape}, expected int8 (n, {', '.join(map(str, shape))})")
        stored = (codes.astype(np.int16) + _zero_point(self._input)).astype(np.int8)
        for clip in range(len(codes)):
            self._interpreter.set_input(stored[clip : clip + 1], 0)
            self._interpreter.invoke()
            yield clip


def _zero_point(tensor: schema.TensorT) -> int:
    return int(tensor.quantization.zeroPoint[0])


def _codes(tensor: schema.TensorT, stored: np.ndarray) -> np.ndarray:
    """int8 codes; a value below an unsigned tensor's zero point wraps to 2**b or more: it never passes for a code."""
    return (stored.astype(np.int16) - _zero_point(tensor)).astype(np.int8)


def _image_shape(shape: np.ndarray) -> tuple[int, ...]:
    """(height, width, channels) of a tensor [1, h, w, c] or [1, c]."""
    return tuple(int(length) for length in ([1, 1, *shape[1:]])[-3:])
