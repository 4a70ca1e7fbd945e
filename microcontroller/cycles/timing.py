"""Cortex-M4 instruction timing: what an executed instruction takes, in cycles with zero wait states.

Source: Arm Cortex-M4 Technical Reference Manual, section 3.3 (table of processor instructions, load/store timings).
Where it gives a range or depends on what a count of executions can't tell, this model assumes:

- a refill of the pipeline (1 to 3 cycles) takes `REFILL`;
- a division (2 to 12) takes `DIVISION`;
- an instruction that an IT block skips takes as long as one that runs, and no IT instruction is folded away;
- no literal load waits for the fetch unit, and no access is unaligned or finds the write buffer full.
"""

import re

from microcontroller.cycles.disassembly import Instruction

CPU = "cortex-m4"
REFILL = 2
DIVISION = 12
_CONDITION = "(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?:{pattern}){_CONDITION}$")


_MULTIPLE = _compiled("ldm|ldmia|ldmdb|ldmfd|ldmea|pop|stm|stmia|stmdb|stmea|stmfd|push")
_DOUBLE = _compiled("ldrd|strd")
_LOAD = _compiled("ldr|ldrb|ldrh|ldrsb|ldrsh")
_STORE = _compiled("str|strb|strh")
_BRANCH = _compiled("b|bl|bx|blx|cbz|cbnz")
_TABLE_BRANCH = _compiled("tbb|tbh")
_DIVIDE = _compiled("udiv|sdiv")
_SPECIAL = _compiled("mrs|msr")
_WITHOUT_RESULT = re.compile(r"cmp|cmn|tst|teq|nop|it[te]*$|dsb|dmb|isb|cps")
_LONG_MULTIPLY = re.compile("[us]mull|[us]mlal|smlsl|umaal")
_UNKNOWN = re.compile("v|wf|svc|bkpt|udf|ldrex|strex|ldc|stc|mcr|mrc|cdp|pld")


def cycles(instruction: Instruction, behind: Instruction | None = None) -> int:
    """Cycles of one execution, without what a jump from it adds.

    Args:
      behind: the instruction that ran directly before and lies before it in memory; None where another one did.

    Raises:
      ValueError: an instruction that has no place on an inference's path on this core.
    """
    name = instruction.mnemonic
    if _UNKNOWN.match(name):
        raise ValueError(f"no timing for {name} {instruction.operands}: not on an integer inference's path")
    if _MULTIPLE.match(name):
        return 1 + len(instruction.registers) + _stall(instruction, behind)
    if _DOUBLE.match(name):
        return 3 + _stall(instruction, behind)
    if _LOAD.match(name):
        return 2 - _is_pipelined(instruction, behind) + _stall(instruction, behind)
    if _STORE.match(name):
        by_register = len(instruction.address_registers) > 1
        return 1 + (by_register and not _is_pipelined(instruction, behind)) + _stall(instruction, behind)
    if _TABLE_BRANCH.match(name):
        return 2
    if _DIVIDE.match(name):
        return DIVISION
    return 2 if _SPECIAL.match(name) else 1


def _is_access(instruction: Instruction) -> bool:
    return any(kind.match(instruction.mnemonic) for kind in (_MULTIPLE, _DOUBLE, _LOAD, _STORE))


def _is_pipelined(access: Instruction, behind: Instruction | None) -> bool:
    """Whether a single load or store overlaps with a load before it: only if that does not give its address."""
    if behind is None or not _LOAD.match(behind.mnemonic):
        return False
    return behind.registers[0] not in access.address_registers


def _stall(access: Instruction, behind: Instruction | None) -> int:
    """One cycle where the address is the result of the data processing instruction directly before."""
    if behind is None or _is_access(behind) or _BRANCH.match(behind.mnemonic):
        return 0
    return int(bool(set(_results(behind)) & set(_base(access))))


def _base(access: Instruction) -> tuple[str, ...]:
    if access.mnemonic.startswith(("push", "pop")):
        return ("sp",)
    if _MULTIPLE.match(access.mnemonic):
        return Instruction("", access.operands.partition("{")[0]).registers
    return access.address_registers


def _results(instruction: Instruction) -> tuple[str, ...]:
    if _WITHOUT_RESULT.match(instruction.mnemonic):
        return ()
    return instruction.registers[: 2 if _LONG_MULTIPLY.match(instruction.mnemonic) else 1]
