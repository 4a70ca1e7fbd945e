"""Columns are as wide as their widest cell; text is flush left, numbers are flush right."""

import pytest

from kws_cli.table import aligned, padded

ROWS = [["layer", "op", "codes"], ["a", "", "1,024"], ["pooling", "sum", "7"]]


def test_text_is_flush_left_and_numbers_are_flush_right() -> None:
    assert aligned(ROWS, left=2) == ["layer    op   codes", "a             1,024", "pooling  sum      7"]


def test_all_columns_are_text_unless_told_otherwise_and_no_line_ends_in_spaces() -> None:
    assert aligned(ROWS) == ["layer    op   codes", "a             1,024", "pooling  sum  7"]
    assert aligned([("a", "b"), ("cc", "")]) == ["a   b", "cc"]


def test_padded_cells_keep_their_columns_width() -> None:
    assert padded([("a", "b"), ("cc", "")], left=1) == [["a ", "b"], ["cc", " "]]


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        aligned([("a", "b"), ("c",)])
