"""The generated C: what it says of the model, how it is formatted, and that every compiler takes it."""

import dataclasses
import itertools
import pathlib
import re
import shutil
import subprocess
import sys

import compiled_engine
import numpy as np
import pytest

from export import plan
from export.host import compiler
from export.host.engine import CEngine
from export.model import interpreter, random_model
from export.model.integer_model import IntegerModel
from export.source import model_source
from microcontroller import c_sources

INCLUDE = c_sources.include_flags(c_sources.engine())
ROOT = pathlib.Path(__file__).resolve().parents[3]
ARM = "arm-none-eabi-gcc"


def _model(**kwargs) -> IntegerModel:
    return random_model.ds_cnn(1, **({"channels": 5, "blocks": 1} | kwargs))


def _write(model: IntegerModel, folder: pathlib.Path, profile: str = plan.FAST) -> pathlib.Path:
    for name, text in model_source.generate(model, profile).items():
        (folder / name).write_text(text)
    return folder


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def _check(command: list) -> None:
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def _c_files() -> list[pathlib.Path]:
    return sorted(file for suffix in "ch" for file in (ROOT / "microcontroller" / "engine").rglob(f"*.{suffix}"))


def test_one_model_gives_one_text_and_another_model_another():
    assert model_source.generate(_model()) == model_source.generate(_model())
    assert model_source.generate(_model()) != model_source.generate(_model(classes=11))


def test_header_holds_sizes_and_hash():
    model = _model(input_shape=(11, 7, 3), classes=4)
    macros = dict(re.findall(r"#define FXP_MODEL_(\w+) (.+)", model_source.generate(model)["fxp_model.h"]))
    assert macros["INPUT_BYTES"] == str(11 * 7 * 3)
    assert macros["OUTPUT_BYTES"] == "4"
    assert macros["LAYER_COUNT"] == str(len(model.layers))
    assert macros["SHA256"] == f'"{model.sha256}"'
    assert macros["MACS"] == str(model.macs)
    assert macros["OUTPUT_FRACTION_BITS"].strip("()") == str(model.output_format.fraction_bits)


def test_layer_table_and_comment_table_say_the_formats():
    model = _model(weight_bits=4, activation_bits=4)
    source = model_source.generate(model)["fxp_model.c"]
    table = source[source.index("fxp_model_layers[") :].partition("\n};\n")[0]
    for field, value in {
        "weight_bits": lambda layer: layer.weight_format.bits,
        "output_fraction_bits": lambda layer: layer.output_format.fraction_bits,
        "shift": lambda layer: layer.shift,
        "max_code": lambda layer: layer.output_format.max_code,
        "macs": lambda layer: layer.macs,
    }.items():
        assert re.findall(rf"\.{field} = (-?\d+),", table) == [str(value(layer)) for layer in model.layers]
    for layer in model.layers:
        formats = rf"{layer.input_format}\s+{layer.weight_format}\s+{layer.output_format}\s+{layer.shift}\s"
        assert re.search(rf"^ \* {layer.name}\s+{layer.op}\s+{formats}", source, re.MULTILINE)


@pytest.mark.parametrize("profile", plan.PROFILES)
def test_arrays_are_named_after_their_layer_and_aligned(profile):
    model = _model()
    source = model_source.generate(model, profile)["fxp_model.c"]
    arrays = dict(re.findall(r"^alignas\(FXP_ALIGNMENT\) static const \w+ (\w+)\[(\d+)\]", source, re.MULTILINE))
    assert {name: int(size) for name, size in arrays.items()} == {
        f"{step.layer.name}_{field}": constant.values.size
        for step in plan.plan(model, profile).steps
        for field, constant in step.constants.items()
    }
    for layer in model.layers:
        assert (f"{layer.name}_weights" in arrays or f"{layer.name}_codes" in arrays) == (layer.op != "average_pool")


@pytest.mark.parametrize("profile", plan.PROFILES)
def test_one_shift_is_one_constant(tmp_path, one_shift_model, profile):
    files = model_source.generate(one_shift_model, profile)
    assert files["fxp_model.h"].count("#define FXP_MODEL_SHIFT 6\n") == 1
    written = re.findall(r"\.shift = (\w+)", files["fxp_model.c"])
    assert len(written) >= len(one_shift_model.layers)
    assert set(written) - {"16"} == {"FXP_MODEL_SHIFT"}  # 16: of scaled accumulators
    folder = _write(one_shift_model, tmp_path, profile)
    with CEngine.build(folder) as engine:
        codes = random_model.codes(3, one_shift_model, 20)
        np.testing.assert_array_equal(engine.run(codes), interpreter.run(one_shift_model, codes))


@pytest.mark.parametrize("profile", plan.PROFILES)
def test_several_shifts_are_numbers(small_model, profile):
    files = model_source.generate(small_model, profile)
    assert not any("FXP_MODEL_SHIFT" in text for text in files.values())


def test_unknown_profile_is_named():
    with pytest.raises(ValueError, match="'dsp'"):
        model_source.generate(_model(), profile="dsp")


def test_model_without_a_proof_is_refused():
    model = _model()
    narrow = dataclasses.replace(model.layers[0], accumulator_bits=8)
    with pytest.raises(ValueError, match=model.layers[0].name):
        model_source.generate(IntegerModel(model.name, model.labels, (narrow, *model.layers[1:])))


@pytest.mark.parametrize("sizes", [[], [1], [16, 17], [100, 1, 100], [8000, 8000, 8000, 64], [5, 300, 7, 9, 1000, 3]])
def test_placement_reaches_the_bound_and_neighbours_never_overlap(sizes):
    total, places = plan.place([plan.Need(size) for size in sizes])
    offsets = [place.output for place in places]
    aligned = [-(-size // 16) * 16 for size in sizes]
    assert total == max([16, *aligned, *(a + b for a, b in itertools.pairwise(aligned))])
    spans = [(offset, offset + size) for offset, size in zip(offsets, aligned, strict=True)]
    assert all(offset % 16 == 0 and offset >= 0 and end <= total for offset, end in spans)
    for before, after in itertools.pairwise(spans):
        assert before[1] <= after[0] or after[1] <= before[0]


def test_arena_of_the_benchmark_network():
    model = random_model.ds_cnn(1)
    assert plan.plan(model, plan.PORTABLE).arena_bytes == 2 * 25 * 5 * 64
    in_place = 2 * 25 * 5 * 64
    # The windows of the first convolution lie beside the int16 activations.
    assert in_place < plan.plan(model, plan.FAST).arena_bytes <= in_place + 1200


def test_bias_carries_the_rounding_half():
    for step in plan.plan(_model(), plan.PORTABLE).steps:
        if step.constants:
            bias = step.constants["bias"].values
            assert np.array_equal(bias - step.layer.bias, np.full(bias.size, (1 << step.layer.shift) >> 1))


@pytest.mark.parametrize("shape", [{}, {"input_shape": (13, 9, 3), "classes": 17}, {"blocks": 4, "channels": 64}])
@pytest.mark.parametrize("profile", plan.PROFILES)
def test_generated_c_is_formatted(tmp_path, shape, profile):
    folder = _write(_model(**shape), tmp_path, profile)
    style = f"--style=file:{ROOT / '.clang-format'}"
    formatter = pathlib.Path(sys.executable).with_name("clang-format")
    _check([formatter, style, "--dry-run", "--Werror", *sorted(folder.glob("*.[ch]"))])


def test_engine_is_formatted():
    formatter = pathlib.Path(sys.executable).with_name("clang-format")
    _check([formatter, "--dry-run", "--Werror", f"--style=file:{ROOT / '.clang-format'}", *_c_files()])


def test_headers_are_cpp_too(tmp_path):
    cxx = _tool("c++")
    folder = _write(_model(), tmp_path)
    source = tmp_path / "main.cpp"
    source.write_text(
        '#include "fxp_model.h"\nstatic_assert(alignof(fxp_model_arena) == FXP_ALIGNMENT, "alignment");\n'
    )
    flags = ["-std=c++17", *compiler.WARNINGS, "-fsyntax-only", *INCLUDE, f"-I{folder}"]
    _check([cxx, *flags, source])


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m0plus", "cortex-m3", "cortex-m33"])
def test_everything_compiles_for_the_device(tmp_path, cpu):
    command = [_tool(ARM), f"-mcpu={cpu}", "-mthumb", *compiler.C_FLAGS, "-Os"]
    assert len(compiled_engine.objects(command, tmp_path)) == len(c_sources.engine().files)
    for profile in plan.PROFILES:
        folder = tmp_path / profile
        folder.mkdir()
        file = _write(_model(weight_bits=4), folder, profile) / "fxp_model.c"
        _check([*command, *INCLUDE, f"-I{folder}", "-c", file, "-o", folder / "fxp_model.o"])


def test_each_kernel_has_a_file_that_draws_its_layout():
    definition = re.compile(r"^void (fxp_\w+)\(", re.MULTILINE)
    headers = "".join(file.read_text() for file in c_sources.engine().headers)
    functions = []
    for file in c_sources.engine().files:
        text = file.read_text()
        drawing = text[: text.index("*/")]
        assert "input" in drawing or "output" in drawing, file.name
        functions += definition.findall(text)
    assert sorted(functions) == sorted(definition.findall(headers))
    for profile in plan.PROFILES:
        for step in plan.plan(_model(), profile).steps:
            assert step.kernel.function in functions
            for instance in step.instances.values():
                macros = (ROOT / "microcontroller" / "engine" / instance.header).read_text()
                assert re.search(rf"#define {instance.macro}\([\s\\]*name, ", macros)


def test_the_model_is_planned_once(monkeypatch):
    planned = []

    def counted(model: IntegerModel, profile: str) -> plan.Plan:
        planned.append(profile)
        return plan.plan(model, profile)

    monkeypatch.setattr(model_source, "plan", counted)
    files = model_source.with_plan(_model(), plan.SMALL)
    assert planned == [plan.SMALL]
    assert files == {**model_source.generate(_model(), plan.SMALL), model_source.PLAN: files[model_source.PLAN]}
