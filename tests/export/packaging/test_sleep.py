"""Examples that sleep between blocks of a microphone: they hear the clip, and no interrupt is slept through."""

import dataclasses
import pathlib
import re
from collections.abc import Callable

import packages
import pytest

from export.packaging import package
from export.packaging.package import PackageConfig

DOCUMENT = (packages.ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
STAND_INS = pathlib.Path(__file__).with_name("stand_ins")
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
BOARD = """
#include "device.h"
#include <stdint.h>
void microphone_start(int16_t *samples, uint32_t count) { (void)samples; (void)count; }
void __WFI(void) {}
void __ISB(void) {}
void __disable_irq(void) {}
void __enable_irq(void) {}
int shown(const char *text) { (void)text; return 0; }
"""
"""What the loop calls of its board, empty: a linker does not call what isn't there."""


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[list[str], str]]:
    """What an example prints that hears the embedded clip, and the clip's word."""
    config = PackageConfig((packages.MODELS / "w4a8",), "", pathlib.Path())
    [member], sources = package.modelled(config)
    folder = tmp_path_factory.mktemp("sleep")
    word = member.subject.labels[member.clip.label]
    samples = member.clip.samples.astype("<i2").tobytes()

    def lines(target: str, board: str, header: str, example: str, text: str = "") -> tuple[list[str], str]:
        files = package.contents(dataclasses.replace(config, target=target), [member], sources)
        for path, content in files.items():
            (folder / target / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / target / path).write_bytes(content)
        root = packages.root_of(folder / target)
        if text:
            (root / example).write_text(text)
        flags = [f'-DDEVICE_HEADER="{header}"', f"-DFOR_{board}", f"-I{root / 'src'}"]
        flags += [f"-I{root / 'Core' / 'Inc'}", "-isystem", str(STAND_INS / target)]
        made = [root / example, packages.DEVICE / "interrupts.c", *packages.sources(root)]
        packages.run(["gcc", "-std=c11", "-O1", *flags, *made, "-o", "example"], root)
        return packages.run([root / "example"], root, samples).splitlines(), word

    return lines


def loop() -> str:
    """The first listing of the document."""
    return re.search(r"^```c\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "header", "example"),
    [
        ("stm32cube", "main.h", "Core/Src/kws_microphone.c"),
        ("cmsis-pack", "device.h", "examples/microphone.c"),
    ],
)
def test_an_example_sleeps_through_no_block(target: str, header: str, example: str, heard: Callable) -> None:
    packages.needs("gcc")
    lines, word = heard(target, target.upper().replace("-", "_"), header, example)
    assert lines == [word]


@pytest.mark.slow
def test_the_documents_loop_hears(heard: Callable, one: tuple, tmp_path: pathlib.Path) -> None:
    packages.needs("gcc", "arm-none-eabi-gcc")
    (tmp_path / "loop.c").write_text(loop())
    folders = [f"-I{one[0] / 'src'}", "-isystem", STAND_INS / "cmsis-pack"]
    packages.run(["arm-none-eabi-gcc", "-mcpu=cortex-m4", *WARNINGS, *folders, "-c", "loop.c"], tmp_path)
    lines, word = heard("cmsis-pack", "LOOP", "device.h", "examples/loop.c", loop())
    assert lines == [word]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["w4a8", "w4a4"])
def test_the_flash_of_the_loop_is_said(name: str, tmp_path: pathlib.Path) -> None:
    """Within a hundredth: another compiler's code is another one's."""
    packages.needs("arm-none-eabi-gcc")
    root = packages.made(tmp_path, [packages.MODELS / name], "cmsis-pack")
    (root / "loop.c").write_text(loop())
    flags = ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "-ffunction-sections", "-fdata-sections"]
    folders = [f"-I{root / 'src'}", "-isystem", STAND_INS / "cmsis-pack"]
    (root / "board.c").write_text(BOARD)
    link = ["-Dputs=shown", "-nostartfiles", "-Wl,--gc-sections,-e,main"]
    for level in ("-Os", "-O2"):
        made = [*packages.sources(root), "loop.c", "board.c"]
        packages.run(["arm-none-eabi-gcc", "-std=c11", level, *flags, *folders, *made, *link, "-o", "loop.elf"], root)
        text = int(packages.run(["arm-none-eabi-size", "loop.elf"], root).splitlines()[1].split()[0])
        print(f"{name} {level}: {text:,} bytes of flash")
        said = int(re.search(rf"^\| `{name}` \| `{level}` \| ([\d,]+) \|", DOCUMENT, re.M)[1].replace(",", ""))
        assert abs(text - said) < said / 100
