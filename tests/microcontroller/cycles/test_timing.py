"""The Cortex-M4's timing table on disassembled instructions."""

import pytest

from microcontroller.cycles import counts, disassembly, timing
from microcontroller.cycles.counts import Site
from microcontroller.cycles.cycles_error import CyclesError
from microcontroller.cycles.disassembly import Instruction
from microcontroller.cycles.estimate import cycles_of

LISTING = """
firmware.elf:     file format elf32-littlearm

Disassembly of section .engine_text:

08000040 <fxp_dense_s8>:
 8000040:	stmdb	sp!, {r4, r5, r6, lr}
 8000044:	ldr	r3, [pc, #24]	@ (8000060 <fxp_dense_s8+0x20>)
 8000046:	ldrsb.w	r2, [r3], #1
 800004a:	smlabb	r0, r2, r1, r0
 800004e:	bne.n	8000044 <fxp_dense_s8+0x4>
 8000050:	ldmia.w	sp!, {r4, r5, r6, pc}
"""


def one(text: str) -> Instruction:
    (instruction,) = disassembly.parse(f" 0:\t{text}").values()
    return instruction


def test_parse() -> None:
    program = disassembly.parse(LISTING)
    assert list(program) == [0x8000040, 0x8000044, 0x8000046, 0x800004A, 0x800004E, 0x8000050]
    assert program[0x8000044] == Instruction("ldr", "r3, [pc, #24]")
    assert program[0x800004E].mnemonic == "bne"
    assert program[0x8000046].address_registers == ("r3",)
    assert program[0x8000050].registers == ("r4", "r5", "r6", "pc")


@pytest.mark.parametrize(
    ("text", "registers"),
    [
        ("push\t{r4, r5, lr}", ("r4", "r5", "lr")),
        ("ldmia.w\tr0!, {r1, sl, ip}", ("r1", "r10", "r12")),
        ("stmia.w\tr0, {r4-r7}", ("r4", "r5", "r6", "r7")),
        ("ldmia.w\tr0, {r8-fp}", ("r8", "r9", "r10", "r11")),
        ("add.w\tip, r1, fp", ("r12", "r1", "r11")),
    ],
)
def test_registers(text: str, registers: tuple[str, ...]) -> None:
    assert one(text).registers == registers


@pytest.mark.parametrize(
    ("text", "cycles"),
    [
        ("adds\tr0, r1, r2", 1),
        ("mul.w\tr0, r1, r2", 1),
        ("smlad\tr0, r1, r2, r0", 1),
        ("smlald\tr0, r1, r2, r3", 1),
        ("usat\tr0, #7, r1, asr #9", 1),
        ("it\tge", 1),
        ("bic.w\tr0, r1, #3", 1),
        ("ldr\tr0, [r1, #4]", 2),
        ("ldrsb.w\tr0, [r1], #1", 2),
        ("ldrhge\tr0, [r1]", 2),
        ("str\tr0, [r1, #4]", 1),
        ("strb.w\tr0, [r1], #1", 1),
        ("str.w\tr0, [r1, r2]", 2),
        ("ldrd\tr0, r1, [r2]", 3),
        ("strd\tr0, r1, [r2], #8", 3),
        ("ldmia.w\tr0!, {r1, r2, r3}", 4),
        ("push\t{r4, r5, r6, r7, lr}", 6),
        ("b.n\t8000044", 1),
        ("bls.n\t8000044", 1),
        ("tbb\t[pc, r0]", 2),
        ("udiv\tr0, r1, r2", 12),
    ],
)
def test_alone(text: str, cycles: int) -> None:
    assert timing.cycles(one(text)) == cycles


@pytest.mark.parametrize(
    ("behind", "text", "cycles"),
    [
        ("ldr\tr0, [r1]", "ldr\tr2, [r3]", 1),
        ("ldr\tr0, [r1]", "ldr\tr2, [r0]", 2),
        ("ldr\tr0, [r1]", "str\tr0, [r3, #20]", 1),
        ("ldr\tr0, [r1]", "str.w\tr0, [r3, r2]", 1),
        ("ldr\tr0, [r1]", "str.w\tr2, [r3, r0]", 2),
        ("str\tr0, [r1]", "ldr\tr2, [r3]", 2),
        ("ldrd\tr0, r1, [r4]", "ldr\tr2, [r3]", 2),
        ("ldr\tr0, [r1]", "ldrd\tr2, r3, [r4]", 3),
        ("adds\tr1, #4", "ldr\tr2, [r1]", 3),
        ("adds\tr2, #4", "ldr\tr2, [r1]", 2),
        ("cmp\tr1, r2", "ldr\tr2, [r1]", 2),
        ("smull\tr0, r1, r2, r3", "str\tr4, [r1]", 2),
        ("sub\tsp, #8", "push\t{r4, lr}", 4),
        ("adds\tr0, #4", "ldmia.w\tr0!, {r1, r2}", 4),
        ("ldr\tr0, [r1]", "adds\tr2, #1", 1),
    ],
)
def test_behind_another(behind: str, text: str, cycles: int) -> None:
    assert timing.cycles(one(text), one(behind)) == cycles


@pytest.mark.parametrize("text", ["vadd.f32\ts0, s1, s2", "wfi", "svc\t0"])
def test_what_is_not_on_the_path(text: str) -> None:
    with pytest.raises(ValueError, match="no timing for"):
        timing.cycles(one(text))


def test_neighbours_and_jumps() -> None:
    program = disassembly.parse(" 10:\tldr\tr0, [r1]\n 12:\tldr\tr2, [r3]\n 14:\tbne.n\t12\n")
    # The loop runs from the second load: entered once from above, pipelined, and jumped to four times.
    segment = {0x10: Site(1, 0, 1), 0x12: Site(5, 0, 4), 0x14: Site(5, 4, 0)}
    assert cycles_of(program, segment) == 2 + (1 + 4 * 2) + (5 * 1 + 4 * timing.REFILL)


def test_counts_of_another_model() -> None:
    text = "0 0 8000040 1 0 1\n1 0 8000040 1 0 1\n2 0 8000040 1 0 1\n2 1 8000044 3 2 1\n"
    parsed = counts.parse(text, [0])
    assert parsed.inference == {0x8000040: Site(1, 0, 1)} and len(parsed.layers) == 1
    with pytest.raises(CyclesError, match="QEMU's plugin saw the segments"):
        counts.parse(text, [0, 1])


def test_rows_of_a_layer_that_were_seen_one_by_one_are_counted_together() -> None:
    head = "0 0 8000040 1 0 1\n1 0 8000040 1 0 1\n"
    rows = "2 0 8000040 5 1 1\n2 1 8000044 3 2 1\n2 2 8000040 2 1 0\n2 2 8000048 1 0 1\n2 3 8000044 1 0 0\n"
    parsed = counts.parse(head + rows, [0, 1, 0])
    assert parsed.layers == ({0x8000040: Site(7, 2, 1), 0x8000048: Site(1, 0, 1)}, {0x8000044: Site(3, 2, 1)})
