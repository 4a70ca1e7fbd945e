"""Packages on cores: they compile for every one, and hear their clip with the host's codes in QEMU."""

import pathlib
from concurrent.futures import ThreadPoolExecutor

import packages
import pytest

from export.packaging.library import Member

# The core of each board that docs/integrate.md names, as its makers' tools compile for it.
CORES = {
    "nRF52840 and STM32F4": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
    "STM32H7": ("-mcpu=cortex-m7", "-mfpu=fpv5-d16", "-mfloat-abi=hard"),
    "RP2040": ("-mcpu=cortex-m0plus",),
    "RP2350": ("-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16", "-mfloat-abi=softfp"),
    "Cortex-M55": ("-mcpu=cortex-m55", "-mfloat-abi=hard"),
}
GCC = ["arm-none-eabi-gcc"]
CLANG = ["clang", "--target=arm-none-eabi", "-isystem", "/usr/lib/arm-none-eabi/include"]
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Wpedantic", "-Werror")


def heard(member: Member, profile: str) -> list[str]:
    """What the example clip prints of a model."""
    clip, subject = member.clip, member.subject
    variant = next(variant for variant in subject.variants if variant.profile == profile)
    ram = packages.ram_bytes(subject, variant)
    return [
        f"{subject.name}, profile {profile}, {ram} bytes of RAM",
        f"heard {subject.labels[clip.label]} at {clip.step * 40} ms, {clip.posterior * 100 // 32768} %",
        f"logits {clip.hash:08x}: equal to the host's",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("level", ["-O0", "-Os"])
@pytest.mark.parametrize("board", CORES)
def test_it_compiles_for(
    board: str, level: str, two: tuple[pathlib.Path, list[Member]], tmp_path: pathlib.Path
) -> None:
    packages.needs("arm-none-eabi-gcc")
    command = ["arm-none-eabi-gcc", "-mthumb", *CORES[board], level, *WARNINGS, f"-I{two[0] / 'src'}", "-c"]
    kept = [path for path in packages.sources(two[0]) if not path.stem.startswith("commands")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda path: packages.run([*command, path, "-o", f"{path.stem}.o"], tmp_path), kept))
    sizes = packages.run(["arm-none-eabi-size", *sorted(tmp_path.glob("*.o"))], tmp_path).splitlines()[1:]
    assert {tuple(line.split()[1:3]) for line in sizes} == {("0", "0")}, "all is in flash but the caller's memory"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("board", "flags", "compiler"),
    [
        ("stm32f4", ["-O0"], GCC),
        ("stm32f4", ["-O2", "-flto"], GCC),
        ("stm32f4", ["-O2"], CLANG),
        ("mps3_an547", ["-O2"], GCC),
    ],
)
def test_two_models_in_one_firmware_hear_their_clips(
    board: str, flags: list[str], compiler: list[str], two: tuple[pathlib.Path, list[Member]], tmp_path: pathlib.Path
) -> None:
    packages.needs(compiler[0])
    root, members = two
    lines = packages.heard_on(board, root, tmp_path / "device", root / "examples" / "clip.c", flags, compiler)
    profile = {"stm32f4": "fast", "mps3_an547": "helium"}[board]
    assert lines == [*heard(members[0], profile), *heard(members[1], profile), "END status=0"]


@pytest.mark.slow
def test_a_cortex_m0_hears_the_clip(one: tuple[pathlib.Path, Member], tmp_path: pathlib.Path) -> None:
    """It can't load a word from an odd address, and has 32 KB of RAM."""
    root, member = one
    lines = packages.heard_on("nrf51", root, tmp_path / "device", root / "examples" / "clip.c", ["-Os"])
    assert lines == [*heard(member, member.subject.variants[-1].profile), "END status=0"]


@pytest.mark.slow
def test_two_models_hear_their_clips_on_a_risc_v_core(
    two: tuple[pathlib.Path, list[Member]], tmp_path: pathlib.Path
) -> None:
    root, members = two
    lines = packages.heard_on_rv32(root, tmp_path, root / "examples" / "clip.c")
    assert lines == [line for member in members for line in heard(member, member.subject.variants[-1].profile)]
