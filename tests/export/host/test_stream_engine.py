"""The streaming network's C on the host equals its exact interpreter, code by code."""

import itertools
import pathlib
import shutil
import subprocess
import sys

import compiled_engine
import numpy as np
import pytest

from export.host import compiler
from export.host.host_error import HostError
from export.host.stream import StreamEngine
from export.model import random_model
from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter
from export.plan import FAST, PORTABLE, SMALL, stream
from export.source import stream_source
from microcontroller import c_sources

INCLUDE = c_sources.include_flags(c_sources.engine())
ROOT = pathlib.Path(__file__).resolve().parents[3]
SHAPES = {
    "odd channels": {"channels": 17, "blocks": 2, "classes": 5},
    "odd rows of bytes": {"input_shape": (21, 7, 1), "channels": 5, "blocks": 1, "first_kernel": (5, 3)},
}
SMALL_SHAPE = dict(channels=8, blocks=2, classes=5)


def _frames(seed: int, model: IntegerModel, count: int) -> np.ndarray:
    """Extremes, zeros and noise in turns: int8 [count, frame codes]."""
    rng = np.random.default_rng(seed)
    codes = int(np.prod(model.input_shape[1:]))
    frames = rng.integers(-128, 128, (count, codes), dtype=np.int8)
    for start, value in zip(range(0, count // 2, 20), itertools.cycle((127, -128, 0)), strict=False):
        frames[start : start + 10] = value
    return frames


def _write(model: IntegerModel, folder: pathlib.Path, profile: str = FAST, steps_per_call: int = 1) -> pathlib.Path:
    folder.mkdir(exist_ok=True)
    for name, text in stream_source.generate(model, profile, steps_per_call).items():
        (folder / name).write_text(text)
    return folder


def test_streams_know_their_model_and_sizes(tmp_path):
    model = random_model.ds_cnn(7)
    with StreamEngine.build(_write(model, tmp_path / "c", steps_per_call=2)) as engine:
        assert engine.model_sha256 == model.sha256 and engine.labels == model.labels
        assert (engine.frames_per_call, engine.steps_per_call, engine.frame_codes) == (4, 2, 10)
        assert engine.delay_frames == StreamInterpreter(model).delay_frames == 13
        steps = stream.plan(model, steps_per_call=2)
        assert (engine.state_bytes, engine.arena_bytes) == (steps.state_bytes, steps.arena_bytes)


SANITIZED_MAIN = """\
#include "fxp_stream_model.h"

#include <stdio.h>
#include <stdlib.h>

/* Every buffer is a heap block of its exact size, so that the sanitizer sees a byte read or written beyond it. */
int main(void) {
    int8_t *input = malloc(FXP_STREAM_INPUT_BYTES);
    int8_t *output = malloc(FXP_STREAM_OUTPUT_BYTES);
    void *arena = aligned_alloc(FXP_ALIGNMENT, FXP_STREAM_ARENA_BYTES);
    fxp_stream_state *state = aligned_alloc(FXP_ALIGNMENT, sizeof(fxp_stream_state));
    fxp_stream_init(state);
    while (fread(input, 1, FXP_STREAM_INPUT_BYTES, stdin) == FXP_STREAM_INPUT_BYTES) {
        fxp_stream_step(state, input, output, arena);
        fwrite(output, 1, FXP_STREAM_OUTPUT_BYTES, stdout);
    }
    free(input);
    free(output);
    free(arena);
    free(state);
    return 0;
}
"""


@pytest.mark.parametrize(("shape", "profile"), [("odd channels", FAST), ("odd rows of bytes", PORTABLE)])
def test_sanitizers_find_nothing(tmp_path, shape, profile):
    model = random_model.ds_cnn(8, **SHAPES[shape])
    folder = _write(model, tmp_path / "c", profile)
    (folder / "main.c").write_text(SANITIZED_MAIN)
    flags = ["-O1", "-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
    include = [*INCLUDE, f"-I{folder}"]
    command = [compiler.path(), *compiler.C_FLAGS, *flags]
    files = [folder / "main.c", folder / stream_source.SOURCE, *compiled_engine.objects(command, folder)]
    program = folder / "sanitized"
    subprocess.run([*command, *include, *files, "-o", program], check=True)
    frames = _frames(2, model, 120)
    result = subprocess.run([program], input=frames.tobytes(), capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    logits = np.frombuffer(result.stdout, np.int8).reshape(-1, len(model.labels))
    np.testing.assert_array_equal(logits, StreamInterpreter(model).run(frames))


@pytest.mark.parametrize(("activation_bits", "profile"), [(8, FAST), (4, SMALL), (8, PORTABLE)])
def test_generated_c_is_formatted(tmp_path, activation_bits, profile):
    folder = _write(random_model.ds_cnn(0, activation_bits=activation_bits), tmp_path / "c", profile)
    formatter, style = pathlib.Path(sys.executable).with_name("clang-format"), f"--style=file:{ROOT / '.clang-format'}"
    done = subprocess.run([formatter, style, "--dry-run", "--Werror", *folder.glob("*.[ch]")], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()[:500]


def test_the_header_is_cpp_too(tmp_path):
    cxx = shutil.which("c++")
    if cxx is None:
        pytest.skip("c++ is not installed")
    folder = _write(random_model.ds_cnn(0, **SMALL_SHAPE), tmp_path / "c")
    source = folder / "main.cpp"
    source.write_text('#include "fxp_stream_model.h"\nstatic_assert(alignof(fxp_stream_state) == FXP_ALIGNMENT, "");\n')
    flags = [
        "-std=c++17",
        *compiler.WARNINGS,
        "-fsyntax-only",
        *INCLUDE,
        f"-I{folder}",
    ]
    subprocess.run([cxx, *flags, source], check=True)


def test_a_model_that_can_t_be_streamed_says_why_in_its_plan():
    files = stream_source.of_model(random_model.ds_cnn(0, first_kernel=(1, 4), **SMALL_SHAPE))
    assert list(files) == [stream_source.PLAN]
    assert files[stream_source.PLAN].startswith("no streaming network: layer layer0_conv2d: its window of 1 rows skips")


def test_wrong_arguments_are_named(tmp_path):
    model = random_model.ds_cnn(0, **SMALL_SHAPE)
    with pytest.raises(ValueError, match="profile 'none'"):
        stream.plan(model, "none")
    with pytest.raises(ValueError, match="steps_per_call=0"):
        stream.plan(model, steps_per_call=0)
    with pytest.raises(ValueError, match="skips some"):
        stream.plan(random_model.ds_cnn(0, first_kernel=(1, 4), **SMALL_SHAPE))
    folder = _write(model, tmp_path / "c")
    engine = StreamEngine.build(folder)
    for frames in (np.zeros((2, 10)), np.zeros((2, 9), np.int8), np.zeros((3, 10), np.int8)):
        with pytest.raises(ValueError, match=r"expected int8 \(n, 10\), n a multiple of 2"):
            engine.run(frames)
    engine.close()
    engine.close()
    with pytest.raises(ValueError, match="closed"):
        engine.run(np.zeros((2, 10), np.int8))
    source = folder / stream_source.SOURCE
    source.write_text(source.read_text() + "int broken(void) { return nothing; }\n")
    with pytest.raises(HostError, match="nothing"):
        StreamEngine.build(folder)
    source.unlink()
    with pytest.raises(HostError, match=r"fxp_stream_model\.c is missing"):
        StreamEngine.build(folder)
