"""Bundles of random models, for whoever builds and runs firmware."""

import pathlib
from collections.abc import Callable

import edited_c
import numpy as np
import pytest

from export.bundle import folder as bundles
from export.model import random_model
from export.model.integer_model import IntegerModel
from export.source import model_source

CLIPS = 24
END_OF_INVOKE = "\n}\n"

edited_c.install()


def edit_invoke(c_files: dict[str, str], *, first: str = "", last: str = "") -> dict[str, str]:
    """The generated C with statements added at the start and the end of fxp_model_invoke."""
    text = c_files["fxp_model.c"]
    head, opening, body = text.rpartition("int8_t *const bytes = arena;\n")
    body, end, behind = body.partition(END_OF_INVOKE)
    assert opening and end
    return {**c_files, "fxp_model.c": f"{head}{first}\n{opening}{body}\n{last}{end}{behind}"}


@pytest.fixture(scope="session")
def write_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., pathlib.Path]:
    """Writes a bundle of a model.

    `first` and `last` are C statements that a wrong generator adds to fxp_model_invoke (`edited_c`); `generated_from`
    is another model that it takes, `flatbuffer` the bundle's .tflite.
    """

    def write(
        model: IntegerModel,
        *,
        clips: int = CLIPS,
        first: str = "",
        last: str = "",
        generated_from: IntegerModel | None = None,
        flatbuffer: bytes = b"not needed here",
    ) -> pathlib.Path:
        folder = tmp_path_factory.mktemp("bundle")
        keras = folder / "keras_model.h5"
        keras.write_bytes(b"not needed here")
        features = random_model.codes(7, model, clips)
        names = tuple(f"clip{i}" for i in range(clips))
        labels = np.arange(clips) % len(model.labels)
        bundles.write(
            folder / "bundle",
            model=model,
            tflite=flatbuffer,
            golden=bundles.golden_vectors(model, names, features, labels),
            frontend={},
            keras_model=keras,
            card="",
            metrics={},
        )
        if first or last or generated_from:
            edited_c.place(folder / "bundle").mkdir()
            files = edit_invoke(model_source.generate(generated_from or model), first=first, last=last)
            for name, text in files.items():
                (edited_c.place(folder / "bundle") / name).write_text(text)
        return folder / "bundle"

    return write


@pytest.fixture(scope="session")
def small_model() -> IntegerModel:
    """One block of eight channels."""
    return random_model.ds_cnn(1, channels=8, blocks=1)


@pytest.fixture(scope="session")
def small_bundle(write_bundle: Callable[..., pathlib.Path], small_model: IntegerModel) -> pathlib.Path:
    return write_bundle(small_model)
