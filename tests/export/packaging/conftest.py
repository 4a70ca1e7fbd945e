"""Packages that several tests look at."""

import pathlib

import packages
import pytest

from export.packaging.library import Member


@pytest.fixture(scope="session")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, Member]:
    """The ten words' CMake library, and its model."""
    root, members = packages.made_with_members(tmp_path_factory.mktemp("one"), [packages.MODELS / "w4a8"], "cmake")
    return root, members[0]


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, list[Member]]:
    """The ten words and a wake word in one library."""
    bundles = [packages.MODELS / "w4a8", packages.MODELS / "marvin_w4a4"]
    return packages.made_with_members(tmp_path_factory.mktemp("two"), bundles, "cmake", prefixes=("commands", "wake"))
