"""Writes many programs as C: an entry for each, the table of all, and the memory that they share on a device."""

import pathlib
import re
from collections.abc import Sequence

from export.fuzzing.programs.program import Program

TABLE = "many_models_table.c"
MEMORY_HEADER = "many_models_memory.h"
MEMORY = "many_models_memory.c"
_GUARD = "MANY_GUARD_BYTES"
_PER_FILE = 16
_SHARED = ("observe",)
_GLOBAL = re.compile(r"\b(fxp_(?:model|stream)_[a-z_]+)\b")
_CONSTANT = re.compile(r"^(?:alignas\(FXP_ALIGNMENT\) )?static const \w+ (\w+)", re.MULTILINE)
_INSTANCE = re.compile(r"^FXP_\w+\(\s*(\w+),", re.MULTILINE)
_MACRO = re.compile(r"^#define (FXP_(?:MODEL|STREAM)_\w+)", re.MULTILINE)


def write(folder: pathlib.Path, programs: Sequence[Program]) -> list[str]:
    """Writes all to a folder; returns the names of the C files to compile.

    Programs share a file, some at a time: reading the engine's headers, and starting the compiler, takes as long as the
    C of a small network.
    """
    names = [f"program{i}" for i in range(len(programs))]
    parts: dict[str, list[str]] = {}
    for i, (name, one) in enumerate(zip(names, programs, strict=True)):
        (folder / name).mkdir()
        for file, text in one.files.items():
            (folder / name / file).write_text(text, encoding="utf-8")
        parts.setdefault(f"programs{i // _PER_FILE}.c", ['#include "many_models.h"\n']).append(_renamed(one, name))
    parts[TABLE] = [_table(names)]
    for file, texts in parts.items():
        (folder / file).write_text("\n".join(texts), encoding="utf-8")
    return list(parts)


def _renamed(one: Program, name: str) -> str:
    """A program's C, as it is, with names of its own for all that it defines, so that others may follow it."""
    header = "".join(text for file, text in one.files.items() if file.endswith(".h"))
    own = [*_SHARED, *_GLOBAL.findall(header), *_CONSTANT.findall(one.text), *_INSTANCE.findall(one.text)]
    own = list(dict.fromkeys(own))
    return "".join(
        [
            *(f"#define {word} {name}_{word}\n" for word in own),
            f'#include "{name}/{one.source}"\n',
            one.entry(name),
            *(f"#undef {word}\n" for word in [*own, *_MACRO.findall(header)]),
        ]
    )


def inputs(programs: Sequence[Program]) -> bytes:
    """All inputs, one behind the other, as the program reads them."""
    return b"".join(one.inputs for one in programs)


def shared_memory(programs: Sequence[Program]) -> dict[str, int]:
    """Bytes of each array that they share, by name."""
    return {name: max(1, *(one.memory[name] for one in programs)) for name in programs[0].memory}


def write_memory(folder: pathlib.Path, programs: Sequence[Program]) -> str:
    """Writes what a program without a heap takes its memory from; returns the name of the C file to compile."""
    arrays = {
        name: f"int8_t many_{name}[{size}{f' + {_GUARD}' if name in ('output', 'arena') else ''}]"
        for name, size in shared_memory(programs).items()
    }
    header = ['#include "many_models.h"', *(f"extern {array};" for array in arrays.values())]
    source = [f'#include "{MEMORY_HEADER}"', "#include <stdalign.h>"]
    source += [f"alignas(FXP_ALIGNMENT) {array};" for array in arrays.values()]
    (folder / MEMORY_HEADER).write_text("\n".join(header) + "\n", encoding="utf-8")
    (folder / MEMORY).write_text("\n".join(source) + "\n", encoding="utf-8")
    return MEMORY


def _table(names: Sequence[str]) -> str:
    declared = "".join(f"extern const many_program {name};\n" for name in names)
    listed = "".join(f"    &{name},\n" for name in names)
    return (
        f'#include "many_models.h"\n\n{declared}\n'
        f"const many_program *const many_programs[] = {{\n{listed}}};\n"
        f"const uint32_t many_program_count = {len(names)};\n"
    )
