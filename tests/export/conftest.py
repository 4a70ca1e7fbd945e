"""Small bundles to test with, whole or doctored."""

import dataclasses
import hashlib
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from export.bundle import folder as bundles
from export.bundle import manifest as manifests
from export.bundle import random_bundle, tflite
from export.bundle.folder import Bundle
from export.model import random_model
from export.model.frontend_config import FrontEndConfig
from export.model.integer_model import IntegerModel

SMALL = {"input_shape": (12, 6, 1), "channels": 4, "blocks": 1, "classes": 3}


def frontend_of(model: IntegerModel) -> FrontEndConfig:
    """A front end that gives what the model takes."""
    frames, coefficients, _ = model.input_shape
    given = random_bundle.FRONTEND
    samples = given.window_samples + (frames - 1) * given.hop_samples
    calibration = {"offsets": given.offsets[:coefficients], "shifts": given.shifts[:coefficients]}
    return dataclasses.replace(given, clip_samples=samples, coefficients=coefficients, **calibration)


@pytest.fixture
def small_model() -> IntegerModel:
    """Five layers, every op, 4-bit activations."""
    return random_model.ds_cnn(0, activation_bits=4, **SMALL)


@pytest.fixture
def one_shift_model(small_model: IntegerModel) -> IntegerModel:
    """The small model's codes in formats with which every layer shifts by 6."""
    layers = []
    x = small_model.input_format
    for layer in small_model.layers:
        fraction_bits = layer.weight_format.fraction_bits + x.fraction_bits - 6
        output = dataclasses.replace(layer.output_format, fraction_bits=fraction_bits)
        layers.append(dataclasses.replace(layer, input_format=x, output_format=output))
        x = output
    return dataclasses.replace(small_model, layers=tuple(layers))


@pytest.fixture
def make_bundle(tmp_path: pathlib.Path) -> Callable[..., Bundle]:
    """Writes a bundle of a model; keyword arguments replace arguments of `bundle.write`."""

    def make(model: IntegerModel, clips: int = 8, **replaced: object) -> Bundle:
        keras_model = tmp_path / "keras.h5"
        if not keras_model.exists():
            keras_model.write_bytes(b"not a graph")
        features = random_model.codes(1, model, clips)
        names = tuple(f"clip{i}.wav" for i in range(clips))
        contents = {
            "model": model,
            "tflite": tflite.to_tflite(model),
            "golden": bundles.golden_vectors(model, names, features, np.zeros(clips, np.int64)),
            "frontend": frontend_of(model).to_json(),
            "keras_model": keras_model,
            "card": "# card\n",
            "metrics": {"testing": {"accuracy": 0.5}},
        }
        return bundles.write(tmp_path / "bundle", **{**contents, **replaced})

    return make


@pytest.fixture
def doctor() -> Callable[[Bundle, str, bytes], Bundle]:
    """Replaces a file of a bundle and makes its manifest agree, as if it had been written that way."""

    def change(bundle: Bundle, name: str, contents: bytes) -> Bundle:
        (bundle.path / name).write_bytes(contents)
        files = bundle.manifest["files"] | {name: hashlib.sha256(contents).hexdigest()}
        manifests.write(bundle.path, bundle.manifest | {"files": files})
        return bundles.load(bundle.path)

    return change
