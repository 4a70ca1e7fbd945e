"""The C of a model on the host against the interpreter, with the engine compiled once for all tests."""

import dataclasses
import pathlib
import tempfile
from collections.abc import Callable

import numpy as np
import pytest
import shared_objects

from export import plan as plans
from export.host.engine import CEngine
from export.model import interpreter, random_model
from export.model.integer_model import IntegerModel
from export.plan import FAST
from export.plan.kernel import Kernel
from export.plan.schedule import Profile
from export.source import model_source


@pytest.fixture(scope="session", name="engine_objects")
def _engine_objects(tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
    """The engine's object files."""
    return shared_objects.engine(tmp_path_factory.mktemp("engine"))


@pytest.fixture(name="build")
def _build(engine_objects: list[pathlib.Path], tmp_path: pathlib.Path) -> Callable[[IntegerModel, str], CEngine]:
    """Compiles a model's C for the host."""

    def compiled(model: IntegerModel, profile: str) -> CEngine:
        folder = pathlib.Path(tempfile.mkdtemp(dir=tmp_path))
        texts = model_source.generate(model, profile)
        return CEngine(shared_objects.library(folder, texts, "fxp_host.c", engine_objects))

    return compiled


@pytest.fixture(name="assert_equal")
def _assert_equal(build: Callable[[IntegerModel, str], CEngine]) -> Callable[..., None]:
    """Compares every layer of the C of a model with the interpreter: on `codes`, or else on extremes and noise."""

    def compare(model: IntegerModel, profile: str = FAST, codes: np.ndarray | None = None) -> None:
        codes = random_model.codes(1, model, 12) if codes is None else codes
        with build(model, profile) as engine:
            outputs = engine.run_layers(codes)
        for layer, expected in interpreter.run_layers(model, codes):
            assert np.array_equal(outputs[layer.name], expected), layer.name

    return compare


@pytest.fixture(name="prefer")
def _prefer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes a profile take a kernel wherever it can, which it may not for small layers; several are its leads."""

    def change(profile: str, *kernels: Kernel) -> None:
        wanted = [dataclasses.replace(kernel, instructions=lambda layer: -1e9) for kernel in kernels]
        names = {kernel.function for kernel in kernels}
        others = [kernel for kernel in plans.CHOICES[profile].kernels if kernel.function not in names]
        monkeypatch.setitem(plans.CHOICES, profile, Profile((*wanted, *others)))

    return change
