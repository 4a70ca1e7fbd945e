"""Kills commands with SIGKILL and lets them go on: the result is what an uninterrupted run gives, and nothing is left.

    make kill                                            # 200 kills, seed 0
    python -m scripts.kills --kills=20 --seed=3 --tasks=cache,convert --json=-

Training, conversion, caches, the tuning of a detector, packages and sweeps, on a small corpus of tones. A command is
killed at one of its own writes (a file opened for writing, a name changed or removed), or a moment after it, or at a
random moment; by a plan that follows from the seed. After each kill all that is there is read: what is not whole must
not be there under its name. No process may be left after five seconds. After a few kills the command ends undisturbed:
what it leaves must equal what it leaves without kills, and no temporary file may be there.

Commands run in processes forked from this one, which has imported TensorFlow, so that a run costs what it does itself.
"""

import atexit
import dataclasses
import importlib
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from typing import Any, NoReturn

import psutil
from absl import flags
from tqdm import tqdm

from kws_cli import command, held_folder
from kws_cli.command import UserError
from scripts import kill_tasks
from scripts.kill_point import Points
from scripts.kill_tasks import TASKS, Task

MARK = "KWS_KILLS"
_ORPHANS_S = 5.0
_ENDS_S = 1800.0
_CHAIN = 4
"""Kills of one command before it ends undisturbed."""
_DELAYS_S = (0.0, 0.0, 0.0005, 0.002, 0.01)
_AT_A_MOMENT = 0.3
"""Share of kills at a random moment, not at a write."""


@dataclasses.dataclass(frozen=True)
class KillsConfig:
    """Settings.

    Attributes:
      kills: in all, of all tasks together.
      seed: of the plan.
      tasks: names of `TASKS`.
    """

    kills: int = 200
    seed: int = 0
    tasks: tuple[str, ...] = tuple(TASKS)

    def __post_init__(self) -> None:
        if self.kills < 1:
            raise UserError(f"--kills={self.kills}: give 1 or more")
        if unknown := sorted(set(self.tasks) - set(TASKS)):
            raise UserError(f"--tasks={','.join(self.tasks)}: no {unknown[0]}, choose from {', '.join(TASKS)}")
        if not self.tasks or len(set(self.tasks)) != len(self.tasks):
            raise UserError(f"--tasks={','.join(self.tasks)}: name each once, and one at least")


@dataclasses.dataclass(frozen=True)
class Reference:
    """A task without kills: what it leaves, how many points it passes, and how long it takes."""

    result: Any
    points: int
    seconds: float


@dataclasses.dataclass
class Found:
    """What became of a task's kills.

    Attributes:
      killed: runs that were killed.
      finished: runs that had ended before their kill.
      faults: what was wrong, in words.
    """

    killed: int = 0
    finished: int = 0
    faults: list[str] = dataclasses.field(default_factory=list)


def run(config: KillsConfig) -> dict[str, Any]:
    """Kills and compares; returns by task what `Found` says, and `kills` and `faults` in all.

    Raises:
      UserError: a command that does not end undisturbed.
    """
    with held_folder.made("kws-kills-") as root:
        references = _references(root, config.tasks)
        found = {name: Found() for name in config.tasks}
        rng = random.Random(config.seed)
        with tqdm(total=config.kills, desc="kills", file=sys.stderr, disable=None) as progress:
            while (done := sum(each.killed for each in found.values())) < config.kills:
                name = min(config.tasks, key=lambda task: found[task].killed)
                before = found[name].killed
                _chain(root, name, references[name], rng, min(_CHAIN, config.kills - done), found[name])
                progress.update(found[name].killed - before)
                _say(name, found)
    return {
        "kills": config.kills,
        "seed": config.seed,
        "tasks": {name: dataclasses.asdict(each) | {"points": references[name].points} for name, each in found.items()},
        "faults": sum(len(each.faults) for each in found.values()),
    }


def _say(name: str, found: dict[str, Found]) -> None:
    done, faults = (sum(numbers) for numbers in zip(*((f.killed, len(f.faults)) for f in found.values()), strict=True))
    print(f"{name}: {done} kills so far, {faults} faults", file=sys.stderr, flush=True)


def _references(root: pathlib.Path, names: tuple[str, ...]) -> dict[str, Reference]:
    """Each task without kills; those that make what others need are run in any case."""
    done: dict[str, Reference] = {}
    kill_tasks.write_corpus(root / "corpus")
    for name, task in TASKS.items():
        if name not in names and not task.makes:
            continue
        folder = _new_folder(root, name, task)
        counted, started = root / f"{name}.points", time.monotonic()
        code = _wait(_start(task, folder, Points(str(folder)), counted), _ENDS_S)
        if code != 0:
            raise UserError(f"{task.module} ends with {code} without a kill: {_log(folder)}")
        seconds = time.monotonic() - started
        done[name] = Reference(task.result(folder), int(counted.read_text(encoding="utf-8")), seconds)
        for needed, made in task.makes.items():
            shutil.copytree(folder / made, root / needed)
        shutil.rmtree(folder)
    return {name: done[name] for name in names}


def _new_folder(root: pathlib.Path, name: str, task: Task) -> pathlib.Path:
    # A run's settings hold its paths: every folder of a task has the same one.
    folder = root / "work"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tmp").mkdir(parents=True)
    for needed in task.needs:
        shutil.copytree(root / needed, folder / kill_tasks.PLACES.get(needed, needed))
    return folder


def _chain(root: pathlib.Path, name: str, reference: Reference, rng: random.Random, kills: int, found: Found) -> None:
    """Kills a task so many times, or fewer where it ends before, and lets it end."""
    task = TASKS[name]
    folder = _new_folder(root, name, task)
    for _ in range(kills):
        mark = _mark()
        at_a_moment = rng.random() < _AT_A_MOMENT
        point = 0 if at_a_moment else rng.randint(1, reference.points)
        moment, delay = rng.uniform(0.0, reference.seconds), rng.choice(_DELAYS_S)
        process = _start(task, folder, Points(str(folder), point, delay), None, mark)
        where = f"after {moment:.2f} s" if at_a_moment else f"{1000 * delay:g} ms after write {point}"
        code = _wait(process, moment if at_a_moment else _ENDS_S, kill=at_a_moment)
        if code != -signal.SIGKILL:
            found.finished += 1
            if code:
                found.faults.append(f"{name}, before a kill {where}: exit code {code}: {_log(folder)}")
            break
        found.killed += 1
        if orphans := _living(mark):
            found.faults.append(f"{name}, {where}: {len(orphans)} processes live on")
        try:
            task.check(folder)
        except Exception as error:  # whatever a reader says of something half
            found.faults.append(f"{name}, {where}: {type(error).__name__}: {error}")
    _end(task, name, folder, reference, found)


def _end(task: Task, name: str, folder: pathlib.Path, reference: Reference, found: Found) -> None:
    code = _wait(_start(task, folder, Points(str(folder)), None), _ENDS_S)
    if code:
        found.faults.append(f"{name}, at the end: exit code {code}: {_log(folder)}")
        return
    try:
        if task.result(folder) != reference.result:
            found.faults.append(f"{name}: another result than without kills")
    except Exception as error:  # the same
        found.faults.append(f"{name}, at the end: {type(error).__name__}: {error}")
    if left := sorted(kill_tasks.leftovers(folder)):
        found.faults.append(f"{name}: {len(left)} temporary files are left, such as {left[0]}")


def _start(task: Task, folder: pathlib.Path, points: Points, counted: pathlib.Path | None, mark: str = "") -> int:
    """The process that runs a task."""
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    return process or _be(task, folder, points, counted, mark)


def _be(task: Task, folder: pathlib.Path, points: Points, counted: pathlib.Path | None, mark: str) -> NoReturn:
    """What the forked process does: the command, with its own session, log and temporary files."""
    code = 70
    try:
        os.setsid()
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ |= {MARK: mark, "TMPDIR": str(folder / "tmp"), "KWS_CACHE_DIR": str(folder / "cache")}
        tempfile.tempdir = None
        sys.argv = [task.module, *task.arguments(folder)]
        atexit._clear()
        _forget_flags()
        points.install()
        code = _exit_code(task.module)
        atexit._run_exitfuncs()
        if counted:
            counted.write_text(str(points.reached), encoding="utf-8")
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _forget_flags() -> None:
    """This command's own, of whose names another one may have some."""
    for name in ("kills", "seed", "tasks", "json"):
        if name in flags.FLAGS:
            delattr(flags.FLAGS, name)
    flags.FLAGS.unparse_flags()


def _exit_code(module: str) -> int:
    try:
        importlib.import_module(module).main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _wait(process: int, seconds: float, kill: bool = False) -> int:
    """The exit code, -9 for a killed one. Where time is up it is killed, or `UserError` raised."""
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
            if not kill:
                os.waitpid(process, 0)
                raise UserError(f"a command has not ended after {seconds:g} s")
            deadline = float("inf")
        time.sleep(0.005)


def _mark() -> str:
    return f"{os.getpid()}-{time.monotonic_ns()}"


def _living(mark: str) -> list[int]:
    """Processes with this mark that live five seconds after the one that started them."""
    deadline = time.monotonic() + _ORPHANS_S
    while True:
        found = [process.pid for process in psutil.process_iter() if _has(process, mark)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _log(folder: pathlib.Path) -> str:
    lines = (folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return (lines or ["it said nothing"])[-1][:300]


def table(result: dict[str, Any]) -> str:
    """Text of what `run` returned."""
    kinds = Counter({name: len(each["faults"]) for name, each in result["tasks"].items()})
    lines = [
        f"{name}: {each['killed']} kills at {each['points']} writes and at random moments, {kinds[name]} faults"
        for name, each in result["tasks"].items()
    ]
    lines += [f"  {fault}" for each in result["tasks"].values() for fault in each["faults"]]
    killed = sum(each["killed"] for each in result["tasks"].values())
    return "\n".join([*lines, f"{killed} kills (seed {result['seed']}), {result['faults']} faults"])


def define_flags() -> None:
    """Defines this command's flags."""
    defaults = KillsConfig()
    flags.DEFINE_integer("kills", defaults.kills, "Kills in all.")
    flags.DEFINE_integer("seed", defaults.seed, "Seed of the plan.")
    flags.DEFINE_list("tasks", list(defaults.tasks), f"What is killed, of {', '.join(TASKS)}.")
    command.define_json_flag()


def _work(values: flags.FlagValues) -> None:
    config = KillsConfig(values.kills, values.seed, tuple(values.tasks))
    for task in TASKS.values():
        importlib.import_module(task.module)
    import tensorflow_model_optimization  # noqa: F401 (a fork has it)

    result = run(config)
    command.say(table(result), values.json)
    command.write_json(result, values.json)
    if result["faults"]:
        sys.exit(1)


def main() -> None:
    """The command `python -m scripts.kills`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
