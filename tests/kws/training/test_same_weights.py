"""Both stages give, to the bit, the weights of stored hashes.

What TensorFlow's kernels round differently (the order of a sum, an exponential) decides some bits: `PLATFORM` holds
what they gave where the hashes were made, and elsewhere the hashes say nothing.
"""

import json
import pathlib
import subprocess
import sys

import pytest

PROGRAM = pathlib.Path(__file__).with_name("small_training.py")
PLATFORM = "6bc47d6b5fceffc24f5ddd7b62d4e5a0505d82940ab5a69d67001528089483ec"
WEIGHTS = {
    "float": "3f7259f7985c7a6652fb74a9b2e99bf111a65d7862bf4097ef684a19d2d37d40",
    "fixed_point": "7a787751e270dabbe7d9122a0d2beb19b2ffecf08e77a3c7c890ccadf3fc0604",
}


@pytest.mark.slow
def test_weights_are_the_stored_ones(tmp_path: pathlib.Path) -> None:
    done = subprocess.run([sys.executable, PROGRAM, tmp_path / "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    if (platform := found.pop("platform")) != PLATFORM:
        pytest.skip(f"TensorFlow's kernels round differently here ({platform[:12]}) than where the hashes were stored")
    assert found == WEIGHTS
