"""Damaged bundles: each is refused in one line with exit code 2, or is whole, in a second and 300 MB.

    python -m scripts.damaged_bundles --bundles=10000 --seed=0

Copies of a small bundle are damaged by a plan that follows from the seed: bits, cut files, absurd values in JSON and
arrays with the right hashes. A process forked for each reads all of it that takes no compiler: its parts, its C, its
card, its origin. Time is the processor's, memory that of the whole process. Of damage that hashes tell nothing may be
accepted. --programs of them are opened by `python -m export.inspect`, as a user would.
"""

import dataclasses
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import traceback
from collections import Counter
from typing import Any, NoReturn

from absl import flags
from tqdm import tqdm

from export.bundle import folder as bundles
from export.bundle import model_card
from export.bundle.inspection import inspect, table
from export.bundle.random_bundle import RandomBundleConfig, write_whole
from export.origin import parts_list, provenance
from kws_cli import command, held_folder
from kws_cli.command import UserError
from scripts import bundle_damage
from scripts.bundle_damage import DAMAGES, Damage

ACCEPTED, REFUSED = 0, command.USER_ERROR_EXIT_CODE
_MOST_S = 1.0
_MOST_BYTES = 300_000_000
_STARTS_S = 2.0
"""Of Python and its imports, on top of it, where a program of its own is started."""
_ADDRESSES = 4 << 30
_WAITED_S = 20.0


@dataclasses.dataclass(frozen=True)
class DamageConfig:
    """Settings.

    Attributes:
      bundles: damaged copies.
      seed: of the plan.
      programs: how many of them a program of its own opens, too.
      bundle: what is damaged; None for a random one.
    """

    bundles: int = 10_000
    seed: int = 0
    programs: int = 100
    bundle: pathlib.Path | None = None

    def __post_init__(self) -> None:
        for name, least in (("bundles", 1), ("programs", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise UserError(f"--{name}={getattr(self, name)}: give {least} or more")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one was taken.

    Attributes:
      code: exit code.
      said: what was said on standard error.
      seconds: of the processor.
      bytes: that the process had at most.
    """

    code: int
    said: str
    seconds: float
    bytes: int

    def fault(self, is_told: bool, most_s: float = _MOST_S) -> str:
        """What is wrong with it, in words; empty where nothing is.

        Args:
          is_told: whether hashes tell of the damage.
        """
        last = (self.said.splitlines() or ["nothing"])[-1][:300]
        if self.code not in (ACCEPTED, REFUSED):
            return f"exit code {self.code}: {last}"
        if self.code == ACCEPTED and is_told:
            return "accepted"
        if self.code == REFUSED and len(self.said.splitlines()) != 1:
            return f"{len(self.said.splitlines())} lines: {last}"
        if self.seconds > most_s:
            return f"{self.seconds:.1f} s: {last}"
        return f"{self.bytes:,} bytes: {last}" if self.bytes > _MOST_BYTES else ""


def run(config: DamageConfig) -> dict[str, Any]:
    """Damages and opens; returns counts by kind, faults in words, and the most that one took.

    Raises:
      BundleError: --bundle is none.
    """
    rng = random.Random(config.seed)
    with held_folder.made("kws-damaged-") as root:
        whole = _whole(root, config)
        found = {kind: Counter[str]() for kind in DAMAGES}
        faults: list[str] = []
        most_s, most_bytes = 0.0, 0
        programs = set(rng.sample(range(config.bundles), min(config.programs, config.bundles)))
        for number in tqdm(range(config.bundles), desc="damaged", file=sys.stderr, disable=None):
            kind = rng.choice(list(DAMAGES))
            folder = root / "damaged"
            bundle_damage.copy(whole, folder)
            damage, sealed = DAMAGES[kind]
            what = damage(Damage(folder, random.Random(rng.random())))
            if sealed:
                bundle_damage.seal(folder)
            is_told = not sealed and _changed(whole, folder)
            outcome = _forked(folder, root / "said")
            told = outcome.fault(is_told)
            most_s, most_bytes = max(most_s, outcome.seconds), max(most_bytes, outcome.bytes)
            if number in programs and not told:
                told = _program(folder).fault(is_told, _MOST_S + _STARTS_S)
            found[kind]["accepted" if outcome.code == ACCEPTED else "refused"] += 1
            if told:
                faults.append(f"number {number}, {kind}, {what}: {told}")
            shutil.rmtree(folder)
    return {
        "bundles": config.bundles,
        "seed": config.seed,
        "programs": len(programs),
        "kinds": {kind: dict(counts) for kind, counts in found.items()},
        "seconds_at_most": most_s,
        "bytes_at_most": most_bytes,
        "faults": faults,
    }


def _whole(root: pathlib.Path, config: DamageConfig) -> pathlib.Path:
    if config.bundle is None:
        return write_whole(RandomBundleConfig(root / "whole", channels=4, blocks=1, clips=2)).path
    bundles.load(config.bundle)
    return pathlib.Path(shutil.copytree(config.bundle, root / "whole"))


def _changed(whole: pathlib.Path, folder: pathlib.Path) -> bool:
    """Whether any file that a bundle answers for says something else; of JSON, white space says nothing."""
    for path in (path for path in whole.rglob("*") if path.is_file()):
        other = folder / path.relative_to(whole)
        if not other.is_file():
            return other.parent.name != "c" or other.exists()
        if other.stat().st_size > 2 * path.stat().st_size + 1024:
            return True
        if other.read_bytes().split() != path.read_bytes().split():
            return True
    return False


def _forked(folder: pathlib.Path, said: pathlib.Path) -> Outcome:
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if not process:
        _be(folder, said)
    _, status, used = os.wait4(process, 0)
    return Outcome(
        os.waitstatus_to_exitcode(status),
        said.read_text(encoding="utf-8", errors="replace"),
        used.ru_utime + used.ru_stime,
        1024 * used.ru_maxrss,
    )


def _be(folder: pathlib.Path, said: pathlib.Path) -> NoReturn:
    """What the forked process does: all that a bundle is read for, as a command does it."""
    code = 70
    try:
        signal.alarm(int(_WAITED_S))
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = _exit_code(folder)
    finally:
        os._exit(code)


def _exit_code(folder: pathlib.Path) -> int:
    try:
        read_all(folder)
    except Exception as error:  # as `command.run` takes it
        if getattr(type(error), "user_can_mend", False):
            os.write(2, f"error: {' '.join(str(error).split())}\n".encode(errors="backslashreplace"))
            return REFUSED
        os.write(2, traceback.format_exc().encode(errors="backslashreplace"))
        return 1
    return ACCEPTED


def read_all(folder: pathlib.Path) -> None:
    """Reads every part of a bundle that takes no compiler and no TensorFlow.

    Raises:
      BundleError, ModelError: a bundle that is none.
    """
    bundle = bundles.load(folder)
    print(table(inspect(bundle.model)), *bundle.c_files.values(), bundle.float_model)
    print(provenance.text(provenance.statement(bundle)), parts_list.of_bundle(bundle))
    print(model_card.of_trained(bundle.model, bundle.metrics, bundle.frontend, bundle.training))


def _program(folder: pathlib.Path) -> Outcome:
    """`export.inspect` of it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    called = [sys.executable, "-m", "export.inspect", f"--bundle={folder}"]
    try:
        done = subprocess.run(called, capture_output=True, text=True, errors="replace", check=False, timeout=_WAITED_S)
    except subprocess.TimeoutExpired:
        return Outcome(-1, f"it has not ended after {_WAITED_S:g} s", _WAITED_S, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Outcome(done.returncode, done.stderr, seconds, 0)


def text(result: dict[str, Any]) -> str:
    """What `run` returned, to be read."""
    lines = [
        f"{kind}: {counts.get('refused', 0):,} refused in one line, {counts.get('accepted', 0):,} whole"
        for kind, counts in result["kinds"].items()
    ]
    lines += result["faults"]
    lines.append(
        f"{result['bundles']:,} bundles (seed {result['seed']}, {result['programs']:,} of them by a program), at most "
        f"{result['seconds_at_most']:.2f} s and {result['bytes_at_most'] / 1e6:.0f} MB, {len(result['faults'])} faults"
    )
    return "\n".join(lines)


def define_flags() -> None:
    """Defines this command's flags."""
    defaults = DamageConfig()
    flags.DEFINE_integer("bundles", defaults.bundles, "Damaged copies.")
    flags.DEFINE_integer("seed", defaults.seed, "Seed of the plan.")
    flags.DEFINE_integer("programs", defaults.programs, "Of them, opened by a program of its own, too.")
    flags.DEFINE_string("bundle", None, "What is damaged; none: a random bundle.")
    command.define_json_flag()


def _work(values: flags.FlagValues) -> None:
    bundle = None if values.bundle is None else pathlib.Path(values.bundle)
    result = run(DamageConfig(values.bundles, values.seed, values.programs, bundle))
    command.say(text(result), values.json)
    command.say_if_fewer("programs", values.programs, result["programs"], "damaged copies", values.json)
    command.write_json(result, values.json)
    if result["faults"]:
        sys.exit(1)


def main() -> None:
    """The command `python -m scripts.damaged_bundles`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
