"""What the documents' commands are run in, and by: made once for all documents that one process runs."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import documented
import materials
import pytest
import small_world
from not_run import NOT_RUN

# Commands that make R, a run, and B, its bundle.
_TRAINED = (
    "python -m kws.train --dataset=speech_commands --data_dir=D --run_dir=R",
    "python -m export.convert --run_dir=R --bundle=B",
    "python -m kws.tune_detector --bundle=B --data_dir=D --negatives=N",
)
_NEXT = re.compile(r"\bnext: (python -m .*)")


@pytest.fixture(scope="session")
def python() -> Iterator[str]:
    """What a shell runs with Python's arguments, to have the rest done by a fork of a process that has TensorFlow."""
    program = [sys.executable, str(small_world.HERE / "forked_commands.py"), f"kws-{os.getpid()}"]
    environment = {**os.environ, "PYTHONPATH": small_world.PYTHONPATH}
    server = subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
    )
    try:
        assert server.stdout and server.stdout.readline() == b"ready\n"
        yield " ".join([program[0], "-IS", *program[1:]])
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.communicate()


@pytest.fixture(scope="session")
def things(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Folder with what lies in every world."""
    folder = tmp_path_factory.mktemp("things")
    materials.write(folder)
    return folder


@pytest.fixture(scope="session")
def trained(python: str, things: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Folder with R, a run, and B, its bundle with a detector; both are of no use for hearing."""
    world = small_world.made(tmp_path_factory.mktemp("trained") / "world", python)
    for name in ("D", "N"):
        (world.folder / name).symlink_to(things / name)
    for command in _TRAINED:
        run(world, command)
    return world.folder


@pytest.fixture
def world(python: str, things: pathlib.Path, tmp_path: pathlib.Path) -> small_world.World:
    """A world with a space in its path."""
    world = small_world.made(tmp_path / "a world", python)
    for thing in things.iterdir():
        (world.folder / thing.name).symlink_to(thing)
    return world


def run(world: small_world.World, command: str) -> str:
    """What a command prints; fails where it fails, too."""
    done = world.run(command)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture
def run_all(world: small_world.World, request: pytest.FixtureRequest) -> Callable:
    """Runs a document's commands, one after the other, and then for each module what it says comes next."""

    def all_of(
        document: str,
        given: dict[str, str],
        of: Callable[[str], bool] = lambda _: True,
        begin: Callable[[], None] = lambda: None,
    ) -> None:
        """Runs them.

        Args:
          given: what is copied into the world before: place -> `R`, `B`, or a thing of every world.
          of: which commands.
          begin: is called when that is done.
        """
        for place, name in given.items():
            source = world.folder / name
            shutil.copytree(
                source if source.exists() else request.getfixturevalue("trained") / name, world.folder / place
            )
        begin()
        said: dict[str, str] = {}
        for command in documented.commands(document):
            if command.text not in NOT_RUN and of(command.text):
                for line in _NEXT.findall(run(world, command.text)):
                    said.setdefault(line.split()[2], line)
        for line in said.values():
            run(world, line)

    return all_of
