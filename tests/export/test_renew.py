"""Renewing a bundle: C, hashes and card follow the program, everything else stays."""

import shutil
import subprocess
import sys

import numpy as np

from export import renew
from export.bundle import folder as bundles
from export.model import float_model
from export.plan import RAM, SMALL, goals
from export.source import model_source

METRICS = {"fixed_point": {"testing": {"accuracy": 0.5, "curve": [1, 2]}}}
TRAINING = {"command": "python -m kws.train", "seed": 0, "data": {"name": "tones", "clips": 8}}


def test_c_and_card_are_written_again(make_bundle, small_model, monkeypatch) -> None:
    bundle = make_bundle(small_model, card="old", metrics=METRICS, training=TRAINING)
    table = model_source.with_plan
    monkeypatch.setattr(
        model_source, "with_plan", lambda *arguments: {**table(*arguments), "plan.txt": "another plan\n"}
    )
    shutil.rmtree(bundle.path / "c")
    again = renew.renew(bundles.load(bundle.path))
    assert again.manifest["c"]["files"].keys() == bundle.manifest["c"]["files"].keys()
    assert again.manifest["c"]["files"]["plan.txt"] != bundle.manifest["c"]["files"]["plan.txt"]
    assert (again.c_folder / "plan.txt").read_text() == "another plan\n"
    assert (again.path / bundles.CARD).read_text() == renew.card(again)
    assert "tones" in renew.card(again) and "| fixed point, testing | 0.5 |" in renew.card(again)
    same = bundle.manifest["files"].keys() - {bundles.CARD}
    assert all(again.manifest["files"][name] == bundle.manifest["files"][name] for name in same)


def test_the_card_of_what_was_not_trained_stays(make_bundle, small_model) -> None:
    bundle = make_bundle(small_model, card="by hand")
    assert renew.renew(bundle).manifest == bundle.manifest
    assert (bundle.path / bundles.CARD).read_text() == "by hand"


def test_other_kernels_are_asked_for_as_of_convert(make_bundle, small_model) -> None:
    bundle = make_bundle(small_model, card="by hand")
    least = goals.needed(small_model, RAM)

    def renewed(*flags: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "export.renew", f"--bundle={bundle.path}", *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr, bundles.load(bundle.path).profile

    assert renewed(f"--max_ram={least}") == (0, "", RAM)
    assert renewed("--optimize=flash") == (0, "", SMALL)
    name = small_model.name
    code, line, profile = renewed(f"--max_ram={least - 1}")
    assert (
        line.startswith(f"error: --max_ram={least - 1}: {name} needs {least} bytes at least") and line.count("\n") == 1
    )
    assert (code, profile) == (2, SMALL)
    refused = "error: --max_ram=8 and --profile=fast: give one of them\n"
    assert renewed("--profile=fast", "--max_ram=8") == (2, refused, SMALL)


def test_float_weights_stay(make_bundle, small_model) -> None:
    weights = {
        f"{layer.name}.{what}": getattr(layer, what).astype(np.float32)
        for layer in small_model.layers
        if layer.op != "average_pool"
        for what in ("kernel", "bias")
    }
    older = make_bundle(small_model, metrics=METRICS, training=TRAINING)
    assert older.float_model is None and bundles.FLOAT_WEIGHTS not in older.manifest["files"]
    bundle = make_bundle(small_model, metrics=METRICS, training=TRAINING, float_weights=weights)
    again = bundles.load(renew.renew(bundle).path)
    assert again.manifest["files"][bundles.FLOAT_WEIGHTS] == bundle.manifest["files"][bundles.FLOAT_WEIGHTS]
    codes = again.golden.features
    found = float_model.run(again.float_model, codes)
    np.testing.assert_array_equal(found, float_model.run(float_model.FloatModel(small_model, weights), codes))
