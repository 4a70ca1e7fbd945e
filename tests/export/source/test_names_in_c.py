"""Any legal name of a layer gives C that compiles, and any chain of layers does."""

import dataclasses
import pathlib

import numpy as np
import pytest

from export.bundle import generated_c
from export.host.engine import CEngine
from export.host.stream import StreamEngine
from export.model import interpreter, random_model
from export.model.integer_model import CONV2D, DENSE, IntegerModel, Layer
from export.model.stream_interpreter import StreamInterpreter
from export.plan import PROFILES
from export.source import stream_source
from export.source.source_error import SourceError
from quant.qformat import QFormat, weight_format

NO_PADDING = ((0, 0), (0, 0))
SMALL = {"input_shape": (6, 3, 1), "channels": 4, "blocks": 1, "classes": 3, "first_kernel": (3, 3)}


def written(model: IntegerModel, folder: pathlib.Path, profile: str = "fast") -> pathlib.Path:
    generated_c.write(folder, generated_c.files(model, {}, None, profile))
    return folder


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


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", NAMES)
def test_layers_may_be_called_anything(kind: str, profile: str, tmp_path) -> None:
    model = named(*NAMES[kind])
    codes = random_model.codes(0, model, 4)
    folder = written(model, tmp_path / "c", profile)
    with CEngine.build(folder) as engine:
        np.testing.assert_array_equal(engine.run(codes), interpreter.run(model, codes))
    with StreamEngine.build(folder):
        pass


def test_two_constants_of_one_name_are_refused() -> None:
    with pytest.raises(SourceError, match="two constants the name a_sums_args: rename one of the layers"):
        generated_c.files(named("b", "c", "a_sums", "a", "d"), {}, None)
    with pytest.raises(SourceError, match="two constants the name layer_fxp_kernel"):
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
def test_a_network_that_remembers_nothing_streams(op: str, channels: int, profile: str, tmp_path) -> None:
    model = single(op, channels)
    folder = written(model, tmp_path / "c", profile)
    assert stream_source.SOURCE in generated_c.files(model, {}, None, profile)
    frames = random_model.codes(0, model, 20).reshape(20, channels)
    with StreamEngine.build(folder) as engine:
        np.testing.assert_array_equal(engine.run(frames), StreamInterpreter(model).run(frames))
    with CEngine.build(folder) as engine:
        codes = frames.reshape(20, 1, 1, channels)
        np.testing.assert_array_equal(engine.run(codes), interpreter.run(model, codes))
