"""Programs on this machine: compiled in a second for many models, with sanitizers where the compiler has them."""

import pathlib
import re
import signal
import subprocess
import tempfile
from collections.abc import Sequence

from export.fuzzing.programs import many_models_source
from export.fuzzing.programs.machine import RunError, Sums, parse
from export.fuzzing.programs.planned import Planner
from export.fuzzing.programs.program import Program
from export.host import compiler, kept_objects
from export.host.host_error import HostError
from export.plan import CHOICES, PROFILES
from microcontroller import c_sources
from microcontroller.c_sources import CSources

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
KERNELS = tuple(dict.fromkeys(kernel for choice in CHOICES.values() for kernel in choice.kernels))
_OPTIMIZATION = "-O1"
_QUICK = "-O0"
"""Of generated C, most of which are numbers: compiling it takes longer than running it. Boards have it with -O2."""
_LIMIT_S = 300
"""Of the processor's time: on a busy machine the clock on the wall tells nothing of a program."""
_LIMITED = ("/bin/sh", "-c", 'ulimit -t "$0" && exec "$@"', str(_LIMIT_S))
_TIMEOUT_S = 3600.0
"""On the wall, for what waits and never ends."""
_LONGEST = 300


class HostMachine:
    """The C of every profile, kernels of other cores by their twins in C.

    Attributes:
      name: empty: it is this machine.
      planner: every profile, and kernels of all of them at random.
    """

    name = ""

    def __init__(
        self, folder: pathlib.Path, engine: CSources | None = None, sanitizers: Sequence[str] = SANITIZERS
    ) -> None:
        """Compiles the engine once, or takes its objects of an earlier time.

        Args:
          folder: for objects and programs; its caller's.
          engine: the kernels; None for this project's.

        Raises:
          HostError: no compiler, or an engine that does not compile.
        """
        self.planner = Planner(PROFILES, KERNELS)
        self._folder = folder
        engine, many, sums = engine or c_sources.engine(), c_sources.many_models(), c_sources.checksum()
        includes = c_sources.include_flags(engine, many, sums)
        self._compile = [compiler.path(), *compiler.C_FLAGS, *sanitizers, *includes]
        objects = folder / "engine"
        objects.mkdir()
        own = [*engine.files, *many.files, *sums.files, *many.host.glob("*.c")]
        headers = [header for part in (engine, many, sums) for header in part.headers]
        command = [*self._compile, _OPTIMIZATION, "-c"]

        def compile_here() -> None:
            done = self._run([*command, *map(str, own)], objects)
            if done.returncode:
                raise HostError(f"the engine does not compile ({_first(done.stderr)}): is the compiler too old?")

        kept_objects.place(objects, command, compiler.version(), own, headers, compile_here)
        self._run(["ar", "rcs", "engine.a", *(f"{path.stem}.o" for path in own)], objects)
        self._engine = objects / "engine.a"

    def holds(self, programs: Sequence[Program]) -> bool:
        """Always."""
        return True

    def run(self, programs: Sequence[Program]) -> list[Sums | str]:
        """Compiles, links and runs them. Raises `RunError` where they do not compile."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            folder = pathlib.Path(name)
            files = many_models_source.write(folder, programs)
            done = self._run([*self._compile, _QUICK, *files, str(self._engine), "-o", "many_models"], folder)
            if done.returncode:
                raise RunError(f"it does not compile: {_first(done.stderr)}")
            (folder / "inputs").write_bytes(many_models_source.inputs(programs))
            results: list[Sums | str] = []
            while len(results) < len(programs):
                results += self._results(folder, len(results), len(programs))
            return results

    def _results(self, folder: pathlib.Path, first: int, count: int) -> list[Sums | str]:
        """Of programs from `first` on: of all, or up to one that ends the process, with what it said."""
        try:
            done = self._run(["./many_models", "inputs", str(first)], folder)
        except RunError as error:
            return [str(error)]
        results: list[Sums | str] = list(parse(done.stdout.splitlines(), first))
        if first + len(results) < count:
            slow = done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
            said = f"it has not ended after {_LIMIT_S} s of the processor" if slow else _first(done.stderr)
            results.append(f"it ends with {done.returncode}: {said}")
        return results

    def _run(self, command: Sequence[str], folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [*_LIMITED, *command],
                cwd=folder,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise RunError(f"{command[0]} has not ended after {_TIMEOUT_S:g} s") from error


def _first(text: str) -> str:
    """The line that says what is wrong."""
    lines = text.splitlines() or ["no message"]
    said = next((line for line in lines if "error" in line.lower()), lines[0]).strip()
    where = re.search(r"#0 \w+ in (\w+)", text)
    return (said + (f" (in {where[1]})" if where else ""))[:_LONGEST]
