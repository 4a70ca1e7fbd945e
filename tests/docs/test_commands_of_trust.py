"""Every command of the documents about what can be trusted and what integers cost, run as it is printed."""

import json
import shutil
import subprocess
from collections.abc import Callable

import pytest
import small_world

DOCUMENTS: dict[str, dict[str, str]] = {
    "docs/trust.md": {"B": "B"},
    "docs/frontend.md": {f"runs/s{seed}": "R" for seed in range(3)},
}
SIGNS = "ssh-keygen"


@pytest.mark.slow
def test_every_command_of_trust_runs(world: small_world.World, run_all: Callable) -> None:
    failures = world.folder / "runs/fuzz/host-0/failures"
    failures.mkdir(parents=True)
    mended = small_world.ROOT / "tests/export/fuzzing/corpus/names_C_portable.json"
    shutil.copy(mended, failures / "seed_0_model_7_C_fast.json")
    run_all("docs/trust.md", DOCUMENTS["docs/trust.md"], lambda command: SIGNS not in command)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(SIGNS) is None, reason=f"{SIGNS} is not installed, which make setup leaves to others")
def test_a_statement_is_signed_and_the_signature_checked(world: small_world.World, run_all: Callable) -> None:
    key = world.folder / "KEY"
    subprocess.run([SIGNS, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (world.folder / "SIGNERS").write_text(f"NAME {key.with_suffix('.pub').read_text()}")
    signing = ("--statement=", SIGNS)
    run_all("docs/trust.md", DOCUMENTS["docs/trust.md"], lambda command: any(part in command for part in signing))


@pytest.mark.slow
def test_every_command_of_the_front_end_runs(world: small_world.World, run_all: Callable) -> None:
    def differ_in_their_seeds() -> None:
        for place in DOCUMENTS["docs/frontend.md"]:
            path = world.folder / place / "run.json"
            saved = json.loads(path.read_text())
            saved["settings"]["seed"] = int(place[-1])
            path.write_text(json.dumps(saved))

    run_all("docs/frontend.md", DOCUMENTS["docs/frontend.md"], begin=differ_in_their_seeds)
