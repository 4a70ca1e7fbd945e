"""A bundle to report on, and its results in files."""

import json
import pathlib

import pytest
from report_material import results

from export.bundle import random_bundle
from export.bundle.random_bundle import RandomBundleConfig


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A small bundle of random codes."""
    path = tmp_path_factory.mktemp("reports") / "small"
    random_bundle.write(RandomBundleConfig(path, channels=8, blocks=1, clips=2))
    return path


@pytest.fixture
def files(bundle: pathlib.Path, tmp_path: pathlib.Path) -> list[pathlib.Path]:
    """Each result in a file."""
    for name, result in results(bundle).items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    return sorted(tmp_path.glob("*.json"))
