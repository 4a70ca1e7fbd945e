"""Estimated cycles of whole firmware in QEMU."""

import dataclasses
import pathlib
from collections.abc import Callable

import pytest

from export.bundle import folder as bundles
from export.host import compiler
from export.host.host_error import HostError
from export.model.integer_model import IntegerModel
from microcontroller import bench
from microcontroller.bench import BenchConfig
from microcontroller.cycles import counts
from microcontroller.cycles.counts import Unavailable
from microcontroller.cycles.estimate import estimate
from microcontroller.emulator import qemu
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware import build, clip_image
from microcontroller.firmware.build import Firmware

TIMEOUT_S = 60.0


def settings(bundle: pathlib.Path, folder: pathlib.Path, **changes: object) -> BenchConfig:
    return BenchConfig(**{"bundle": bundle, "emulator": "qemu", "build_dir": folder, "clips": 2, **changes})


@pytest.fixture(scope="module")
def firmware(small_bundle: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    return build.build(bundles.load(small_bundle).c_folder, tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def image(small_bundle: pathlib.Path, firmware: Firmware) -> clip_image.ClipImage:
    codes = bundles.load(small_bundle).golden.features[:1]
    return clip_image.write(firmware.elf.parent / "first.bin", firmware, codes)


def test_layers_add_up_to_the_inference(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    # A path that QEMU's option lists would take apart.
    result = bench.measure(settings(small_bundle, tmp_path / "a, b=c"))
    cycles = result["estimated_cycles"]
    assert 1.0 < cycles / result["instructions_per_inference"] < 2.5
    assert sum(layer["estimated_cycles"] for layer in result["layers"]) == pytest.approx(cycles, rel=5e-3)
    assert "an estimate" in result["estimated_cycles_note"] and "zero wait states" in result["estimated_cycles_note"]
    assert f"{cycles:,}" in bench.table(result) and "est. cycles" in bench.table(result)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "instructions", "cycles"),
    [
        ("", 2, 4),
        ("ldr r1, [sp]", 3, 6),
        ("ldr r1, [sp]\\n ldr r2, [sp, #4]", 4, 7),
        ("ldm sp, {r1-r3}", 3, 8),
        ("ldrd r1, r2, [sp]", 3, 7),
        ("mov r1, sp\\n ldr r2, [r1]", 4, 8),
        ("smlad r1, r2, r3, r1\\n smlad r1, r2, r3, r1", 4, 6),
    ],
)
def test_a_loop_of_known_length(
    write_bundle: Callable[..., pathlib.Path],
    small_model: IntegerModel,
    tmp_path: pathlib.Path,
    body: str,
    instructions: int,
    cycles: int,
) -> None:
    """The same firmware over two clips that differ in the loop's count; a taken branch takes 1 + 2 cycles."""
    loop = (
        "int32_t count = input[0] == -128 ? 10 : 30;\n"
        f'__asm volatile(".syntax unified\\n 1: {body}\\n subs %0, %0, #1\\n bne 1b\\n"'
        ' : "+r"(count) : : "r1", "r2", "r3", "cc", "memory");\n'
    )
    bundle = bundles.load(write_bundle(small_model, clips=2, first=loop))
    firmware = build.build(bundle.c_folder, tmp_path)
    found = []
    for clip in range(2):
        image = clip_image.write(tmp_path / "clip.bin", firmware, bundle.golden.features[clip : clip + 1])
        found.append(estimate(firmware, image, range(len(small_model.layers)), TIMEOUT_S))
    assert found[1].instructions - found[0].instructions == pytest.approx(20 * instructions, abs=4)
    assert found[1].cycles - found[0].cycles == pytest.approx(20 * cycles, abs=6)


def test_the_plugin_interface_that_qemu_asks_for(
    firmware: Firmware, image: clip_image.ClipImage, small_model: IntegerModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = counts.count(firmware, image, range(len(small_model.layers)), TIMEOUT_S)
    monkeypatch.setattr(counts, "_API_VERSION", 99)
    assert counts.count(firmware, image, range(len(small_model.layers)), TIMEOUT_S) == expected


def test_left_out_without_a_compiler(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> str:
        raise HostError("no C compiler: install gcc")

    monkeypatch.setattr(compiler, "path", missing)
    result = bench.measure(settings(small_bundle, tmp_path))
    assert result["estimated_cycles"] is None and result["mismatches"] == 0
    assert result["estimated_cycles_note"] == "left out: no C compiler: install gcc"
    text = bench.table(result)
    assert "estimated cycles: left out: no C compiler" in text and "est. cycles" not in text


def test_left_out_with_a_compiler_of_another_machine(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gcc = tmp_path / "cc"
    gcc.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xff\xff" + bytes(44))
    gcc.chmod(0o755)
    monkeypatch.setattr(compiler, "path", lambda: str(gcc))
    with pytest.raises(Unavailable, match=f"{gcc} can't be started: Exec format error"):
        counts._plugin(tmp_path, 1)


def test_left_out_where_qemu_has_no_plugins(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = qemu.run

    def without_plugins(*arguments: object) -> list[str]:
        if len(arguments) > 4:
            raise EmulatorError("qemu-system-arm stopped before the firmware's END line: -plugin: invalid option")
        return run(*arguments)

    monkeypatch.setattr(qemu, "run", without_plugins)
    result = bench.measure(settings(small_bundle, tmp_path))
    assert result["estimated_cycles_note"].startswith("left out: QEMU can't use the plugin")
    assert all(layer["estimated_cycles"] is None for layer in result["layers"])


def test_left_out_when_told(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    result = bench.measure(settings(small_bundle, tmp_path, estimate_cycles=False))
    assert result["estimated_cycles"] is None
    assert result["estimated_cycles_note"] == "left out: --estimate_cycles=false"


def test_another_core_has_another_table(firmware: Firmware, image: clip_image.ClipImage) -> None:
    other = dataclasses.replace(firmware, board=dataclasses.replace(firmware.board, cpu="cortex-m0"))
    with pytest.raises(Unavailable, match="the timing table is the cortex-m4's, stm32f4 has a cortex-m0"):
        estimate(other, image, [0], TIMEOUT_S)
