"""A run counts, goes on where it stopped, and says what it was asked for that can't be."""

import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from export.fuzzing import campaign, failure_file, journal
from export.fuzzing.campaign import FuzzConfig
from export.fuzzing.case import Case
from export.fuzzing.fuzz_error import FuzzError
from export.fuzzing.tally import Failure, Tally
from export.plan.kernels import profiles


def counting(cases: Sequence[Case], tally: Tally, only: str | None = None) -> list[Failure]:
    tally.compared["it"] += len(cases)
    return [Failure("it", "is wrong", one) for one in cases if one.name.endswith(" 3")]


def run(folder: pathlib.Path, models: int, check: Any = counting) -> campaign.Campaign:
    made = campaign.begun(FuzzConfig(models=models, seed=1, batch=2, folder=folder), "test")
    made.run("test", check, profiles.PORTABLE)
    return made


def test_it_goes_on_where_it_stopped(tmp_path: pathlib.Path) -> None:
    first = run(tmp_path, 6)
    assert first.journal.total.models == 6 and first.journal.total.failures == 1
    assert [failure_file.read(path).case.name for path in first.files] == ["seed 1, model 3"]
    drawn = []

    def seen(cases: Sequence[Case], tally: Tally, only: str | None = None) -> list[Failure]:
        drawn.extend(one.name for one in cases)
        return counting(cases, tally)

    again = run(tmp_path, 9, seen)
    assert drawn == ["seed 1, model 6", "seed 1, model 7", "seed 1, model 8"]
    total = again.journal.total
    assert total.models == total.compared["it"] == 9 and total.failures == 1
    assert total.refusals.total() > 10 and "9 models" in total.table()


def test_a_line_that_was_cut_short_is_done_again(tmp_path: pathlib.Path) -> None:
    run(tmp_path, 4)
    path = tmp_path / journal.FILE
    path.write_bytes(path.read_bytes()[:-20])
    assert run(tmp_path, 4).journal.total.models == 4
    assert len(path.read_text().splitlines()) == 2


def test_batches_of_another_run_do_not_count(tmp_path: pathlib.Path) -> None:
    run(tmp_path, 4)
    other = campaign.begun(FuzzConfig(models=4, seed=2, batch=2, folder=tmp_path), "test")
    assert other.journal.total.models == 0


def test_what_is_no_journal_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / journal.FILE).write_text('{"run": 5}\n')
    with pytest.raises(FuzzError, match="line 1"):
        run(tmp_path, 2)
    (tmp_path / "file").touch()
    with pytest.raises(FuzzError, match=r"folder=.*file: .* give another"):
        run(tmp_path / "file", 2)


@pytest.mark.parametrize("flag", ["--models=0", "--seed=-1", "--batch=0", "--seconds=0", "--seconds=nan"])
def test_settings_that_can_not_be_are_one_line(flag: str) -> None:
    name, _, value = flag.removeprefix("--").partition("=")
    with pytest.raises(FuzzError, match=f"^{name}={value}: give"):
        FuzzConfig(**{name: float(value) if name == "seconds" else int(value)})


def test_a_file_that_is_not_there_is_one_line(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-m", "export.fuzz", "--models=0", f"--folder={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr == "error: --models=0: give 1 or more\n"
