"""The streaming network on the emulated device equals its exact interpreter; what a step takes."""

import pathlib
import re
import subprocess

import compiled_engine
import emulated_device
import numpy as np
import pytest

from export.model import random_model
from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter
from export.plan import FAST, SMALL
from export.source import stream_source
from microcontroller import c_sources

FIRMWARE = pathlib.Path(__file__).parent / "stream"
NAMES = "arm-none-eabi-nm"


def run_on_device(
    model: IntegerModel, frames: np.ndarray, folder: pathlib.Path, profile: str = FAST, steps_per_call: int = 1
) -> tuple[np.ndarray, dict[str, int]]:
    """Logits int8 [2, steps, labels] of two runs over the frames with a reset in between, and the firmware's counts."""
    for name, text in stream_source.generate(model, profile, steps_per_call).items():
        (folder / name).write_text(text)
    (folder / "frames.bin").write_bytes(frames.tobytes())
    emulated_device.require_tools()
    engine = compiled_engine.objects(emulated_device.compiler_command(), folder)
    sources = [FIRMWARE / "main.c", folder / stream_source.SOURCE, *engine]
    counts = emulated_device.run(
        folder, sources, c_sources.engine().include_folders, flags=[f"-DFRAMES_IN_FILE={len(frames)}"]
    )
    return np.fromfile(folder / "logits.bin", np.int8).reshape(2, -1, len(model.labels)), counts


def _frames(seed: int, count: int, width: int = 10) -> np.ndarray:
    frames = np.random.default_rng(seed).integers(-128, 128, (count, width), dtype=np.int8)
    frames[:30], frames[30:60], frames[60:80] = 127, -128, 0
    return frames


@pytest.mark.parametrize(
    ("weight_bits", "activation_bits", "profile", "steps_per_call"), [(8, 8, FAST, 1), (4, 4, SMALL, 2)]
)
def test_the_device_equals_the_interpreter(tmp_path, weight_bits, activation_bits, profile, steps_per_call):
    model = random_model.ds_cnn(1, weight_bits=weight_bits, activation_bits=activation_bits)
    frames = _frames(2, 240)
    expected = StreamInterpreter(model).run(frames)
    logits, counts = run_on_device(model, frames, tmp_path, profile, steps_per_call)
    assert counts["missing_bytes"] == 0
    for run in logits:
        assert (run != expected).sum() == 0
    assert counts["most"] - counts["least"] < 100
    assert counts["most"] < 170_000 * steps_per_call


@pytest.mark.parametrize(
    ("width", "channels", "activation_bits"),
    [(2, 7, 8), (6, 12, 8), (6, 12, 4), (7, 33, 4), (10, 18, 4), (12, 6, 8), (10, 276, 8)],
    ids=[
        "one column",
        "odd steps",
        "odd steps of quads",
        "four columns of few bits",
        "five columns of few bits",
        "six columns",
        "rows beyond an offset",
    ],
)
def test_other_shapes_on_the_device(tmp_path, width, channels, activation_bits):
    shape = dict(input_shape=(20, width, 1), channels=channels, blocks=1, classes=4)
    bits = dict(weight_bits=activation_bits, activation_bits=activation_bits)
    model = random_model.ds_cnn(4, **shape, **bits)
    frames = _frames(5, 120, width)
    expected = StreamInterpreter(model).run(frames)
    assert len(np.unique(expected, axis=0)) > 20
    logits, _ = run_on_device(model, frames, tmp_path)
    for run in logits:
        assert (run != expected).sum() == 0


def test_no_heap_and_no_floating_point(tmp_path):
    run_on_device(random_model.ds_cnn(6, channels=8, blocks=1, classes=3), _frames(7, 20), tmp_path)
    symbols = subprocess.run(
        [NAMES, emulated_device.ELF], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert "fxp_stream_step" in symbols
    assert not re.search(r"malloc|_sbrk|__aeabi_[fd]|__aeabi_[iul]+div", symbols)


@pytest.mark.slow
@pytest.mark.parametrize("steps_per_call", [1, 2])
@pytest.mark.parametrize(("weight_bits", "activation_bits", "most"), [(8, 8, 102_000), (4, 8, 71_000), (4, 4, 52_000)])
def test_what_a_step_takes(tmp_path, weight_bits, activation_bits, most, steps_per_call):
    """Over a thousand frames; prints what docs/streaming.md says."""
    model = random_model.ds_cnn(0, weight_bits=weight_bits, activation_bits=activation_bits)
    frames = _frames(3, 1000)
    logits, counts = run_on_device(model, frames, tmp_path, FAST, steps_per_call)
    assert (logits != StreamInterpreter(model).run(frames)).sum() == 0
    print(f"\nW{weight_bits}A{activation_bits}, {steps_per_call} steps a call:", counts)
    assert counts["mean"] <= most * steps_per_call
