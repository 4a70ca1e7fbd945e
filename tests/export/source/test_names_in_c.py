"""Any legal name of a layer gives C that compiles, and any chain of layers does."""

import dataclasses
import pathlib
import subprocess

import numpy as np
import pytest

from export.bundle import generated_c
from export.host import compiler
from export.host.stream import StreamEngine
from export.model import random_model
from export.model.integer_model import CONV2D, DENSE, IntegerModel, Layer
from export.model.stream_interpreter import StreamInterpreter
from export.plan import PROFILES
from export.source import stream_source
from export.source.source_error import SourceError
from microcontroller import c_sources
from quant.qformat import QFormat, weight_format

NO_PADDING = ((0, 0), (0, 0))
SMALL = {"input_shape": (6, 3, 1), "channels": 4, "blocks": 1, "classes": 3, "first_kernel": (3, 3)}


def named(*names: str) -> IntegerModel:
    model = random_model.ds_cnn(0, **SMALL)
    layers = [dataclasses.replace(layer, name=name) for layer, name in zip(model.layers, names, strict=True)]
    return dataclasses.replace(model, layers=tuple(layers))


NAMES = {
    "types of the engine": (
        "fxp_conv2d_s8",
        "fxp_depthwise_conv2d_s8",
        "fxp_pointwise_conv2d_s8",
        "fxp_model",
        "FXP_X",
    ),
    "words of C": ("int", "static", "state", "main", "bytes"),
    "reserved": ("_", "__kernel", "_X", "__attribute__", "_Bool"),
    "functions": ("memcpy", "printf", "input", "output", "arena"),
}


def compiled(model: IntegerModel, folder: pathlib.Path, profile: str) -> None:
    """The compiler reads all of it, with every warning an error."""
    texts = generated_c.files(model, {}, None, profile)
    assert stream_source.SOURCE in texts
    generated_c.write(folder, texts)
    sources = [str(folder / name) for name in texts if name.endswith(".c")]
    includes = [f"-I{path}" for path in (*c_sources.engine().include_folders, folder)]
    subprocess.run([compiler.path(), *compiler.C_FLAGS, "-fsyntax-only", *includes, *sources], check=True)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", NAMES)
def test_layers_may_be_called_anything(kind: str, profile: str, tmp_path) -> None:
    compiled(named(*NAMES[kind]), tmp_path / "c", profile)


def test_two_constants_of_one_name_are_refused() -> None:
    with pytest.raises(SourceError, match="two constants the name a_sums_args: rename one of the layers"):
        generated_c.files(named("b", "c", "a_sums", "a", "d"), {}, None)
    with pytest.raises(SourceError, match="two constants the name layer_fxp_args"):
        generated_c.files(named("fxp", "layer_fxp", "a", "b", "c"), {}, None, "portable")


def single(op: str, channels: int, rows: int = 1) -> IntegerModel:
    """One layer, which remembers nothing of a stream."""
    rng = np.random.default_rng(0)
    kernel = rng.integers(-7, 8, (1, 1, channels, 3) if op == CONV2D else (channels, 3)).astype(np.int8)
    x, w, y = QFormat(8, 5), weight_format(4, 3), QFormat(8, 2)
    bias = np.zeros(3, np.int32)
    layer = Layer("only", op, (rows, 1, channels), (1, 1, 3), kernel, bias, (rows, 1), NO_PADDING, x, w, y)
    return IntegerModel("single", ("a", "b", "c"), (layer,))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("op", "channels"), [(DENSE, 5), (CONV2D, 4), (DENSE, 1)])
def test_a_network_that_remembers_nothing_compiles(op: str, channels: int, profile: str, tmp_path) -> None:
    compiled(single(op, channels), tmp_path / "c", profile)


def test_a_network_that_remembers_nothing_streams(tmp_path) -> None:
    model = single(DENSE, 5)
    generated_c.write(tmp_path / "c", generated_c.files(model, {}, None))
    frames = random_model.codes(0, model, 20).reshape(20, 5)
    with StreamEngine.build(tmp_path / "c") as engine:
        np.testing.assert_array_equal(engine.run(frames), StreamInterpreter(model).run(frames))
