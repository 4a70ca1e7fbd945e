"""What every test has in common: its caches are its own, and Ctrl-C reaches it and what it starts."""

import os
import pathlib
import runpy
import shutil
import signal
from collections.abc import Iterator

import pytest

from kws.models import MODELS

ROOT = pathlib.Path(__file__).parent
SMALL_NETWORK = ROOT / "small_network"

# Files with the longest slow tests, the longest first: a core that began one of them last would be alone with it.
LONGEST = (
    "kws/sweeps/test_sweep.py",
    "kws/test_train.py",
    "kws/training/loop/test_worker_group.py",
    "kws/sweeps/test_cluster.py",
    "docs/test_your_own_model.py",
    "docs/test_readme.py",
    "docs/test_commands_of_trainings.py",
    "docs/test_commands_for_boards.py",
    "docs/test_commands_of_trust.py",
    "export/fuzzing/test_here.py",
    "scripts/test_kills.py",
    "kws/test_demo.py",
    "kws/datasets/recordings/test_cluster_reading.py",
    "kws/test_bit_search.py",
    "docs/test_tutorial.py",
    "microcontroller/test_baseline.py",
    "microcontroller/test_compiler_settings.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the tests that are run, the longest files begin."""
    places = {ROOT / name: place for place, name in enumerate(LONGEST)}
    assert all(path.is_file() for path in places), "a file of LONGEST was moved"
    items.sort(key=lambda item: places.get(item.path, len(places)) if item.get_closest_marker("slow") else len(places))


@pytest.fixture(scope="session", autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Stores of clips lie in a folder of this session, for the programs that tests start, too; a corpus is large."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KWS_CACHE_DIR", str(folder))
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def small_network() -> Iterator[None]:
    """The default network has one block of eight channels, here and in the programs that are started.

    It has a layer of every kind; what a short training takes is the tracing of its graphs, layer by layer.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "ds_cnn_mlperf", MODELS["ds_cnn_mlperf"])
        runpy.run_path(str(SMALL_NETWORK / "sitecustomize.py"))
        patch.setenv("PYTHONPATH", f"{SMALL_NETWORK}{os.pathsep}{ROOT.parent}")
        yield


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell starts what runs in its background with SIGINT ignored, and every process below inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
