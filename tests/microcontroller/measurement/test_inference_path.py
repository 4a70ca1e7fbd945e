"""What the inference path of a firmware consists of, read from its disassembly."""

import pathlib
import re
import shutil
import subprocess

import pytest

from export.model import random_model
from export.plan import FAST, PROFILES, SMALL
from export.source import model_source
from microcontroller.firmware import build

ROOT_FUNCTION = "fxp_model_invoke"
HEAP = re.compile(r"_?(malloc|calloc|realloc|free|sbrk|_malloc_r|_free_r)(_r)?$")
# __aeabi_fadd, __aeabi_i2d, __adddf3 and so on.
SOFT_FLOAT = re.compile(r"__aeabi_([fd]|\w+2[fd]$)|__\w+[sd]f\d?$")
FLOAT_INSTRUCTION = re.compile(r"v[a-z]+(\.\w+)*$")
# What a macro of an engine header made for a model: its numbers are in its name.
LOOP = re.compile(r"((matrix|depthwise|conv2d)_loop|panels)_\w+_\d")


def _functions(firmware: build.Firmware) -> dict[str, list[tuple[str, str]]]:
    """Function -> (mnemonic, operands) of its instructions."""
    listing = subprocess.run(
        [build.tool("objdump"), "-d", "--no-show-raw-insn", firmware.elf], capture_output=True, text=True, check=True
    ).stdout
    functions: dict[str, list[tuple[str, str]]] = {}
    for line in listing.splitlines():
        if match := re.match(r"^[0-9a-f]+ <(.+)>:$", line):
            current = functions.setdefault(match[1], [])
        elif match := re.match(r"^\s*[0-9a-f]+:\t(\S+)(?:\t(.*))?$", line):
            current.append((match[1], match[2] or ""))
    return functions


def _calls(functions: dict[str, list[tuple[str, str]]]) -> dict[str, set[str]]:
    """Function -> functions it may call. An indirect call may reach every loop made for the model."""
    made = {name for name in functions if LOOP.match(name)}
    calls: dict[str, set[str]] = {}
    for name, instructions in functions.items():
        calls[name] = set()
        for mnemonic, operands in instructions:
            target = re.search(r"<([^>+]+)(\+0x[0-9a-f]+)?>", operands)
            if target and re.match(r"(bl?(x|\.[nw])*|b[a-z]{2}(\.[nw])?|cbn?z)$", mnemonic) and target[1] != name:
                calls[name].add(target[1])
            elif target and mnemonic in ("bl", "blx"):
                calls[name].add(target[1])  # itself: recursion
            elif re.match(r"blx\s*$", mnemonic) or (mnemonic == "bx" and operands.strip() != "lr"):
                calls[name] |= made
    return calls


def _reached(calls: dict[str, set[str]], start: str) -> set[str]:
    reached, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += calls.get(name, ())
    return reached


MODELS = [(profile, 8, 8) for profile in PROFILES] + [
    (profile, 4, bits) for profile in (FAST, SMALL) for bits in (8, 4)
]
"""Profiles and widths whose loops differ: profile, weight bits, activation bits."""


@pytest.fixture(scope="module", name="firmware", params=MODELS, ids=lambda model: "-".join(map(str, model)))
def _firmware(request, tmp_path_factory) -> build.Firmware:
    if not shutil.which("arm-none-eabi-gcc"):
        pytest.skip("arm-none-eabi-gcc is not installed")
    profile, weight_bits, activation_bits = request.param
    folder: pathlib.Path = tmp_path_factory.mktemp(profile)
    model = random_model.ds_cnn(1, weight_bits=weight_bits, activation_bits=activation_bits)
    for name, text in model_source.generate(model, profile).items():
        (folder / name).write_text(text)
    return build.build(folder, folder / "build")


def test_inference_uses_no_heap_no_float_and_no_recursion(firmware):
    functions = _functions(firmware)
    calls = _calls(functions)
    reached = _reached(calls, ROOT_FUNCTION)
    kernels = {name for name in reached if name.startswith("fxp_")}
    assert len(kernels) >= 5, "the call graph does not reach the kernels"
    if any(name.startswith("pair_products") for name in functions):
        assert any(name.startswith("pair_products") for name in reached), "indirect calls are not followed"
    assert not [name for name in reached if HEAP.match(name) or SOFT_FLOAT.match(name)]
    for name in reached:
        floats = [mnemonic for mnemonic, _ in functions.get(name, ()) if FLOAT_INSTRUCTION.match(mnemonic)]
        assert not floats, f"{name}: {floats}"
    for name in reached:
        assert name not in set().union(*(_reached(calls, called) for called in calls.get(name, ()))), name


def test_loops_made_for_a_model_call_nothing(firmware):
    functions = _functions(firmware)
    calls = _calls(functions)
    for name in functions:
        if LOOP.match(name):
            assert calls[name] == set(), name


def test_the_patterns_bite():
    assert all(HEAP.match(name) for name in ("malloc", "_malloc_r", "free", "_sbrk"))
    assert all(SOFT_FLOAT.match(name) for name in ("__aeabi_fadd", "__aeabi_i2d", "__adddf3", "__floatsisf"))
    assert all(FLOAT_INSTRUCTION.match(name) for name in ("vldr", "vmul.f32", "vcvt.f32.s32"))
    calls = _calls({"a": [("bl", "8 <b>")], "b": [("beq.n", "8 <b+0x4>"), ("b.w", "8 <a>")], "c": [("bl", "8 <c>")]})
    assert calls == {"a": {"b"}, "b": {"a"}, "c": {"c"}}
    assert "a" in _reached(calls, "b") and "b" in _reached(calls, "a")
