"""Mutants: what is changed, that a seed gives one sample, and what becomes of them in a small tree."""

import pathlib

import pytest

from kws_cli.command import UserError
from scripts import mutants, mutations
from scripts.mutants import KILLED, SURVIVED, TIMED_OUT, MutantsConfig

SOURCE = '''\
"""Fits 2 lanes."""

import functools

LIMIT: int | None = 3


@functools.lru_cache(8)
def fits(value: int | float) -> bool:
    return value < LIMIT and not value + 1 == 0
'''
TESTS = """\
from quant.formats import bound


def test_fits():
    assert bound.fits(2) and not bound.fits(4) and not bound.fits(-1)
"""


def test_changes_are_of_numbers_arithmetic_comparisons_and_logic_but_not_of_types_and_decorators() -> None:
    found = mutations.changes(SOURCE)
    operators = {line: [] for line, _ in found}
    for (line, _), options in found.items():
        operators[line] += [option.operator.removeprefix("core/") for option in options]
    assert set(operators) == {5, 10}
    assert operators[5] == ["NumberReplacer", "NumberReplacer"]
    assert set(operators[10]) == {
        "NumberReplacer",
        "ReplaceAndWithOr",
        "ReplaceBinaryOperator_Add_Sub",
        "ReplaceComparisonOperator_Eq_NotEq",
        "ReplaceComparisonOperator_Lt_Gt",
        "ReplaceComparisonOperator_Lt_LtE",
        "ReplaceUnaryOperator_Delete_Not",
    }


def test_a_mutant_shows_its_diff() -> None:
    change = mutations.changes(SOURCE)[5, 20][0]
    mutant = mutations.mutated("bound.py", SOURCE, change)
    assert mutant and mutant.diff == ("-LIMIT: int | None = 3", "+LIMIT: int | None = 4")
    assert mutant.source == SOURCE.replace("= 3", "= 4")


def test_every_operator_is_known_to_cosmic_ray() -> None:
    names = set(mutations.cosmic_ray.plugins.operator_names())
    assert not set(mutations.OPERATORS) - names


def test_a_seed_gives_one_sample_of_different_places() -> None:
    sources = {"b.py": SOURCE, "a.py": SOURCE}
    first = mutations.sample(sources, 8, seed=1)
    assert first == mutations.sample(dict(reversed(sources.items())), 8, seed=1)
    assert first != mutations.sample(sources, 8, seed=2)
    assert len({(mutant.path, mutant.change.position) for mutant in first}) == len(first) == 8
    assert {mutant.path for mutant in mutations.sample(sources, 99, seed=0)} == {"a.py", "b.py"}


@pytest.fixture(name="root")
def _root(tmp_path: pathlib.Path) -> pathlib.Path:
    """A tree with a module and its tests."""
    for path, text in {
        "quant/formats/bound.py": SOURCE,
        "tests/quant/formats/test_bound.py": TESTS,
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\nmarkers = ["slow"]\n',
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def _files(root: pathlib.Path) -> dict[pathlib.Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_survivors_are_what_tests_do_not_see_and_the_tree_stays_as_it_is(root: pathlib.Path) -> None:
    before = _files(root)
    config = MutantsConfig(count=99, seed=3, modules=("quant/formats",))
    results = list(mutants.try_mutants(root, config))
    assert _files(root) == before
    unseen = {"+LIMIT: int | None = 4", "+    return value <= LIMIT and not value + 1 == 0"}
    for result in results:
        assert (result.outcome == SURVIVED) == (result.mutant.diff[1] in unseen), result.mutant.diff
        assert result.outcome in (KILLED, SURVIVED)
    found = mutants.summary(results, 3)
    assert found["mutants"] == len(results) == len(mutations.changes(SOURCE))
    assert found["survived"] == sum(result.outcome == SURVIVED for result in results) > 0
    text = mutants.report(found)
    assert "quant/formats/bound.py:" in text and f"{found['survived']} survived" in text.splitlines()[-1]


def test_tests_that_hang_are_stopped_at_their_time_limit(root: pathlib.Path) -> None:
    (root / "tests/quant/formats/test_bound.py").write_text("import time\n\n\ndef test_hangs():\n    time.sleep(600)\n")
    assert mutants.run_tests(root, ["tests/quant/formats"], 3.0) == TIMED_OUT


def test_tests_that_fail_without_a_mutant_are_named(root: pathlib.Path) -> None:
    (root / "tests/quant/formats/test_bound.py").write_text("def test_fails():\n    assert False\n")
    with pytest.raises(UserError, match=r"mend them first: FAILED tests/quant/formats/test_bound\.py::test_fails"):
        list(mutants.try_mutants(root, MutantsConfig(count=1, modules=("quant/formats",))))


def test_tests_are_those_of_the_room_and_the_module_s_own_come_first(root: pathlib.Path) -> None:
    assert mutants.tests_of(root, "quant/formats/deeper/bound.py") == ("tests/quant/formats/test_bound.py",)
    kernels = mutants.tests_of(mutants.ROOT, "export/plan/kernels/dsp/matrix_loops.py")
    assert "tests/export/plan/test_bounds.py" in kernels and list(kernels) == sorted(kernels)
    accumulator = mutants.tests_of(mutants.ROOT, "export/model/random_model.py")
    assert accumulator[0] == "tests/export/model/test_random_model.py" and len(accumulator) > 3
    assert "tests/quant/test_qformat.py" in mutants.tests_of(mutants.ROOT, "quant/qformat.py")
    with pytest.raises(UserError, match=r"export/model/x\.py has no tests"):
        mutants.tests_of(root, "export/model/x.py")


def test_settings_are_refused_in_a_line(root: pathlib.Path) -> None:
    with pytest.raises(UserError, match="--modules=quant/none has no Python modules"):
        mutants.modules(root, ["quant/none"])
    for fields, message in (({"count": 0}, "--count=0"), ({"workers": 0}, "--workers=0"), ({"timeout_s": 0}, "=0:")):
        with pytest.raises(UserError, match=message):
            MutantsConfig(**fields)


def test_the_modules_that_are_changed_by_default_are_there() -> None:
    assert {"export/plan/scale.py", "quant/qformat.py"} < set(mutants.modules(mutants.ROOT, mutants.MODULES))
