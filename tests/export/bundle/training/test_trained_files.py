"""What training hands over is whole: each file is compared with its hash."""

import json
import pathlib

import numpy as np
import pytest

from export.bundle.bundle_error import BundleError
from export.bundle.training import trained
from export.bundle.training.trained import Trained


@pytest.fixture
def run_dir(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in ("model.h5", "float.h5"):
        (tmp_path / name).write_bytes(name.encode() * 100)
    codes = np.zeros((2, 3, 4, 1), np.int8)
    trained.write(
        tmp_path,
        Trained(
            tmp_path / "model.h5", "m", ("a", "b"), {}, {}, {}, ("x", "y"), codes, np.arange(2), tmp_path / "float.h5"
        ),
    )
    return tmp_path


@pytest.mark.parametrize("name", ["model.h5", "float_model.h5", "testing.npz"])
def test_a_flipped_bit_is_seen(run_dir: pathlib.Path, name: str) -> None:
    assert trained.read(run_dir).clips == ("x", "y")
    path = run_dir / trained.FOLDER / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(BundleError, match=f"is damaged .*the sha256 of {name} differs.*train the run again"):
        trained.read(run_dir)


def test_a_run_of_an_earlier_version_has_no_hashes(run_dir: pathlib.Path) -> None:
    path = run_dir / trained.FOLDER / "trained.json"
    description = json.loads(path.read_text())
    del description["files"]
    path.write_text(json.dumps(description))
    assert trained.read(run_dir).labels == ("a", "b")
    description["files"] = {"../../../etc/passwd": "0"}
    path.write_text(json.dumps(description))
    assert trained.read(run_dir).labels == ("a", "b")  # names beside its own are not looked at
