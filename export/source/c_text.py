"""Pieces of generated C: constants, argument structs, calls. What `c_source` and `stream_source` have in common."""

import re
from collections.abc import Sequence

import numpy as np

from export.model.integer_model import Layer
from export.plan import Conversion, Step, Tensor
from export.plan.kernel import Constant, Instance
from export.source import self_test_source
from export.source.self_test_source import Checked, Copied
from export.source.source_error import SourceError

_COLUMNS = 120
_RESERVED = ("fxp", "_")
_CONSTANT = re.compile(r"^(?:alignas\(FXP_ALIGNMENT\) )?static const \w+ (\w+)", re.MULTILINE)


def instances(steps: Sequence[Step]) -> list[str]:
    """Functions made by macros of the engine, each once."""
    made = {instance.name: instance for step in steps for instance in step.instances.values()}
    return ["".join(_call(made[name]) for name in sorted(made))] if made else []


def _call(instance: Instance) -> str:
    arguments = ", ".join(map(str, (instance.name, *instance.arguments)))
    line = f"{instance.macro}({arguments})\n"
    return line if len(line) <= _COLUMNS + 1 else f"{instance.macro}(\n    {arguments}\n)\n"


def symbol(layer: Layer) -> str:
    """What C calls a layer: its name, where that can't be one of the engine's or the compiler's."""
    return f"layer_{layer.name}" if layer.name.lower().startswith(_RESERVED) else layer.name


def check_names(source: str) -> None:
    """Raises `SourceError` where two constants have one name: of layers `a` and `a_kernel`, for example."""
    names = _CONSTANT.findall(source)
    if twice := sorted(name for name in set(names) if names.count(name) > 1):
        raise SourceError(f"layers' names give two constants the name {twice[0]}: rename one of the layers")


def constants(step: Step, one_shift: str = "") -> str:
    """A layer's const arrays and the argument struct that names them.

    Args:
      one_shift: the macro that every layer's own shift is written as; empty for numbers.
    """
    layer = step.layer
    shape = " x ".join(map(str, layer.output_shape))
    text = f"/* {layer.name}: {layer.op} to {shape} */\n"
    for field, constant in step.constants.items():
        text += _array(f"{symbol(layer)}_{field}", constant)
    return (
        text + f"static const {step.kernel.args_type} {symbol(layer)}_args = {initializer(_args(step, one_shift))};\n"
    )


def checked(step: Step, one_shift: str = "") -> list[Checked | Copied]:
    """What the self-test compares of what `constants` writes of a layer."""
    arrays = [self_test_source.array(f"{symbol(step.layer)}_{name}", c.values) for name, c in step.constants.items()]
    fields = initializer(_args(step, one_shift))
    return [*arrays, Copied(f"const {step.kernel.args_type}", f"{symbol(step.layer)}_args", fields)]


def checked_labels(name: str, dimensions: str, labels: Sequence[str]) -> list[Checked | Copied]:
    """The same of an array of labels: their texts, and what points to them."""
    literals = [string(label) for label in labels]
    texts = [self_test_source.text(*pair) for pair in zip(literals, labels, strict=True)]
    return [*texts, Copied("const char *const", name, f"{{{', '.join(literals)}}}", dimensions)]


def _array(name: str, constant: Constant) -> str:
    values = constant.values
    if values.dtype == np.uint32:
        cells = [f"0x{value:08x}," for value in values.tolist()]
    else:
        width = max(len(str(values.min())), len(str(values.max())))
        cells = [f"{value:>{width}}," for value in values.tolist()]
    per_line = max((_COLUMNS - 4) // (len(cells[0]) + 1), 1)
    rows = [cells[i : i + per_line] for i in range(0, len(cells), per_line)]
    lines = "\n".join("    " + " ".join(row) for row in rows)
    return (
        f"// clang-format off: {constant.layout}\n"
        f"alignas(FXP_ALIGNMENT) static const {values.dtype}_t {name}[{values.size}] = {{\n{lines}\n}};\n"
        "// clang-format on\n"
    )


def _args(step: Step, one_shift: str) -> dict:
    """The kernel's argument struct: field -> number, C expression, or a nested struct's fields."""
    args = step.kernel.args(step.layer)
    if one_shift and "requantization" in args:
        args |= {"requantization": args["requantization"] | {"shift": one_shift}}
    args |= {field: f"{symbol(step.layer)}_{field}" for field in step.constants}
    return args | {field: instance.name for field, instance in step.instances.items()}


def initializer(fields: dict, indent: str = "") -> str:
    """A braced list of designated initializers, as clang-format has it."""
    lines = [
        _nested(name, value, f"{indent}    ") if isinstance(value, dict) else f"{indent}    .{name} = {value},\n"
        for name, value in fields.items()
    ]
    return "{\n" + "".join(lines) + indent + "}"


def _nested(name: str, fields: dict, indent: str) -> str:
    """A braced list as a field: on one line, below its name, or a line for each of its own fields."""
    values = [f".{key} = {value}" for key, value in fields.items()]
    one_line = f"{{{', '.join(values)}}},"
    if len(line := f"{indent}.{name} = {one_line}") <= _COLUMNS:
        return f"{line}\n"
    if len(line := f"{indent}    {one_line}") > _COLUMNS:
        line = f"{indent}    {{" + f",\n{indent}     ".join(values) + "},"
    return f"{indent}.{name} =\n{line}\n"


def convert(conversion: Conversion) -> str:
    """A call that changes the layout of a tensor."""
    height, width, channels = conversion.input.shape
    shape = f"(fxp_shape){{.height = {height}, .width = {width}, .channels = {channels}}}"
    return f"    {conversion.function}({shape}, {pointer(conversion.input)}, {pointer(conversion.output)});\n"


def pointer(tensor: Tensor) -> str:
    """Where a tensor begins: the caller's memory, or the arena's."""
    return tensor.place if isinstance(tensor.place, str) else f"bytes + {tensor.place}"


def string(text: str) -> str:
    """A C string literal; bytes that are not printable ASCII, quotes, backslashes and '?' become octal escapes."""
    plain = (chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in text.encode())
    return '"' + "".join(plain) + '"'
