"""Coverage-guided fuzzers of what reads bytes from elsewhere: in Python by Atheris, in C by libFuzzer.

    make fuzz-readers SECONDS=60
    python -m scripts.fuzz_readers --target=report --seconds=60 --folder=runs/fuzz

A Python reader reads, or raises an error of the kind that it promises: anything else is a crash, and so is what takes
more than ten seconds or a gigabyte. In C it is a sanitizer's word. Inputs that reached new code stay in FOLDER/TARGET,
where the next run begins; what crashed lies beside them.
"""

import os
import pathlib
import subprocess
import sys
from typing import Any

from absl import flags

from kws_cli import command, held_folder
from scripts import fuzz_targets

C_TARGETS = ("frontend", "detector")
TARGETS = (*fuzz_targets.TARGETS, *C_TARGETS)
_LIMITS = ("-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1")
# Otherwise whole files are dropped, as something small covers the same code, and inputs stay small for long.
_SEEDED = ("-keep_seed=1", "-len_control=0")
_CLANG = ("clang", "-std=c11", "-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")


def _define_flags() -> None:
    flags.DEFINE_list("target", list(TARGETS), f"Which: {', '.join(TARGETS)}.")
    flags.DEFINE_float("seconds", 60.0, "Of each.", lower_bound=1.0)
    flags.DEFINE_string("folder", "runs/fuzz/readers", "Keeps inputs that reached new code, and what crashed.")
    flags.DEFINE_string("bundle", "models/w4a4", "Whose tables the C is compiled with.")


def _work(values: Any) -> None:
    if unknown := set(values.target) - set(TARGETS):
        raise command.UserError(f"--target={','.join(values.target)}: unknown {sorted(unknown)}, choose {TARGETS}")
    ended = {}
    for target in values.target:
        corpus = pathlib.Path(values.folder).resolve() / target
        try:
            corpus.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise command.UserError(f"--folder={values.folder}: {error.strerror}; give another") from error
        limits = [f"-max_total_time={int(values.seconds)}", f"-artifact_prefix={corpus}-", *_LIMITS]
        with held_folder.made("fxp-readers-") as folder:
            run = _compiled(target, values.bundle, folder) if target in C_TARGETS else _in_python(target)
            # A fuzzer ends without Python's clean-up, so its temporary files lie in this folder.
            environment = {**os.environ, "TMPDIR": str(folder)}
            ended[target] = subprocess.call([*run, *limits, str(corpus)], env=environment)
    for target, code in ended.items():
        print(f"{target}: {'no crash' if code == 0 else f'exit code {code}, see {values.folder}/{target}-*'}")
    if any(ended.values()):
        sys.exit(1)


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
    return [str(program)]


def main() -> None:
    """The command `python -m scripts.fuzz_readers`."""
    command.run(_work, _define_flags)


if __name__ == "__main__":
    main()
