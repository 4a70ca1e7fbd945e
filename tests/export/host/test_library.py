"""One lifetime for everything that is compiled for this machine: built, called, closed, collected."""

import gc
import pathlib

import numpy as np
import pytest

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.host import library
from export.host.detector import CDetector
from export.host.engine import CEngine
from export.host.frontend import CFrontEnd
from export.host.library import HostLibrary
from export.host.stream import StreamEngine
from export.model import detector as detectors
from export.model import random_model
from export.plan import ALIGNMENT

CALLS = {
    CEngine: lambda engine: engine.run(np.zeros((1, *engine.input_shape), np.int8)),
    StreamEngine: lambda engine: engine.reset(),
    CFrontEnd: lambda front_end: front_end.features(),
    CDetector: lambda detector: detector.run(np.zeros((1, detector.classes), np.int8)),
}
each = pytest.mark.parametrize("kind", CALLS)


@pytest.fixture
def c_folder(make_bundle) -> pathlib.Path:
    """C of a model that streams, with front end and detector."""
    model = random_model.ds_cnn(0, channels=4, blocks=1)
    bundle = make_bundle(model, clips=2, keras_model=None)
    return bundles.add(bundle, detector_file.bundle_files(detectors.default(model), {})).c_folder


def loaded() -> int:
    """How many libraries of this room the process has in memory."""
    lines = pathlib.Path("/proc/self/maps").read_text().splitlines()
    return len({line.split(maxsplit=5)[5] for line in lines if "fxp-host-" in line})


@each
def test_closing_unloads_the_library_and_a_call_afterwards_says_so(kind: type[HostLibrary], c_folder) -> None:
    before = loaded()
    with kind.build(c_folder) as built:
        CALLS[kind](built)
        assert loaded() == before + 1
    assert loaded() == before
    built.close()
    with pytest.raises(ValueError, match=f"this {kind.__name__} is closed: build it again"):
        CALLS[kind](built)


@each
def test_what_nobody_holds_is_unloaded_at_once(kind: type[HostLibrary], c_folder) -> None:
    before = loaded()
    gc.disable()
    try:
        built = kind.build(c_folder)
        CALLS[kind](built)
        del built
        assert loaded() == before
    finally:
        gc.enable()


@each
def test_a_build_folder_keeps_the_library(kind: type[HostLibrary], c_folder, tmp_path) -> None:
    for _ in range(2):
        with kind.build(c_folder, tmp_path / "build") as built:
            CALLS[kind](built)
    assert len(list((tmp_path / "build").rglob("*"))) == 3  # the folder, the library, its hash


@pytest.mark.parametrize("size", [0, 1, 4 * ALIGNMENT + 3])
def test_memory_is_aligned(size: int) -> None:
    memory = library.memory(size)
    assert memory.nbytes == size and memory.ctypes.data % ALIGNMENT == 0
