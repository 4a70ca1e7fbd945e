"""Coverage-guided fuzzers of what reads bytes from elsewhere: in Python by Atheris, in C by libFuzzer.

    make fuzz-readers SECONDS=60
    python -m scripts.fuzz_readers --target=report --seconds=60 --folder=runs/fuzz

A Python reader reads, or raises an error of the kind that it promises: anything else is a crash, and so is what takes
more than ten seconds of CPU or a gigabyte. In C it is a sanitizer's word, or two minutes of a clock. Inputs that
reached new code stay in FOLDER/TARGET, where the next run begins; what crashed lies beside them. FOLDER/TARGET.json
holds CPU seconds and inputs of all runs, so that a long one goes on where it was stopped.
"""

import os
import pathlib
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from absl import flags

from kws_cli import atomic, command, held_folder, json_file
from scripts import fuzz_targets

C_TARGETS = ("frontend", "detector")
TARGETS = (*fuzz_targets.TARGETS, *C_TARGETS)
_PIECE_SECONDS = 300
_INPUTS = re.compile(rb"stat::number_of_executed_units:\s*(\d+)")
# Seconds of a clock, for what never ends; `fuzz_targets.bounded` counts those of CPU.
_LIMITS = ("-timeout=120", "-rss_limit_mb=1024", "-print_final_stats=1")
# Otherwise whole files are dropped, as something small covers the same code, and inputs stay small for long.
_SEEDED = ("-keep_seed=1", "-len_control=0")
# Of C: two seconds of samples, where a window of frames takes one; otherwise inputs end at 4 kB.
_LONG = ("-max_len=65536", "-len_control=0")
_CLANG = ("clang", "-std=c11", "-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")


def _define_flags() -> None:
    flags.DEFINE_list("target", list(TARGETS), f"Which: {', '.join(TARGETS)}.")
    flags.DEFINE_float(
        "seconds", 60.0, "CPU seconds of each, those of earlier runs in --folder among them.", lower_bound=1.0
    )
    flags.DEFINE_string("folder", "runs/fuzz/readers", "Keeps inputs that reached new code, and what crashed.")
    flags.DEFINE_string("bundle", "models/w4a4", "Whose tables the C is compiled with.")


def _work(values: Any) -> None:
    if unknown := set(values.target) - set(TARGETS):
        raise command.UserError(f"--target={','.join(values.target)}: unknown {sorted(unknown)}, choose {TARGETS}")
    folder = pathlib.Path(values.folder).resolve()
    ended = {}
    for target in values.target:
        corpus = folder / target
        try:
            corpus.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise command.UserError(f"--folder={values.folder}: {error.strerror}; give another") from error
        ended[target] = _fuzz(target, values.bundle, folder, values.seconds)
    for target, code in ended.items():
        done = _counts(folder / f"{target}.json")
        outcome = "no crash" if code == 0 else f"exit code {code}, see {values.folder}/{target}-*"
        print(f"{target}: {done.inputs:,} inputs in {done.cpu_seconds:,.0f} s of CPU, {outcome}")
    if any(ended.values()):
        sys.exit(1)


def _fuzz(target: str, bundle: str, folder: pathlib.Path, seconds: float) -> int:
    """The exit code of `folder`'s run of a target until it has had its seconds. Raises `UserError`."""
    corpus = folder / target
    with held_folder.made("fxp-readers-") as scratch:
        program = _compiled(target, bundle, scratch) if target in C_TARGETS else _in_python(target)
        rest = [f"-artifact_prefix={corpus}-", *_LIMITS, str(corpus)]
        # A fuzzer ends without Python's clean-up, so its temporary files lie in this folder.
        environment = {**os.environ, "TMPDIR": str(scratch)}

        def piece(seconds: int) -> tuple[int, float, int]:
            return _piece([*program, f"-max_total_time={seconds}", *rest], environment)

        return _until(seconds, folder / f"{target}.json", piece)


class Counts(msgspec.Struct, frozen=True):
    """What all runs of a target in a folder took together."""

    cpu_seconds: float = 0.0
    inputs: int = 0


def _counts(path: pathlib.Path) -> Counts:
    """Those of a file, none where there is no file. Raises `UserError`."""
    if not path.exists():
        return Counts()
    try:
        return json_file.read(path, Counts)
    except (OSError, ValueError) as error:
        raise command.UserError(f"{path} can't be read ({error}): remove it, and counting begins anew") from error


def _until(seconds: float, path: pathlib.Path, piece: Callable[[int], tuple[int, float, int]]) -> int:
    """Pieces of a run until `path` counts so many seconds of CPU -> the first exit code that is not 0, or 0."""
    counts = _counts(path)
    while counts.cpu_seconds < seconds:
        code, cpu_seconds, inputs = piece(max(1, min(_PIECE_SECONDS, round(seconds - counts.cpu_seconds))))
        counts = Counts(counts.cpu_seconds + cpu_seconds, counts.inputs + inputs)
        atomic.write_text(path, msgspec.json.encode(counts).decode() + "\n")
        if code:
            return code
    return 0


def _piece(run: list[str], environment: dict[str, str]) -> tuple[int, float, int]:
    """One process -> its exit code, seconds of CPU, and how many inputs it tried; what it says is passed on."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    inputs = 0
    with subprocess.Popen(run, env=environment, stderr=subprocess.PIPE) as process:
        for line in process.stderr or ():
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
            if found := _INPUTS.match(line):
                inputs = int(found[1])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return process.returncode, cpu_seconds, inputs


def _in_python(target: str) -> list[str]:
    return [sys.executable, "-m", "scripts.fuzz_targets", target, *_SEEDED]


def _compiled(target: str, bundle: str, folder: pathlib.Path) -> list[str]:
    """The program of a C target. Raises `UserError`."""
    from export.bundle import folder as bundles
    from export.bundle import generated_c
    from export.source import detector_source, frontend_source
    from microcontroller import c_sources

    part = {"frontend": c_sources.front_end, "detector": c_sources.detector}[target]()
    source = {"frontend": frontend_source.SOURCE, "detector": detector_source.SOURCE}[target]
    generated_c.write(folder / "c", bundles.load(bundle).c_files)
    fuzzer = part.host / f"fxp_{target}_fuzzer.c"
    program = folder / target
    files = [str(folder / "c" / source), *map(str, part.files), str(fuzzer)]
    build = [*_CLANG, *c_sources.include_flags(part), f"-I{folder / 'c'}", *files, "-o", str(program)]
    try:
        done = subprocess.run(build, capture_output=True, text=True, check=False)
    except OSError as error:
        raise command.UserError("clang can't be started: scripts/setup.sh fuzzers installs it") from error
    if done.returncode:
        raise command.UserError(f"{target} does not compile: {done.stderr.strip()[:300]}")
    return [str(program), *_LONG]


def main() -> None:
    """The command `python -m scripts.fuzz_readers`."""
    command.run(_work, _define_flags)


if __name__ == "__main__":
    main()
