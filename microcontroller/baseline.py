"""The gate: instruction counts of fixed random models, kept in baseline.json; no change may make one 1 % worse.

So are estimated cycles, where the core has a timing table.

Counts are kept for each major version of the compiler, since they are as much the compiler's as this project's.

python -m microcontroller.baseline            compares; exit code 1 where one is worse
python -m microcontroller.baseline --write    measures and rewrites this compiler's counts in baseline.json, on purpose
"""

import dataclasses
import json
import pathlib
import re
import sys
from typing import Any

from absl import flags

from export.bundle import random_bundle
from export.bundle.random_bundle import RandomBundleConfig
from export.plan import PROFILES
from kws_cli import atomic, command, held_folder, json_file
from kws_cli.command import UserError
from microcontroller import bench, boards
from microcontroller.cycles import timing
from microcontroller.emulator import qemu

PATH = pathlib.Path(__file__).with_name("baseline.json")
WIDTHS = ((8, 8), (4, 8), (4, 4))
"""(weight bits, activation bits) of the models."""
TOLERANCE = 0.01
SEED = 0
"""Of the models' codes."""
_BOARDS = ("stm32f4", "mps2_an385")
"""On which profiles are counted that are made for their cores; others on the first board whose core they are for."""
_BESIDE = (("packed", "m0plus_264k"), ("packed", "riscv32"))
"""Profiles that are counted on further boards, whose cores have other loops of them."""
_REMEDY = "python -m microcontroller.baseline --write"


@dataclasses.dataclass(frozen=True)
class Baseline:
    """Counts, and what they depend on beside this project.

    Attributes:
      compiler: with which the firmware was built.
      instructions: per inference, by model and profile.
      layers: the same by model, profile and layer, to which the plan's estimates are held; empty where they were not
        kept.
      cycles: estimated ones, in the same way as `layers`, of cases on a core with a timing table.
      uncounted: of `cases`, those that came after the last time that this compiler was at hand.
    """

    compiler: str
    instructions: dict[str, dict[str, int]]
    layers: dict[str, dict[str, dict[str, int]]] = dataclasses.field(default_factory=dict)
    cycles: dict[str, dict[str, dict[str, int]]] = dataclasses.field(default_factory=dict)
    uncounted: tuple[str, ...] = ()


def cases() -> dict[str, tuple[str, str]]:
    """What is counted of each model: name -> profile and board."""
    return {profile: (profile, board(profile)) for profile in PROFILES} | {
        f"{profile} {name}": (profile, name) for profile, name in _BESIDE
    }


def measure() -> Baseline:
    """Counts every model in all of `cases`, in QEMU.

    Raises:
      UserError: toolchain or QEMU is missing, or a logit code differs from the interpreter.
    """
    counts: dict[str, dict[str, int]] = {}
    layers: dict[str, dict[str, dict[str, int]]] = {}
    cycles: dict[str, dict[str, dict[str, int]]] = {}
    compiler = ""
    for weight_bits, activation_bits in WIDTHS:
        name = f"w{weight_bits}a{activation_bits}"
        of_model, by_layer = counts.setdefault(name, {}), layers.setdefault(name, {})
        for case, result in _benches(weight_bits, activation_bits).items():
            of_model[case] = result["instructions_per_inference"]
            by_layer[case] = {layer["name"]: layer["instructions"] for layer in result["layers"]}
            if result["estimated_cycles"] is not None:
                estimates = {layer["name"]: layer["estimated_cycles"] for layer in result["layers"]}
                cycles.setdefault(name, {})[case] = estimates
            compiler = compiler or result["compiler"]
    return Baseline(compiler, counts, layers, cycles)


def board(profile: str) -> str:
    """The board that a profile is counted on: of `_BOARDS`, or one that it is made for."""
    return next(name for name in (*_BOARDS, *boards.names()) if profile in boards.load(name).profiles)


def _benches(weight_bits: int, activation_bits: int) -> dict[str, dict[str, Any]]:
    """What the bench counts of one bundle in all of `cases`, which writes each profile's C itself."""
    with held_folder.made("baseline-") as folder:
        bundle = folder / f"w{weight_bits}a{activation_bits}"
        random_bundle.write(RandomBundleConfig(bundle, SEED, weight_bits, activation_bits, clips=1))
        return {case: _bench(bundle, folder / case, *where) for case, where in cases().items()}


def _bench(bundle: pathlib.Path, folder: pathlib.Path, profile: str, name_of_board: str) -> dict[str, Any]:
    config = bench.BenchConfig(
        bundle,
        emulator=qemu.NAME,
        board=name_of_board,
        profile=profile,
        clips=1,
        random_codes=0,
        build_dir=folder,
        estimate_cycles=boards.load(name_of_board).cpu == timing.CPU,
    )
    result = bench.measure(config)
    if result["mismatches"]:
        raise UserError(
            f"{bundle.name}, profile {profile}: {result['mismatches']} logit codes differ from the interpreter, so its "
            "count means nothing: mend the kernels first"
        )
    return result


def major_version(compiler: str) -> str:
    """The 12 of "arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205 -O2".

    Raises:
      UserError: there is no version in it.
    """
    found = re.search(r"\) (\d+)\.\d", compiler)
    if found is None:
        raise UserError(
            f"no version in {compiler!r}, expected one as in 'arm-none-eabi-gcc (Debian) 12.2.1': is it GCC?"
        )
    return found[1]


def read(path: pathlib.Path = PATH) -> dict[str, Baseline]:
    """The kept counts by the compiler's major version; raises `UserError` where there are none."""
    try:
        return json_file.read(path, dict[str, Baseline])
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read ({error!r}): write it with {_REMEDY}") from error


def of_compiler(kept: dict[str, Baseline], compiler: str) -> Baseline:
    """The counts of a compiler's major version; raises `UserError` where none are kept."""
    version = major_version(compiler)
    if version not in kept:
        raise UserError(f"no counts are kept for GCC {version}, only for {', '.join(kept)}: keep them with {_REMEDY}")
    return kept[version]


def write(measured: Baseline, path: pathlib.Path = PATH) -> None:
    """Writes the counts as JSON; those of other compilers stay."""
    kept = read(path) if path.exists() else {}
    kept[major_version(measured.compiler)] = measured
    found = {version: dataclasses.asdict(kept[version]) for version in sorted(kept, key=int)}
    atomic.write_text(path, json.dumps(found, indent=2) + "\n")


def worse(measured: Baseline, kept: Baseline) -> list[str]:
    """A line for every count that is over its kept one by more than `TOLERANCE`, or has none and is not known to."""
    lines = []
    for model, profiles in measured.instructions.items():
        for profile, count in profiles.items():
            before = kept.instructions.get(model, {}).get(profile)
            if before is None and profile in kept.uncounted:
                continue
            if before is None:
                lines.append(f"{model}, profile {profile}: {count:,} instructions, none kept: {_REMEDY}")
            else:
                lines += _excess(f"{model}, profile {profile}", count, before, "instructions")
    return lines + _slower(measured, kept)


def _slower(measured: Baseline, kept: Baseline) -> list[str]:
    """The same of estimated cycles, where there are any of both."""
    lines = []
    for model, profiles in measured.cycles.items():
        for profile, layers in profiles.items():
            if before := sum(kept.cycles.get(model, {}).get(profile, {}).values()):
                lines += _excess(f"{model}, profile {profile}", sum(layers.values()), before, "estimated cycles")
    return lines


def _excess(what: str, count: int, before: int, unit: str) -> list[str]:
    if count <= before * (1 + TOLERANCE):
        return []
    return [f"{what}: {count:,} {unit}, {count / before - 1:.2%} over the kept {before:,}"]


def table(measured: Baseline, kept: Baseline | None) -> str:
    """Counts and their changes, in lines."""
    lines = [f"instructions per inference, {measured.compiler}; estimated cycles where the core has a timing table"]
    for model, profiles in measured.instructions.items():
        for profile, count in profiles.items():
            before = kept.instructions.get(model, {}).get(profile) if kept else None
            change = f"{count / before - 1:+.2%}" if before else "new"
            cycles = sum(measured.cycles.get(model, {}).get(profile, {}).values())
            estimated = f"  {cycles:>12,} cycles" if cycles else ""
            lines.append(f"{model}  {profile:<18} {count:>12,}  {change}{estimated}")
    return "\n".join(lines)


def define_flags() -> None:
    """Defines this command's flags."""
    flags.DEFINE_boolean("write", False, "Rewrite this compiler's counts in baseline.json.")


def _work(values: Any) -> None:
    every = read() if PATH.exists() or not values.write else {}
    measured = measure()
    print(table(measured, every.get(major_version(measured.compiler))))
    if values.write:
        write(measured)
        print(f"wrote {PATH.name}")
        return
    kept = of_compiler(every, measured.compiler)
    if kept.compiler != measured.compiler:
        print(f"kept counts are of {kept.compiler}: differences may be the compiler's")
    lines = worse(measured, kept)
    for line in lines:
        print(f"worse: {line}")
    if lines:
        sys.exit(1)


def main() -> None:
    """Entry point of `python -m microcontroller.baseline`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
