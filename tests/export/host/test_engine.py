"""The C engine on the host equals the exact interpreter in every code of every layer."""

import itertools
import pathlib
import re
import subprocess

import compiled_engine
import numpy as np
import pytest

from export.host import compiler
from export.host.engine import CEngine
from export.host.host_error import HostError
from export.model import integer_model, interpreter, random_model
from export.model.integer_model import CONV2D, DENSE, DEPTHWISE_CONV2D, IntegerModel, Layer
from export.plan import FAST, PORTABLE, PROFILES, SMALL
from export.source import model_source
from microcontroller import c_sources
from quant.qformat import QFormat, activation_format, weight_format

NO_PADDING = ((0, 0), (0, 0))

SHAPES = {
    "benchmark": {},
    "odd channels": {"channels": 17, "blocks": 2, "classes": 5},
    "three channels in": {"input_shape": (13, 9, 3), "channels": 3, "blocks": 1, "classes": 3},
    "no blocks": {"input_shape": (20, 8, 1), "channels": 5, "blocks": 0, "classes": 2},
    "other kernel and stride": {"channels": 5, "blocks": 1, "first_kernel": (3, 5), "first_stride": (1, 3)},
    "one position": {"input_shape": (2, 2, 1), "channels": 6, "blocks": 1, "first_kernel": (2, 2)},
}


def _write(model: IntegerModel, folder: pathlib.Path, profile: str = FAST) -> pathlib.Path:
    folder.mkdir(exist_ok=True)
    for name, text in model_source.generate(model, profile).items():
        (folder / name).write_text(text)
    return folder


def _assert_equal(model: IntegerModel, codes: np.ndarray, folder: pathlib.Path, profile: str = FAST) -> None:
    with CEngine.build(_write(model, folder, profile)) as engine:
        outputs = engine.run_layers(codes)
        assert list(outputs) == [layer.name for layer in model.layers]
        for layer, expected in interpreter.run_layers(model, codes):
            mismatches = int((outputs[layer.name] != expected).sum())
            assert mismatches == 0, f"{layer.name}: {mismatches} of {expected.size} codes differ"
        assert np.array_equal(engine.run(codes), expected.reshape(len(codes), -1))


def _layer(
    op: str,
    input_shape: tuple[int, int, int],
    kernel: np.ndarray,
    *,
    bias: np.ndarray | None = None,
    stride: tuple[int, int] = (1, 1),
    padding: tuple = NO_PADDING,
    shift: int = 7,
    relu: bool = False,
) -> Layer:
    """One layer with 8-bit inputs and weights whose input format has 7 fraction bits."""
    channels = input_shape[2] if op == DEPTHWISE_CONV2D else kernel.shape[-1]
    sizes = (1, 1) if op == DENSE else kernel.shape[:2]
    height, width = (
        (length + sum(pads) - k) // s + 1
        for length, k, s, pads in zip(input_shape[:2], sizes, stride, padding, strict=True)
    )
    return Layer(
        op,
        op,
        input_shape,
        (height, width, channels),
        kernel.astype(np.int8),
        np.zeros(channels, np.int32) if bias is None else bias.astype(np.int32),
        stride,
        padding,
        QFormat(8, 7),
        weight_format(8, 7),
        activation_format(8, 14 - shift, relu),
    )


def _classifier(layer: Layer) -> IntegerModel:
    """`layer` alone where its output is a vector, else followed by a pool over all positions."""
    layers = [layer]
    if layer.output_shape[:2] != (1, 1):
        layers.append(integer_model.average_pool("pool", layer.output_shape, layer.output_format))
    labels = tuple(f"label{i}" for i in range(layer.output_shape[2]))
    return IntegerModel("model", labels, tuple(layers))


@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(8, 8), (4, 8), (4, 4), (2, 8)])
@pytest.mark.parametrize(
    ("shape", "profile"),
    [("benchmark", FAST), ("odd channels", FAST), ("odd channels", SMALL), ("odd channels", PORTABLE)],
)
def test_networks_of_every_width(tmp_path, shape, profile, weight_bits, activation_bits):
    model = random_model.ds_cnn(3, **SHAPES[shape], weight_bits=weight_bits, activation_bits=activation_bits)
    _assert_equal(model, random_model.codes(4, model, 24), tmp_path / "c", profile)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("shape", list(SHAPES)[2:])
def test_networks_of_other_shapes(tmp_path, shape, profile):
    model = random_model.ds_cnn(5, **SHAPES[shape])
    _assert_equal(model, random_model.codes(6, model, 24), tmp_path / "c", profile)


@pytest.mark.parametrize("profile", [FAST, PORTABLE])
@pytest.mark.parametrize(
    ("op", "input_shape", "kernel_shape", "stride", "padding"),
    [
        (CONV2D, (7, 6, 3), (1, 1, 3, 5), (2, 2), NO_PADDING),
        (CONV2D, (7, 6, 2), (1, 1, 2, 4), (1, 1), ((1, 0), (0, 2))),
        (CONV2D, (7, 6, 2), (3, 2, 2, 6), (2, 1), ((0, 0), (0, 0))),
        (CONV2D, (4, 3, 2), (2, 3, 2, 7), (1, 2), ((3, 4), (5, 6))),
        (CONV2D, (5, 1, 1), (9, 3, 1, 1), (1, 1), ((4, 4), (1, 1))),
        (DEPTHWISE_CONV2D, (9, 8, 3), (3, 3, 3), (2, 2), ((1, 1), (0, 1))),
        (DEPTHWISE_CONV2D, (10, 9, 5), (3, 3, 5), (2, 2), NO_PADDING),
        (DEPTHWISE_CONV2D, (8, 10, 6), (3, 3, 6), (2, 2), ((0, 1), (1, 0))),
        (DEPTHWISE_CONV2D, (1, 1, 4), (3, 3, 4), (2, 2), ((1, 1), (1, 1))),
        (DEPTHWISE_CONV2D, (2, 3, 4), (3, 3, 4), (1, 1), ((1, 0), (1, 0))),
        (DEPTHWISE_CONV2D, (9, 8, 5), (3, 3, 5), (1, 1), NO_PADDING),
        (DEPTHWISE_CONV2D, (9, 8, 2), (5, 4, 2), (3, 1), ((2, 2), (1, 2))),
        (DEPTHWISE_CONV2D, (3, 3, 17), (2, 2, 17), (1, 1), ((3, 2), (4, 3))),
        (DEPTHWISE_CONV2D, (6, 1, 4), (3, 3, 4), (1, 1), ((1, 1), (1, 1))),
        (DENSE, (1, 1, 65), (65, 7), (1, 1), NO_PADDING),
    ],
)
def test_single_layers(tmp_path, op, input_shape, kernel_shape, stride, padding, profile):
    rng = np.random.default_rng(7)
    kernel = rng.integers(-127, 128, kernel_shape)
    model = _classifier(_layer(op, input_shape, kernel, stride=stride, padding=padding, shift=9))
    _assert_equal(model, random_model.codes(8, model, 24), tmp_path / "c", profile)


@pytest.mark.parametrize("weight", [-127, 127])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 30])
def test_extreme_codes_saturate(tmp_path, weight, relu, shift):
    layer = _layer(DENSE, (1, 1, 64), np.full((64, 3), weight), shift=shift, relu=relu)
    model = _classifier(layer)
    codes = random_model.codes(9, model, 4)
    _assert_equal(model, codes, tmp_path / "c")
    if shift == 0:
        expected = {layer.output_format.min_code, layer.output_format.max_code}
        assert expected <= set(interpreter.run(model, codes).ravel().tolist())


@pytest.mark.parametrize("shift", [1, 2, 7])
def test_ties_round_half_up(tmp_path, shift):
    half = 1 << (shift - 1)
    biases = np.array([odd * half + step for odd, step in itertools.product(range(-9, 10, 2), (-1, 0, 1))])
    model = _classifier(_layer(DENSE, (1, 1, 2), np.zeros((2, biases.size)), bias=biases, shift=shift))
    codes = random_model.codes(10, model, 2)
    with CEngine.build(_write(model, tmp_path / "c")) as engine:
        logits = engine.run(codes)
    assert np.array_equal(logits[0], np.floor(biases / (1 << shift) + 0.5))
    assert np.array_equal(logits, interpreter.run(model, codes))


def test_accumulator_at_the_edge_of_int32(tmp_path):
    """The largest bias that export.model.accumulator still proves, with the codes that reach it."""
    half, peak = 1 << 23, 127 * 128
    bias = np.array([2**31 - 1 - half - peak, -(2**31 - 1 - half - peak)])
    layer = _layer(DENSE, (1, 1, 1), np.array([[-127, 127]]), bias=bias, shift=24)
    model = _classifier(layer)
    _assert_equal(model, random_model.codes(11, model, 4), tmp_path / "c")


SANITIZED_MAIN = """\
#include "fxp_model.h"

#include <stdio.h>
#include <stdlib.h>

/* Every buffer is a heap block of its exact size, so that the sanitizer sees a byte read or written beyond it. */
int main(void) {
    int8_t *input = malloc(FXP_MODEL_INPUT_BYTES);
    int8_t *output = malloc(FXP_MODEL_OUTPUT_BYTES);
    void *arena = aligned_alloc(FXP_ALIGNMENT, FXP_MODEL_ARENA_BYTES);
    while (fread(input, 1, FXP_MODEL_INPUT_BYTES, stdin) == FXP_MODEL_INPUT_BYTES) {
        fxp_model_invoke(input, output, arena, NULL, NULL);
        fwrite(output, 1, FXP_MODEL_OUTPUT_BYTES, stdout);
    }
    free(input);
    free(output);
    free(arena);
    return 0;
}
"""


def _sanitized(model: IntegerModel, folder: pathlib.Path) -> pathlib.Path:
    _write(model, folder)
    (folder / "main.c").write_text(SANITIZED_MAIN)
    program = folder / "sanitized"
    flags = ["-O1", "-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
    command = [compiler.path(), *compiler.C_FLAGS, *flags]
    include = [*c_sources.include_flags(c_sources.engine()), f"-I{folder}"]
    files = [folder / "main.c", folder / "fxp_model.c", *compiled_engine.objects(command, folder)]
    subprocess.run([*command, *include, *files, "-o", program], check=True)
    return program


@pytest.mark.parametrize(
    "model",
    [
        random_model.ds_cnn(12, channels=17, blocks=1, classes=5),
        random_model.ds_cnn(13, **SHAPES["three channels in"], weight_bits=4, activation_bits=4),
        _classifier(_layer(CONV2D, (4, 3, 2), np.full((2, 3, 2, 7), -127), padding=((3, 4), (5, 6)), shift=9)),
        _classifier(_layer(DEPTHWISE_CONV2D, (3, 3, 5), np.full((2, 2, 5), -127), padding=((3, 2), (4, 3)), shift=9)),
        _classifier(_layer(DEPTHWISE_CONV2D, (9, 8, 3), np.full((3, 3, 3), 127), stride=(2, 2), shift=9)),
    ],
    ids=["odd channels", "several channels in", "conv2d padding", "depthwise padding", "depthwise stride"],
)
def test_sanitizers_find_nothing(tmp_path, model):
    codes = random_model.codes(14, model, 8)
    result = subprocess.run(
        [_sanitized(model, tmp_path / "c")], input=codes.tobytes(), capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr.decode()
    logits = np.frombuffer(result.stdout, np.int8).reshape(len(codes), -1)
    assert np.array_equal(logits, interpreter.run(model, codes))


@pytest.fixture(name="small")
def _small() -> IntegerModel:
    return random_model.ds_cnn(15, channels=4, blocks=1, classes=3)


def test_engine_knows_its_model(tmp_path, small):
    with CEngine.build(_write(small, tmp_path / "c")) as engine:
        assert engine.model_sha256 == small.sha256
        assert engine.labels == small.labels
        assert engine.input_shape == small.input_shape
        assert engine.layer_shapes == {layer.name: layer.output_shape for layer in small.layers}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_changed_weight_is_seen(tmp_path, small, profile):
    folder = _write(small, tmp_path / "c", profile)
    source = folder / "fxp_model.c"
    changed, count = re.subn(r"(layer4_dense_weights\[\d+\] = \{\n +)[^,]+,", r"\g<1>0x55,", source.read_text())
    assert count == 1
    source.write_text(changed)
    codes = random_model.codes(16, small, 24)
    with CEngine.build(folder) as engine:
        assert (engine.run(codes) != interpreter.run(small, codes)).any()


def test_labels_and_names_of_any_kind(tmp_path):
    layer = _layer(DENSE, (1, 1, 2), np.ones((2, 5)))
    object.__setattr__(layer, "name", "int")
    labels = ('say "yes"', "back\\slash", "what??/", "größer", "100 %")
    model = IntegerModel("while", labels, (layer,))
    with CEngine.build(_write(model, tmp_path / "c")) as engine:
        assert engine.labels == labels
        assert list(engine.layer_shapes) == ["int"]


def test_two_models_at_once(tmp_path, small):
    other = random_model.ds_cnn(17, channels=4, blocks=1, classes=3)
    codes = random_model.codes(18, small, 8)
    with CEngine.build(_write(small, tmp_path / "a")) as a, CEngine.build(_write(other, tmp_path / "b")) as b:
        assert np.array_equal(a.run(codes), interpreter.run(small, codes))
        assert np.array_equal(b.run(codes), interpreter.run(other, codes))


def test_no_clips_and_a_view_of_clips(tmp_path, small):
    codes = random_model.codes(19, small, 8)
    with CEngine.build(_write(small, tmp_path / "c")) as engine:
        assert engine.run(codes[:0]).shape == (0, 3)
        assert np.array_equal(engine.run(codes[::2]), interpreter.run(small, codes)[::2])


def test_threads_share_the_clips(tmp_path, small):
    codes = random_model.codes(21, small, 200)
    with CEngine.build(_write(small, tmp_path / "c")) as engine:
        for threads in (1, 2, 5):
            assert np.array_equal(engine.run(codes, threads), interpreter.run(small, codes))


def test_wrong_input_is_named(tmp_path, small):
    with CEngine.build(_write(small, tmp_path / "c")) as engine:
        with pytest.raises(ValueError, match="float64"):
            engine.run(np.zeros((1, *small.input_shape)))
        with pytest.raises(ValueError, match=r"\(1, 3, 3, 1\)"):
            engine.run_layers(np.zeros((1, 3, 3, 1), np.int8))


def test_closed_engine_says_so(tmp_path, small):
    engine = CEngine.build(_write(small, tmp_path / "c"))
    engine.close()
    engine.close()
    with pytest.raises(ValueError, match="closed"):
        engine.run(random_model.codes(20, small, 1))


def test_temporary_files_are_gone(tmp_path, small, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with CEngine.build(_write(small, tmp_path / "c")):
        pass
    assert not list(scratch.iterdir())


def test_build_folder_is_used_again_for_the_same_content_only(tmp_path, small):
    build_dir = tmp_path / "build"
    folder = _write(small, tmp_path / "c")
    CEngine.build(folder, build_dir).close()
    (library,) = build_dir.rglob("*.so")
    written = library.stat().st_mtime_ns
    CEngine.build(folder, build_dir).close()
    assert library.stat().st_mtime_ns == written
    _write(random_model.ds_cnn(21, channels=4, blocks=1, classes=3), folder)
    CEngine.build(folder, build_dir).close()
    assert len(list(build_dir.rglob("*.so"))) == 2


def test_a_compiler_that_never_tells_its_version_is_one_line(tmp_path, small, monkeypatch):
    gcc = _program(tmp_path, b"#!/bin/sh\nexec sleep 600\n", monkeypatch)
    monkeypatch.setattr(compiler, "_VERSION_TIMEOUT_S", 0.5)
    with pytest.raises(HostError, match=f"{gcc} --version has not ended after 0.5 s: install it again"):
        CEngine.build(_write(small, tmp_path / "c"), tmp_path / "build")


def test_a_compiler_of_another_machine_is_one_line(tmp_path, small, monkeypatch):
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xff\xff" + bytes(44)
    gcc = _program(tmp_path, elf, monkeypatch)
    for build_dir in (None, tmp_path / "build"):
        with pytest.raises(HostError, match=f"{gcc} can't be started: Exec format error; install it again"):
            CEngine.build(_write(small, tmp_path / "c"), build_dir)


def test_a_full_disk_is_not_the_fault_of_the_c(tmp_path, small, monkeypatch):
    said = b"#!/bin/sh\necho cc: fatal error: error writing to x.s: No space left on device >&2\nexit 1\n"
    _program(tmp_path, said, monkeypatch)
    monkeypatch.setattr(compiler, "version", lambda: "cc 1")
    with pytest.raises(HostError, match=r"^No space left on device for what is compiled: free some, or set TMPDIR"):
        CEngine.build(_write(small, tmp_path / "c"))


def _program(folder: pathlib.Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    path = folder / "cc"
    path.write_bytes(content)
    path.chmod(0o755)
    monkeypatch.setattr(compiler, "path", lambda: str(path))
    return path


def test_missing_compiler_is_one_line(tmp_path, small, monkeypatch):
    folder = _write(small, tmp_path / "c")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match=r"^no C compiler: install gcc$"):
        CEngine.build(folder)


def test_missing_or_broken_c_is_one_line(tmp_path, small):
    folder = _write(small, tmp_path / "c")
    (folder / "fxp_model.c").write_text('#include "fxp_model.h"\nint broken(void) { return nothing; }\n')
    with pytest.raises(HostError, match="nothing"):
        CEngine.build(folder)
    (folder / "fxp_model.c").unlink()
    with pytest.raises(HostError, match=r"fxp_model\.c is missing"):
        CEngine.build(folder)
