"""The engine tflm: what TFLM_DIR must be, and the runner, with a stand-in for the library that it calls.

The stand-in has the interface that the runner uses and computes with CMSIS-NN. So these tests tell that the runner
is built, linked, called, observed, counted and compared as it should be; of TensorFlow Lite Micro they tell nothing.
"""

import os
import pathlib
import subprocess
from collections.abc import Callable

import pytest

from export.bundle import folder as bundles
from export.bundle import tflite
from export.model.integer_model import IntegerModel
from microcontroller import bench, boards, c_sources
from microcontroller.bench import BenchConfig
from microcontroller.firmware import build
from microcontroller.firmware.build_error import BuildError
from microcontroller.measurement.engines import ENGINES
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.rivals.cmsis_nn import package, runner
from microcontroller.rivals.tflm import checkout
from microcontroller.rivals.tflm import runner as tflm_runner

STAND_IN = pathlib.Path(__file__).parent / "tflm"
# Where its make puts what it downloads; the headers above include these.
DOWNLOADED = (
    "flatbuffers/include/flatbuffers/flatbuffers.h",
    "gemmlowp/fixedpoint/fixedpoint.h",
    "ruy/ruy/profiler/instrumentation.h",
)
HEADERS = (
    "tensorflow/lite/micro/micro_interpreter.h",
    "tensorflow/lite/micro/micro_mutable_op_resolver.h",
    "tensorflow/lite/micro/micro_profiler_interface.h",
    "tensorflow/lite/schema/schema_generated.h",
)
CONFIGURATION = "cortex_m_generic_cortex-m4_default_cmsis_nn_gcc"
CPU = boards.load("stm32f4").cpu


def checkout_in(folder: pathlib.Path) -> pathlib.Path:
    """A folder that looks like a checkout in which its make was run, with the stand-in's header."""
    below = {name: f"tensorflow/lite/micro/tools/make/downloads/{name}" for name in DOWNLOADED}
    included = ("flatbuffers/flatbuffers.h", "fixedpoint/fixedpoint.h", "ruy/profiler/instrumentation.h")
    text = "".join(f'#include "{name}"\n' for name in (*included, STAND_IN / "stand_in.h"))
    for name in (*HEADERS, *below.values()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text if name in HEADERS else "")
    return folder


def make_library(folder: pathlib.Path, model: IntegerModel, c_folder: pathlib.Path) -> None:
    """The stand-in for what tflite-micro's make builds, at its place in the checkout."""
    c_folder.mkdir()
    for name, text in runner.generate(model).items():
        (c_folder / name).write_text(text)
    arena, _ = runner.place(model)
    sizes = {
        "ARENA_BYTES": arena,
        "INPUT_BYTES": model.layers[0].input_shape[0] * model.layers[0].input_shape[1] * model.layers[0].input_shape[2],
        "OUTPUT_BYTES": len(model.labels),
        "LAYERS": len(model.layers),
    }
    machine = [
        "-O2",
        "-mthumb",
        f"-mcpu={CPU}",
        "-mfloat-abi=soft",
        "-ffunction-sections",
        "-fdata-sections",
        "-w",
        "-c",
    ]
    renamed = ["-Dfxp_model_invoke=stand_in_invoke", "-Dfxp_model_labels=stand_in_labels"]
    includes = [f"-I{path}" for path in (c_folder, *c_sources.engine().include_folders, *package.include_dirs())]
    c_files = [str(c_folder / "fxp_model.c"), *map(str, package.sources())]
    gcc = build.tool("gcc")
    subprocess.run([gcc, *machine, *renamed, *includes, *c_files], cwd=c_folder, check=True)
    defines = [f"-DSTAND_IN_{name}={value}" for name, value in sizes.items()]
    cxx = ["-std=gnu++17", "-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics", *defines]
    subprocess.run([gcc, *machine, *cxx, str(STAND_IN / "stand_in.cc")], cwd=c_folder, check=True)
    library = folder / "gen" / CONFIGURATION / "lib" / "libtensorflow-microlite.a"
    library.parent.mkdir(parents=True)
    objects = sorted(str(path) for path in c_folder.glob("*.o"))
    subprocess.run([build.tool("ar"), "rcs", str(library), *objects], check=True)


@pytest.mark.slow
def test_the_runner_with_a_stand_in_for_the_library(
    write_bundle: Callable[..., pathlib.Path],
    small_model: IntegerModel,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_library(checkout_in(tmp_path / "tflm"), small_model, tmp_path / "c")
    monkeypatch.setenv(checkout.VARIABLE, str(tmp_path / "tflm"))
    bundle = write_bundle(small_model, flatbuffer=tflite.to_tflite(small_model))
    engines = ("tflm", "cmsis_nn")
    config = BenchConfig(bundle, emulator="qemu", engines=engines, build_dir=tmp_path / "build", clips=6)
    tflm, cmsis_nn = bench.measure(config)["engines"]
    assert (tflm["mismatches"], tflm["inferences"], tflm["rounding"]) == (0, 10, "double")
    assert CONFIGURATION in tflm["origin"] and tflm["profile"] is None
    # The same kernels with a little around them: input and output are copied, operators announced.
    total = tflm["instructions_per_inference"]
    assert cmsis_nn["instructions_per_inference"] < total < 1.02 * cmsis_nn["instructions_per_inference"] + 2000
    assert sum(layer["instructions"] for layer in tflm["layers"]) == pytest.approx(total, rel=0.02)
    for layer, same in zip(tflm["layers"], cmsis_nn["layers"], strict=True):
        assert layer["instructions"] == pytest.approx(same["instructions"], rel=0.02, abs=500)
    assert tflm["arena_bytes"] == tflm["ram_sections"]["arena"] == cmsis_nn["arena_bytes"]
    assert tflm["flash_sections"]["engine_text"] > cmsis_nn["flash_sections"]["engine_text"]
    assert tflm["flash_sections"]["model_rodata"] > len(tflite.to_tflite(small_model))


@pytest.mark.slow
@pytest.mark.parametrize("board", ["stm32f4", "mps3_an547"])
def test_the_real_library_where_there_is_one(
    board: str, write_bundle: Callable[..., pathlib.Path], small_model: IntegerModel, tmp_path: pathlib.Path
) -> None:
    if checkout.VARIABLE not in os.environ:
        pytest.skip(f"{checkout.VARIABLE} names no checkout of tflite-micro")
    bundle = write_bundle(small_model, flatbuffer=tflite.to_tflite(small_model))
    found = bench.measure(
        BenchConfig(bundle, emulator="qemu", engines=("tflm",), board=board, build_dir=tmp_path / "build", clips=6)
    )
    assert (found["mismatches"], found["inferences"], len(found["layers"])) == (0, 10, len(small_model.layers))


def test_a_core_that_is_not_arms_is_refused(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(checkout.VARIABLE, str(checkout_in(tmp_path / "tflm")))
    with pytest.raises(MeasurementError, match=r"^the engine tflm runs on Arm cores, not on board=riscv32: leave one"):
        ENGINES["tflm"].code(bundles.load(small_bundle), boards.load("riscv32"), "auto", tmp_path / "c")


def test_a_core_with_vectors_hands_floats_over_as_the_library_does(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, small_model: IntegerModel
) -> None:
    monkeypatch.setenv(checkout.VARIABLE, str(checkout_in(tmp_path)))
    for cpu, board, float_abi in ((CPU, "stm32f4", None), ("cortex-m55+nofp", "mps3_an547", "softfp")):
        library = (
            tmp_path / "gen" / f"cortex_m_generic_{cpu}_default_cmsis_nn_gcc" / "lib" / "libtensorflow-microlite.a"
        )
        library.parent.mkdir(parents=True)
        library.touch()
        kernels = ENGINES["tflm"].kernels(boards.load(board))
        assert (kernels.float_abi, kernels.libraries) == (float_abi, (library,))
    assert tflm_runner.arena_bytes(small_model, True) == tflm_runner.arena_bytes(small_model) + 48 * 1024


def test_what_tflm_dir_must_be(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(checkout.VARIABLE, raising=False)
    with pytest.raises(BuildError, match="the engine tflm needs TFLM_DIR, a checkout of tflite-micro: set it"):
        checkout.library(CPU)
    monkeypatch.setenv(checkout.VARIABLE, str(tmp_path))
    with pytest.raises(
        BuildError, match=r"TFLM_DIR=.* is no checkout of tflite-micro, it has no .*micro_interpreter\.h"
    ):
        checkout.library(CPU)
    folder = checkout_in(tmp_path)
    with pytest.raises(
        BuildError, match=r"no libtensorflow-microlite\.a for cortex-m4: make it .* TARGET_ARCH=cortex-m4 .* microlite"
    ):
        checkout.library(CPU)
    for name in ("cortex_m_generic_cortex-m4_default_gcc", "cortex_m_generic_cortex-m7_default_cmsis_nn_gcc"):
        (folder / "gen" / name / "lib").mkdir(parents=True)
        (folder / "gen" / name / "lib" / "libtensorflow-microlite.a").touch()
    assert checkout.version(CPU) == "cortex_m_generic_cortex-m4_default_gcc"
    (folder / "gen" / CONFIGURATION / "lib").mkdir(parents=True)
    (folder / "gen" / CONFIGURATION / "lib" / "libtensorflow-microlite.a").touch()
    assert checkout.version(CPU) == CONFIGURATION


def test_without_tflm_dir_the_bench_says_so(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(checkout.VARIABLE, raising=False)
    with pytest.raises(BuildError, match="the engine tflm needs TFLM_DIR"):
        bench.measure(BenchConfig(small_bundle, emulator="qemu", engines=("tflm",), build_dir=tmp_path))


def test_the_arena_has_room_for_two_layers_and_buffers(small_bundle: pathlib.Path) -> None:
    model = bundles.load(small_bundle).model
    assert tflm_runner.arena_bytes(model) > runner.place(model)[0] + 16 * 1024
    assert tflm_runner.arena_bytes(model) % 16 == 0
