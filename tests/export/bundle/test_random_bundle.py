"""Bundles of random models."""

import pathlib
import subprocess
import sys

import pytest

from export.bundle import detector_file, random_bundle
from export.bundle.bundle_error import BundleError
from export.bundle.random_bundle import RandomBundleConfig
from export.host.engine import CEngine
from export.model import detector as detectors
from export.plan import PROFILES
from export.proof.bundle_proof import VerifyConfig, verify_bundle

SMALL = {"channels": 4, "blocks": 1, "clips": 3}


@pytest.mark.parametrize("profile", PROFILES)
def test_widths_and_shape(tmp_path: pathlib.Path, profile: str) -> None:
    config = RandomBundleConfig(tmp_path / "b", weight_bits=4, activation_bits=5, profile=profile, **SMALL)
    bundle = random_bundle.write(config)
    assert bundle.name == "random_w4a5_seed0" and bundle.keras_path is None
    assert bundle.model.layers[0].weight_format.bits == 4 and bundle.model.layers[0].output_format.bits == 5
    assert len(bundle.golden) == 3
    assert detector_file.of_bundle(bundle) == detectors.default(bundle.model)
    with CEngine.build(bundle.c_folder) as engine:
        assert (engine.run(bundle.golden.features) == bundle.golden.logits_single).all()


def test_a_seed_is_a_model(tmp_path: pathlib.Path) -> None:
    hashes = [
        random_bundle.write(RandomBundleConfig(tmp_path / name, seed=seed, **SMALL)).model.sha256
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_proof_skips_the_graph_by_name(tmp_path: pathlib.Path) -> None:
    bundle = random_bundle.write(RandomBundleConfig(tmp_path / "b", **SMALL))
    result = verify_bundle(bundle, VerifyConfig(random_codes=4))
    assert result.skipped == {"keras": "the bundle has no Keras graph: its model was not trained"}
    names = [pair.implementation for pair in result.pairs]
    assert "c_engine" in names and "tflm" in names and "keras" not in names
    assert result.mismatches == 0
    assert "keras skipped: the bundle has no Keras graph" in result.table()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_bits": 9}, "^weight_bits=9: give 2 to 8"),
        ({"activation_bits": 1}, "^activation_bits=1: give 2 to 8"),
        ({"channels": 0}, "^channels=0: give 1 or more"),
        ({"profile": "warp"}, "^profile=warp is unknown: choose one of"),
        ({"seed": -1}, "^seed=-1: give 0 or more"),
    ],
)
def test_bad_settings(tmp_path: pathlib.Path, changes: dict, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        RandomBundleConfig(tmp_path / "b", **changes)


def test_the_command(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-m", "export.random_bundle", "--channels=4", "--blocks=1", "--clips=1"]
    done = subprocess.run([*command, f"--bundle={tmp_path / 'b'}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and (tmp_path / "b" / "bundle.json").is_file(), done.stderr
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("error: --bundle is required")
