"""Failures as files: the same model and inputs come back, and what is no such file is refused in one line."""

import json
import pathlib
import random

import numpy as np
import pytest

from export.fuzzing import case, failure_file
from export.fuzzing.fuzz_error import FuzzError
from export.fuzzing.tally import Failure


@pytest.mark.parametrize("number", range(6))
def test_what_was_written_comes_back(tmp_path: pathlib.Path, number: int) -> None:
    failure = Failure("C fast", "codes differ", case.drawn(9, number))
    again = failure_file.read(failure_file.write(tmp_path, failure))
    assert (again.check, again.reason) == (failure.check, failure.reason)
    assert again.case.model.sha256 == failure.case.model.sha256
    assert np.array_equal(again.case.codes, failure.case.codes) and again.case.salt == failure.case.salt


def test_damage_is_one_line(tmp_path: pathlib.Path) -> None:
    content = failure_file.write(tmp_path, Failure("C fast", "codes differ", case.drawn(9, 0))).read_text()
    rng = random.Random(0)
    refused = 0
    for i in range(150):
        path = tmp_path / f"{i}.json"
        place = rng.randrange(len(content))
        odd = rng.choice(["", "-", "9", "999999999999", "null", "[]", '"', "1e400", "NaN"])
        path.write_text(content[:place] + odd + content[place + 1 :])
        try:
            failure_file.read(path)
        except FuzzError as error:
            refused += 1
            assert "\n" not in str(error) and str(path) in str(error)
    assert refused > 50


def test_codes_that_the_input_has_not_are_refused(tmp_path: pathlib.Path) -> None:
    path = failure_file.write(tmp_path, Failure("C fast", "codes differ", case.drawn(9, 0)))
    value = json.loads(path.read_text())
    value["codes"][0][0][0][0] = 200
    path.write_text(json.dumps(value))
    with pytest.raises(FuzzError, match="int8"):
        failure_file.read(path)
    with pytest.raises(FuzzError, match="can't be read"):
        failure_file.read(tmp_path / "none.json")
