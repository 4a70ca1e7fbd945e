"""Every board: what its folder says, and the same model with the same codes on each, in QEMU."""

import dataclasses
import fractions
import pathlib
import subprocess
from collections.abc import Callable

import pytest

from export.bundle import folder as bundles
from export.model import random_model
from export.model.integer_model import IntegerModel
from export.plan import PROFILES
from microcontroller import bench, boards
from microcontroller.bench import BenchConfig
from microcontroller.boards import Board
from microcontroller.boards.board_error import BoardError
from microcontroller.cycles import counts
from microcontroller.emulator import qemu, renode
from microcontroller.emulator.emulator_error import EmulatorError
from microcontroller.firmware import build, clip_image
from microcontroller.measurement import inference, protocol
from microcontroller.measurement.measurement_error import MeasurementError

CORES = {
    "m0plus_264k": "cortex-m0plus",
    "mps2_an385": "cortex-m3",
    "mps2_an386": "cortex-m4",
    "mps2_an500": "cortex-m7",
    "mps2_an505": "cortex-m33",
    "mps3_an547": "cortex-m55+nofp",
    "nrf51": "cortex-m0",
    "riscv32": "rv32imac",
    "stm32f4": "cortex-m4",
}
WITH_DSP = {"mps2_an386", "mps2_an500", "mps2_an505", "mps3_an547", "stm32f4"}
TIMEOUT_S = 60.0
# Of the plugin and the firmware's own count: the call of fxp_model_invoke.
CALL_INSTRUCTIONS = 8
COUNTER = boards.load("mps2_an385").qemu


def settings(bundle: pathlib.Path, folder: pathlib.Path, board: str, **changes: object) -> BenchConfig:
    fixed = {"emulator": "qemu", "profile": "fast", "estimate_cycles": False, "timeout_s": TIMEOUT_S}
    return BenchConfig(**{"bundle": bundle, "board": board, "build_dir": folder, **fixed, **changes})


def with_counter(counter_hz: int, icount_shift: int) -> Board:
    settings = dataclasses.replace(COUNTER, counter_hz=counter_hz, icount_shift=icount_shift)
    return dataclasses.replace(boards.load("mps2_an385"), qemu=settings)


def test_the_table_has_every_board() -> None:
    assert {name: boards.load(name).cpu for name in boards.names()} == CORES


@pytest.mark.parametrize("name", boards.names())
def test_memory_regions_are_apart(name: str) -> None:
    board = boards.load(name)
    assert board.flash_end <= board.ram_origin or board.ram_origin + board.ram_bytes <= board.flash_origin
    assert board.counter and board.qemu.machine


@pytest.mark.parametrize("name", boards.names())
def test_a_boards_profiles_are_made_for_its_core(name: str) -> None:
    board = boards.load(name)
    assert board.profiles and set(board.profiles) <= set(PROFILES)
    command = [build.tool("gcc", board.instruction_set), *build.machine_flags(board), "-dM", "-E", "-"]
    macros = subprocess.run(command, input="", capture_output=True, text=True, check=True).stdout
    fastest = "helium" if "__ARM_FEATURE_MVE " in macros else "fast" if "__ARM_FEATURE_DSP 1" in macros else "packed"
    assert board.profiles[0] == fastest


@pytest.mark.parametrize("name", boards.names())
def test_a_tick_is_an_instruction_or_less_than_half_of_one(name: str) -> None:
    ticks = boards.load(name).ticks_per_instruction
    assert ticks == 1 or ticks > 2


def test_ticks_per_instruction() -> None:
    assert boards.load("stm32f4").ticks_per_instruction == 1
    assert boards.load("mps2_an385").ticks_per_instruction == fractions.Fraction(32, 5)
    assert with_counter(1_000_000_000, 1).ticks_per_instruction == 2


@pytest.mark.parametrize(("counter_hz", "icount_shift"), [(25_000_000, 0), (1_000_000_000, 1), (900_000_000, 0)])
def test_a_coarse_counter_is_refused(monkeypatch: pytest.MonkeyPatch, counter_hz: int, icount_shift: int) -> None:
    coarse = with_counter(counter_hz, icount_shift)
    monkeypatch.setattr(boards, "read", lambda folder: coarse)
    with pytest.raises(BoardError, match="times per instruction, which counts no single ones"):
        boards.load("mps2_an385")


def test_qemu_arguments_of_a_board_with_options() -> None:
    image = clip_image.ClipImage(pathlib.Path("clips.bin"), 0x20000, (), 1)
    command = qemu.arguments(boards.load("nrf51"), pathlib.Path("firmware.elf"), image)
    assert command[:4] == ["-M", "microbit", "-global", "nrf51-soc.sram-size=0x8000"]
    assert command[command.index("-icount") + 1] == "shift=8,sleep=off"


def test_renode_only_where_it_has_the_board(tmp_path: pathlib.Path) -> None:
    board = boards.load("mps2_an385")
    image = clip_image.ClipImage(tmp_path / "clips.bin", 0x20000, (), 1)
    with pytest.raises(EmulatorError, match="no Renode platform for mps2_an385"):
        renode.setup_script(board, tmp_path / "firmware.elf", image, tmp_path)


@pytest.mark.parametrize("name", boards.names())
def test_every_code_equals_the_interpreter_and_the_count_is_exact(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, name: str
) -> None:
    """The firmware's count of an inference against QEMU's plugin, which sees every instruction."""
    bundle = bundles.load(small_bundle)
    firmware = build.build(bundle.c_folder, tmp_path, name)
    image = clip_image.write(tmp_path / "clip.bin", firmware, bundle.golden.features[:1])
    report = protocol.parse(qemu.run(firmware.board, firmware.elf, image, TIMEOUT_S))
    assert (report.board, report.step_error) == (name, 0)
    assert (report.clips[0].logits == bundle.golden.logits_single[0]).all()
    counted = counts.count(firmware, image, range(len(report.layer_instructions)), TIMEOUT_S)
    seen = sum(site.executed for site in counted.inference.values())
    assert 0 <= report.clips[0].instructions - seen <= CALL_INSTRUCTIONS
    objdump = build.tool("objdump", firmware.board.instruction_set)
    command = [objdump, "-d", "--no-show-raw-insn", str(firmware.elf)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ("\tsmlad\t" in listing) == (name in WITH_DSP)


@pytest.mark.slow
@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(8, 8), (4, 4)])
@pytest.mark.parametrize("name", boards.names())
def test_full_size_model(
    write_bundle: Callable[..., pathlib.Path],
    tmp_path: pathlib.Path,
    name: str,
    weight_bits: int,
    activation_bits: int,
) -> None:
    model = random_model.ds_cnn(3, weight_bits=weight_bits, activation_bits=activation_bits)
    result = bench.measure(settings(write_bundle(model), tmp_path, name, clips=6, random_codes=4))
    assert result["mismatches"] == 0 and result["board"] == name
    assert result["counter"].endswith("per instruction: exact in the calibration")
    assert result["counter"] in bench.table(result)
    total = result["instructions_per_inference"]
    assert sum(layer["instructions"] for layer in result["layers"]) == pytest.approx(total, rel=1e-3)


@pytest.mark.slow
def test_one_core_on_two_boards_counts_the_same(small_bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """TIM2, which ticks once per instruction, and the FPGA's counter, which does not."""
    found = [
        bench.measure(settings(small_bundle, tmp_path / name, name))["instructions_per_inference"]
        for name in ("stm32f4", "mps2_an386")
    ]
    assert abs(found[0] - found[1]) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", boards.names())
def test_a_fault_is_reported(
    write_bundle: Callable[..., pathlib.Path], small_model: IntegerModel, tmp_path: pathlib.Path, name: str
) -> None:
    bundle = write_bundle(small_model, clips=1, first="__builtin_trap();")
    with pytest.raises(protocol.DeviceError, match=r"FAULT kind=(UsageFault|HardFault|Breakpoint) pc=0x"):
        bench.measure(settings(bundle, tmp_path, name, clips=1, random_codes=0))


def test_a_wrong_rate_is_rejected(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = qemu.arguments

    def other_shift(*values: object) -> list[str]:
        return [item.replace("shift=8", "shift=7") for item in arguments(*values)]

    monkeypatch.setattr(qemu, "arguments", other_shift)
    with pytest.raises(MeasurementError, match=r"fpgaio ticked 320000 times for 100000 instructions .*expected 6.4"):
        bench.measure(settings(small_bundle, tmp_path, "mps2_an385", clips=1, random_codes=0))


@pytest.mark.parametrize(
    ("ticks", "step_error", "says"),
    [
        (640_000, 17, "moves in steps"),
        (640_000 - 256, 38, "moves in steps"),
        (640_000 + 2 * 256, 38, "moves in steps"),
        (640_000 + 4 * 256, 38, "ticked 641024 times"),
        (640_000 + 128, 16, "ticked 640128 times"),
        (6_400_000, 1000, "ticked 6400000 times"),
    ],
)
def test_what_is_wrong_with_a_counter(ticks: int, step_error: int, says: str) -> None:
    board = boards.load("mps2_an385")
    inference.check_counter(board, 640_000, 100_000, 16)
    with pytest.raises(MeasurementError, match=says):
        inference.check_counter(board, ticks, 100_000, step_error)


@pytest.mark.parametrize("phase", range(0, 256, 64))
def test_a_counter_that_moves_in_steps_is_rejected(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, phase: int
) -> None:
    """A counter of the right rate whose last bits stand still: the long loop alone would let it pass at some phases."""
    board = boards.load("mps2_an385")
    folder = tmp_path / "coarse"
    folder.mkdir()
    source = (board.driver / "board.c").read_text()
    fine = "return FPGAIO_COUNTER;"
    assert fine in source
    (folder / "board.c").write_text(source.replace(fine, f"return (FPGAIO_COUNTER + {phase}u) / 256u * 256u;"))
    monkeypatch.setattr(boards, "load", lambda name: dataclasses.replace(board, driver=folder))
    with pytest.raises(MeasurementError, match="fpgaio moves in steps"):
        bench.measure(settings(small_bundle, tmp_path / "build", "mps2_an385", clips=1, random_codes=0))


def test_a_cortex_m0_plus_takes_the_same_code(
    small_bundle: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = boards.load("nrf51")
    monkeypatch.setattr(boards, "load", lambda name: dataclasses.replace(board, cpu="cortex-m0plus"))
    result = bench.measure(settings(small_bundle, tmp_path, "nrf51", clips=4, random_codes=4))
    assert result["mismatches"] == 0
