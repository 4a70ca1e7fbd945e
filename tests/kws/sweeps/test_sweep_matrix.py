"""The matrix of a sweep: what it spells, and what it refuses."""

import json
import pathlib

import pytest

from kws.datasets import DatasetConfig
from kws.sweep import ABLATION, _chosen
from kws.sweeps import cell as cell_files
from kws.sweeps import matrix
from kws.sweeps.sweep_error import SweepError
from kws.training.settings import command_line
from kws_cli.command import UserError
from quant.method import Method

DATASET = DatasetConfig()
WIDTHS = {"W4A8": {"weight_bits": 4, "activation_bits": 8}, "W4A4": {"weight_bits": [4], "activation_bits": [4]}}
VARIANTS = {"QAT": {}, "QAT + SWD": {"method": {"squash": True}}}


def parse(**content: object) -> matrix.Matrix:
    return matrix.parse(content, DATASET, "m")


def test_widths_are_combined_with_variants_and_further_rows_follow() -> None:
    found = parse(
        settings={"float_epochs": 3, "method": {"cosine": 0.5}},
        widths=WIDTHS,
        variants=VARIANTS,
        left_out={"W4A4 QAT + SWD": "too slow"},
        rows={"wide first": {"weight_bits": [8, *[4] * 9], "distillation": 1}},
    )
    assert [row.name for row in found.rows] == ["W4A8 QAT", "W4A8 QAT + SWD", "W4A4 QAT", "wide first"]
    assert [row.width for row in found.rows] == ["W4A8", "W4A8", "W4A4", "mixed"]
    assert [row.slug for row in found.rows][1] == "w4a8-qat-swd"
    assert {row.config.float_epochs for row in found.rows} == {3}
    assert found.rows[1].config.method == Method(squash=True, cosine=0.5)
    assert found.rows[3].config.distillation == 1.0
    assert found.left_out == {"W4A4 QAT + SWD": "too slow"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"rows": {"a": {"wieght_bits": 4}}}, r"row 'a': unknown key 'wieght_bits'; known are .*weight_bits"),
        ({"rows": {"a": {"method": {"swd": True}}}}, r"unknown key 'swd'; known are equalize, squash"),
        ({"row": {}}, "unknown key 'row'; known are settings, widths"),
        ({"rows": {"a": {"seed": 1}}}, "seed is not set here but by the seeds of the sweep"),
        ({"rows": {"a": {"weight_bits": 9}}}, "row 'a': weight_bits=9: '9' is not a width from 2 to 8"),
        ({"rows": {"a": {"weight_bits": [4, 4]}}}, "gives 2 widths"),
        ({"rows": {"a": {"model": "resnet"}}}, "unknown model 'resnet'; known are ds_cnn_l"),
        ({"rows": {"a": {"float_epochs": "3"}}}, "float_epochs is '3', expected a int"),
        ({"rows": {"a": {"float_epochs": True}}}, "float_epochs is True, expected a int"),
        ({"rows": {"a": {"float_epochs": 0}}}, "float_epochs is 0, expected 1"),
        ({"rows": {"a": {"distillation": 1.5}}}, "distillation is 1.5, expected 0 to 1"),
        ({"rows": {"a": {"method": {"squash": 1}}}}, "squash is 1, expected a bool"),
        ({"rows": {"a": {"method": {"deviation": 0.1}}}}, "it needs squash"),
        ({"rows": {"a": {"method": 3}}}, "method is 3, expected a table"),
        ({"rows": {"a": {"method": {"qformat": "other"}}}}, "unknown qformat 'other'; known are per_layer, uniform"),
        ({"rows": {"a": {"method": {"accumulator_bits": 7}}}}, "accumulator_bits is 7, expected 8 to 32"),
        ({"rows": {"a": {"label_smoothing": 0.6}}}, "row 'a': label_smoothing is 0.6, expected 0 to 0.5"),
        ({"rows": {"a": {"float_ema": 1}}}, "row 'a': float_ema=1.0: expected a momentum"),
        ({"rows": {"a": {"float_teachers": "r"}}}, "float_teachers is 'r', expected a list of texts"),
        ({"rows": {"a": 3}}, "row 'a' is 3, expected a table"),
        ({"rows": 3}, "rows is 3, expected a table"),
        ({"rows": {"a b": {}, "a-B": {}}}, "row 'a-B' needs another name"),
        ({"rows": {"Float": {}}}, "needs another name"),
        ({"widths": WIDTHS}, "has no rows"),
        ({"widths": WIDTHS, "variants": VARIANTS, "left_out": {"W2A2 QAT": "x"}}, "left_out names 'W2A2 QAT'"),
    ],
)
def test_what_does_not_exist_is_named(content: dict, message: str) -> None:
    with pytest.raises(SweepError, match=message):
        parse(**content)


def test_a_file_that_cannot_be_read_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(SweepError, match=r"^can't read matrix=.*nowhere\.toml: No such file"):
        matrix.load(tmp_path / "nowhere.toml", DATASET)
    for name, text in (("m.toml", "rows = ["), ("m.json", "{rows}")):
        (tmp_path / name).write_text(text)
        with pytest.raises(SweepError, match=f"{name} is not (TOML|JSON): "):
            matrix.load(tmp_path / name, DATASET)
    (tmp_path / "m.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SweepError, match=r"^can't read matrix="):
        matrix.load(tmp_path / "m.toml", DATASET)
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(SweepError, match="holds a list, expected a table"):
        matrix.load(tmp_path / "list.json", DATASET)


def test_json_and_toml_spell_the_same(tmp_path: pathlib.Path) -> None:
    (tmp_path / "m.json").write_text(
        json.dumps({"rows": {"W4A4 + SWD": {"weight_bits": 4, "method": {"squash": True}}}})
    )
    (tmp_path / "m.toml").write_text('[rows]\n"W4A4 + SWD" = { weight_bits = [4], method = { squash = true } }\n')
    assert matrix.load(tmp_path / "m.json", DATASET) == matrix.load(tmp_path / "m.toml", DATASET)


def test_the_ablation_has_every_part_at_every_width_or_says_why_not() -> None:
    found = matrix.load(ABLATION, DATASET)
    widths = {row.width for row in found.rows}
    variants = {row.variant for row in found.rows}
    assert widths == {"W8A8", "W4A8", "W4A4", "W3A4", "W2A8"}
    assert len(found.rows) + len(found.left_out) == len(widths) * len(variants)
    by_variant = {row.variant: row.config for row in found.rows}
    assert len({str(config.method) + str(config.fixed_point_epochs) for config in by_variant.values()}) == 8
    without = by_variant["PTQ"]
    assert without.fixed_point_epochs == 0 and not without.method.equalize
    assert "--equalize=False" in command_line(without)
    assert all(row.config.float_stage == found.base.float_stage for row in found.rows)


def test_rows_are_chosen_by_pattern() -> None:
    rows = parse(widths=WIDTHS, variants=VARIANTS).rows
    assert [row.name for row in _chosen(rows, ("W4A4*", "* QAT"))] == ["W4A8 QAT", "W4A4 QAT", "W4A4 QAT + SWD"]
    with pytest.raises(UserError, match=r"--only=W9\* matches no row; the rows are: W4A8 QAT; "):
        _chosen(rows, ("W9*",))


def test_cells_of_a_seed_share_a_float_model_unless_they_change_it(tmp_path: pathlib.Path) -> None:
    found = parse(rows={"a": {"weight_bits": 4}, "b": {}, "medium": {"model": "ds_cnn_m"}})
    floats, cells = cell_files.plan(found, found.rows, (0, 7), tmp_path, None)
    assert [each.folder for each in cells][:3] == ["cells/a-seed0", "cells/b-seed0", "cells/medium-seed0"]
    sources = {cell.title: pathlib.Path(cell.float_run).relative_to(tmp_path).as_posix() for cell in cells}
    assert sources["a, seed 7"] == sources["b, seed 7"] == "float/seed7"
    assert sources["medium, seed 7"] == "float/model=ds_cnn_m-seed7"
    assert [each.title for each in floats][1] == "float (model=ds_cnn_m), seed 0"
    for cell, source in zip(cells, [*floats[:1] * 2, floats[1]], strict=False):
        assert cell.config.float_stage == source.config.float_stage
    taken, _ = cell_files.plan(found, found.rows, (7,), tmp_path, "somewhere/s{seed}")
    assert taken[0].float_run.endswith("somewhere/s7")


def test_a_cell_is_not_gone_on_with_under_other_settings(tmp_path: pathlib.Path) -> None:
    for bits in (4, 4, 3):
        found = parse(rows={"a": {"weight_bits": bits}})
        (cell,) = cell_files.plan(found, found.rows, (0,), tmp_path, None)[1]
        if bits == 3:
            with pytest.raises(SweepError, match=r"a, seed 0 was begun .* with weight_bits=\[4\], not \[3\]"):
                cell.write()
        else:
            cell.write()
            assert cell_files.read(cell.path) == cell
    cell.path.write_text("{}")
    with pytest.raises(SweepError, match="is no job of a sweep"):
        cell_files.read(cell.path)


def test_a_float_model_does_not_depend_on_what_comes_after_it(tmp_path: pathlib.Path) -> None:
    for settings in ({"float_epochs": 5}, {"float_epochs": 5, "fixed_point_learning_rate": 0.5}, {"float_epochs": 6}):
        found = parse(settings=settings, rows={"a": {}})
        (source,), _ = cell_files.plan(found, found.rows, (0,), tmp_path, None)
        if settings["float_epochs"] == 6:
            with pytest.raises(SweepError, match=r"float, seed 0 was begun .* with float_epochs=5, not 6"):
                source.write()
        else:
            source.write()
