"""Boards are judged by the code of their own core."""

import pathlib
import re

import pytest
from report_material import results

from export.plan import goals
from kws.reports import board_fit, measured, subject
from kws.reports.measured import Bench, Streaming
from kws.reports.subject import Subject


def subject_of(path: pathlib.Path, *measured_values: tuple[dict, type]) -> Subject:
    """A bundle with results, of which each is changed JSON of a command."""
    found = tuple(measured.shaped(values, kind, "m", "microcontroller.bench") for values, kind in measured_values)
    return Subject("small", subject.bundles.load(path), results=found)


def fits_of(one: Subject, *boards: board_fit.BoardToBuy) -> dict[str, board_fit.Fit]:
    return {fit.board.name: fit for fit in board_fit.fits(one, boards or None)}


def test_boards_take_shares_of_what_was_measured_on_their_core(bundle: pathlib.Path) -> None:
    found = results(bundle)
    fits = fits_of(subject_of(bundle, (found["bench"], Bench), (found["streaming"], Streaming)))
    nano = fits["Arduino Nano 33 BLE (nRF52840)"]
    assert (nano.ram, nano.flash, nano.answer, nano.at_least) == (1 / 16, 1 / 16, "yes", False)
    assert nano.milliseconds == pytest.approx(1.5e6 / 64e3)
    assert nano.listening == pytest.approx(1.25 * 4e6 * 1.5 / 64e6)
    assert nano.code.is_measured and nano.code.profile == "fast"
    assert all(re.match(r"[\w-]+/[\w-]+ (boards|dts)/", board.source) for board in board_fit.boards_to_buy())
    assert {board.core for board in board_fit.boards_to_buy()} >= {
        "cortex-m0plus",
        "cortex-m33",
        "rv32imc",
        "xtensa lx7",
    }


def test_a_board_is_judged_by_its_own_cores_code(bundle: pathlib.Path) -> None:
    """The Cortex-M4's code, which a Cortex-M0 can't run, takes more than it has."""
    found = results(bundle)
    streaming = found["streaming"] | {"ram_bytes": 17_000}
    one = subject_of(bundle, (found["bench"], Bench), (streaming, Streaming))
    name = "BBC micro:bit v1 (nRF51822)"
    first = fits_of(one)[name]
    assert (first.answer, first.code.profile, first.code.is_measured) == ("in memory", "packed", False)
    assert (first.milliseconds, first.listening) == (None, None) and 0 < first.ram < 1
    # Counted on its own kind of core: the least that it takes, as nobody estimates its cycles.
    m0 = {"board": "nrf51", "profile": "packed", "ram_bytes": 12_288, "estimated_cycles": None}
    own = (found["bench"] | m0, Bench), (streaming | m0, Streaming)
    first = fits_of(subject_of(bundle, *own, (found["bench"], Bench), (streaming, Streaming)))[name]
    assert (first.answer, first.at_least, first.code.is_measured, first.ram) == ("in memory", True, True, 0.75)
    assert (first.milliseconds, first.listening) == (pytest.approx(1e6 / 16e3), pytest.approx(4e6 / 16e6))
    slow = m0 | {"instructions_per_second_of_audio": {"total": 20_000_000}}
    assert fits_of(subject_of(bundle, (streaming | slow, Streaming)))[name].answer == "no"


def test_less_memory_is_taken_where_a_board_has_less(bundle: pathlib.Path) -> None:
    model = subject.bundles.load(bundle).model
    fast, least = (goals.needed(model, profile) for profile in ("fast", "ram"))
    assert least < 3 * 1024 < fast

    def board(core: str, ram_kb: int) -> board_fit.BoardToBuy:
        return board_fit.BoardToBuy(f"{core} {ram_kb}", core, 64, ram_kb, 512, "")

    asked = {("cortex-m4", 64): "fast", ("cortex-m4", 3): "ram", ("cortex-m3", 64): "packed", ("rv32imc", 64): "packed"}
    asked |= {("cortex-m55", 64): "helium", ("cortex-m0plus", 64): "packed", ("cortex-m7", 64): "fast"}
    fits = fits_of(subject_of(bundle), *(board(*each) for each in asked))
    assert {tuple(name.split()): fit.code.profile for name, fit in fits.items()} == {
        (core, str(ram_kb)): profile for (core, ram_kb), profile in asked.items()
    }
    assert {fit.answer for fit in fits.values()} == {"in memory"}
    assert fits["cortex-m4 3"].ram == least / 3 / 1024
    nothing = fits_of(subject_of(bundle), board("cortex-m4", 1))["cortex-m4 1"]
    assert (nothing.answer, nothing.code.profile, nothing.ram) == ("no", "ram", least / 1024)
    small = fits_of(subject_of(bundle, (results(bundle)["bench"], Bench)), board("cortex-m4", 3))["cortex-m4 3"]
    assert (small.code.profile, small.code.is_measured, small.milliseconds) == ("ram", False, None)
