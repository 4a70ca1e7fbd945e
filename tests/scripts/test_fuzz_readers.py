"""A fuzzer's seconds are of CPU and add up over runs in a folder; what crashed ends a run."""

import os
import pathlib
import sys

import pytest

from kws_cli import command
from scripts import fuzz_readers
from scripts.fuzz_readers import Counts


def test_pieces_add_up_to_the_seconds_that_were_asked_for(tmp_path: pathlib.Path) -> None:
    asked = []

    def piece(seconds: int) -> tuple[int, float, int]:
        asked.append(seconds)
        return 0, seconds / 2, 10  # half of a core

    assert fuzz_readers._until(400.0, tmp_path / "report.json", piece) == 0
    assert asked[0] == 300 and asked[1] == 250
    done = fuzz_readers._counts(tmp_path / "report.json")
    assert 399 < done.cpu_seconds < 402 and done.inputs == 10 * len(asked)


def test_a_run_goes_on_where_the_last_one_was_stopped(tmp_path: pathlib.Path) -> None:
    counts = tmp_path / "report.json"
    fuzz_readers._until(100.0, counts, lambda seconds: (0, 100.0, 7))
    assert fuzz_readers._until(100.0, counts, lambda seconds: pytest.fail("it was done")) == 0
    assert fuzz_readers._until(101.0, counts, lambda seconds: (0, float(seconds), 1)) == 0
    assert fuzz_readers._counts(counts) == Counts(101.0, 8)


def test_a_crash_ends_a_run_and_is_counted(tmp_path: pathlib.Path) -> None:
    assert fuzz_readers._until(100.0, tmp_path / "report.json", lambda seconds: (77, 1.0, 5)) == 77
    assert fuzz_readers._counts(tmp_path / "report.json") == Counts(1.0, 5)


def test_a_damaged_count_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "report.json").write_text('{"cpu_seconds": "many"}')
    with pytest.raises(command.UserError, match=r"report\.json can't be read.*counting begins anew"):
        fuzz_readers._counts(tmp_path / "report.json")


def test_a_piece_counts_its_process(capfd: pytest.CaptureFixture[str]) -> None:
    says = (
        "import sys; sum(range(3_000_000)); print('stat::number_of_executed_units: 12', file=sys.stderr); sys.exit(3)"
    )
    code, cpu_seconds, inputs = fuzz_readers._piece([sys.executable, "-c", says], dict(os.environ))
    assert (code, inputs) == (3, 12) and cpu_seconds > 0
    assert "executed_units: 12" in capfd.readouterr().err
