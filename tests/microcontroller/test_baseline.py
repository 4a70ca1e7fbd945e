"""The gate on instruction counts."""

import dataclasses
import pathlib

import pytest

from export.plan import PROFILES
from kws_cli.command import UserError
from microcontroller import baseline
from microcontroller.baseline import Baseline

KEPT = Baseline("arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205 -O2", {"w8a8": {"fast": 1000, "portable": 5000}})


def test_one_percent_is_borne_and_more_is_worse() -> None:
    measured = Baseline("gcc", {"w8a8": {"fast": 1010, "portable": 4000}})
    assert baseline.worse(measured, KEPT) == []
    measured = Baseline("gcc", {"w8a8": {"fast": 1011, "portable": 5051}})
    lines = baseline.worse(measured, KEPT)
    assert len(lines) == 2 and "w8a8, profile fast: 1,011 instructions, 1.10% over the kept 1,000" in lines[0]


def test_more_estimated_cycles_are_worse_too() -> None:
    kept = dataclasses.replace(KEPT, cycles={"w8a8": {"fast": {"a": 900, "b": 100}}})
    for cycles, bad in ((1010, False), (1011, True)):
        measured = Baseline("gcc", {"w8a8": {"fast": 1000}}, cycles={"w8a8": {"fast": {"a": cycles}, "new": {"a": 1}}})
        lines = baseline.worse(measured, kept)
        assert lines == (["w8a8, profile fast: 1,011 estimated cycles, 1.10% over the kept 1,000"] if bad else [])
        assert "1,011 cycles" in baseline.table(measured, kept) or not bad


def test_a_new_profile_has_to_be_written() -> None:
    measured = Baseline("gcc", {"w8a8": {"fast": 1000, "small": 1}, "w2a2": {"fast": 1}})
    lines = baseline.worse(measured, KEPT)
    assert ["--write" in line for line in lines] == [True, True]


def test_a_case_that_a_compiler_was_never_at_hand_for_is_no_worse() -> None:
    measured = Baseline("gcc", {"w8a8": {"fast": 1000, "packed": 1}})
    assert baseline.worse(measured, dataclasses.replace(KEPT, uncounted=("packed",))) == []
    assert len(baseline.worse(measured, KEPT)) == 1


def test_the_compiler_of_set_up_on_debian_12_has_counted_everything_by_layer() -> None:
    kept = baseline.read()["12"]
    assert not kept.uncounted and set(kept.layers["w8a8"]) == set(baseline.cases())


def test_table_shows_the_change() -> None:
    text = baseline.table(Baseline("gcc", {"w8a8": {"fast": 900, "small": 7}}), KEPT)
    assert "-10.00%" in text and "new" in text


def test_written_counts_are_read_again_and_those_of_other_compilers_stay(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "baseline.json"
    with pytest.raises(UserError, match="write it with"):
        baseline.read(path)
    older, newer = Baseline("gcc (Debian) 9.3.1 -O2", {"w8a8": {"fast": 1}}), dataclasses.replace(KEPT, instructions={})
    for measured in (KEPT, older, newer):
        baseline.write(measured, path)
    assert list(baseline.read(path).items()) == [("9", older), ("12", newer)]
    path.write_text('{"compiler": 1}')
    with pytest.raises(UserError, match="can't be read"):
        baseline.read(path)


def test_a_compilers_counts_are_found_by_its_major_version() -> None:
    kept = {"12": KEPT}
    assert baseline.of_compiler(kept, "arm-none-eabi-gcc (Arm GNU Toolchain 12.3.Rel1) 12.3.1 20230626 -O2") is KEPT
    with pytest.raises(UserError, match=r"no counts are kept for GCC 14, only for 12: keep them with .*--write"):
        baseline.of_compiler(kept, "arm-none-eabi-gcc (15:14.2.rel1-1) 14.2.1 20241119 -O2")
    with pytest.raises(UserError, match="no version in 'clang'"):
        baseline.of_compiler(kept, "clang")


@pytest.mark.parametrize("version", baseline.read())
def test_every_model_and_profile_is_kept(version: str) -> None:
    kept = baseline.read()[version]
    assert baseline.major_version(kept.compiler) == version
    assert list(kept.instructions) == ["w8a8", "w4a8", "w4a4"]
    counted = set(baseline.cases()) - set(kept.uncounted)
    assert all(set(profiles) == counted for profiles in kept.instructions.values()), (
        "run python -m microcontroller.baseline --write"
    )


@pytest.mark.parametrize("version", baseline.read())
def test_layers_make_up_a_network(version: str) -> None:
    kept = baseline.read()[version]
    for model, profiles in kept.layers.items():
        for profile, layers in profiles.items():
            assert sum(layers.values()) == pytest.approx(kept.instructions[model][profile], rel=0.001)


def test_every_profile_is_counted_on_a_core_that_it_is_made_for() -> None:
    assert {profile: baseline.board(profile) for profile in PROFILES} == {
        "fast": "stm32f4",
        "small": "stm32f4",
        "packed": "mps2_an385",
        "portable": "stm32f4",
        "helium": "mps3_an547",
        "cycles": "stm32f4",
        "ram": "stm32f4",
    }


def test_a_count_of_wrong_answers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"mismatches": 3, "instructions_per_inference": 1, "compiler": "gcc"}
    monkeypatch.setattr(baseline.bench, "measure", lambda config: wrong)
    with pytest.raises(UserError, match="3 logit codes differ"):
        baseline.measure()


@pytest.mark.slow
def test_no_count_is_more_than_one_percent_worse() -> None:
    every, measured = baseline.read(), baseline.measure()
    version = baseline.major_version(measured.compiler)
    if version not in every:
        pytest.skip(f"counts are kept for GCC {', '.join(every)}, this machine has {measured.compiler}")
    kept = every[version]
    assert baseline.worse(measured, kept) == []
    # The gate bites: the same counts against a baseline that is a little better.
    better = {name: {p: int(n / 1.02) for p, n in profiles.items()} for name, profiles in kept.instructions.items()}
    lines = baseline.worse(measured, dataclasses.replace(kept, instructions=better))
    assert len(lines) == sum(len(profiles) for profiles in better.values())
