"""The .tflite flatbuffer as lists of tensors, operators and buffers: the object API of its published schema."""

from typing import Any

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

__all__ = ["FILE_IDENTIFIER", "SCHEMA_VERSION", "FlatbufferWriter", "pack_int4", "read", "schema"]

SCHEMA_VERSION = 3
FILE_IDENTIFIER = b"TFL3"
_TYPES = {np.dtype(np.int8): schema.TensorType.INT8, np.dtype(np.int32): schema.TensorType.INT32}


class FlatbufferWriter:
    """Collects one subgraph. Buffer 0 stays empty: the schema reserves it for tensors computed at run time."""

    def __init__(self) -> None:
        self._buffers = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: dict[int, tuple[int, Any]] = {}
        self._metadata: list[Any] = []

    def add_buffer(self, data: bytes) -> int:
        """Index of a new buffer that holds `data`; never shared, so that one tensor can be edited alone."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data, np.uint8)
        self._buffers.append(buffer)
        return len(self._buffers) - 1

    def add_tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        *,
        scale: float | None = None,
        zero_point: int = 0,
        data: np.ndarray | None = None,
        int4: bool = False,
    ) -> int:
        """Index of a new tensor; int8 unless `data` says otherwise.

        Args:
          scale: exact in float32, for the whole tensor; None for a tensor without one.
          data: int8 or int32 constants of `shape`; None for a tensor computed at run time.
          int4: packs int8 `data` two codes per byte, the first one in the low nibble.

        Raises:
          ValueError: a scale that float32 can't hold.
        """
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.hasRank = name, list(shape), True
        tensor.type = schema.TensorType.INT8
        if data is not None:
            tensor.type = _TYPES[data.dtype]
            payload = np.ascontiguousarray(data).astype(data.dtype.newbyteorder("<")).tobytes()
            if int4:
                tensor.type = schema.TensorType.INT4
                payload = pack_int4(data)
            tensor.buffer = self.add_buffer(payload)
        if scale is not None:
            if scale <= 0 or float(np.float32(scale)) != scale:
                raise ValueError(f"tensor {name}: scale {scale} is not exact in float32")
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.array([scale], np.float32)
            tensor.quantization.zeroPoint = np.array([zero_point], np.int64)
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def add_operator(self, builtin: int, version: int, inputs: list[int], output: int, options: Any) -> None:
        """One operator; `options` is the schema's options object, its class named after the union's member."""
        if builtin not in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode = builtin
            code.deprecatedBuiltinCode = min(builtin, schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES)
            self._codes[builtin] = (len(self._codes), code)
        index, code = self._codes[builtin]
        code.version = max(code.version, version)
        operator = schema.OperatorT()
        operator.opcodeIndex = index
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        operator.builtinOptions = options
        self._operators.append(operator)

    def add_metadata(self, name: str, data: bytes) -> None:
        """A named block of bytes beside the graph."""
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, self.add_buffer(data)
        self._metadata.append(entry)

    def finish(self, name: str, description: str, inputs: list[int], outputs: list[int]) -> bytes:
        """The whole file."""
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators = name, self._tensors, self._operators
        graph.inputs, graph.outputs = inputs, outputs
        model = schema.ModelT()
        model.version, model.description = SCHEMA_VERSION, description
        model.operatorCodes = [code for _, code in self._codes.values()]
        model.subgraphs, model.buffers, model.metadata = [graph], self._buffers, self._metadata
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=FILE_IDENTIFIER)
        return bytes(builder.Output())


def pack_int4(codes: np.ndarray) -> bytes:
    """Codes -8 .. 7, flattened, two per byte: the first one in the low nibble, a last odd one alone."""
    nibbles = np.append(codes.ravel(), np.zeros(codes.size % 2, np.int8)).astype(np.uint8) & 0xF
    return (nibbles[0::2] | nibbles[1::2] << 4).astype(np.uint8).tobytes()


def read(flatbuffer: bytes) -> Any:
    """The schema's ModelT of a .tflite file. Raises `ValueError` where the bytes are not one."""
    if flatbuffer[4:8] != FILE_IDENTIFIER:
        raise ValueError(f"not a .tflite file: identifier {flatbuffer[4:8]!r}, expected {FILE_IDENTIFIER!r}")
    try:
        return schema.ModelT.InitFromPackedBuf(bytearray(flatbuffer), 0)
    except Exception as error:  # the reader walks offsets: damaged ones fail in many ways
        raise ValueError(f"damaged .tflite file ({error})") from error
