"""Pages replace pages, and no other file."""

import pathlib

import pytest

from kws_cli import command
from kws_cli.command import UserError

PAGE = "<!doctype html>\n<title>a</title>\n"


def test_a_page_replaces_a_page(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "deep" / "a.html"
    command.write_page(path, PAGE, "page")
    command.write_page(path, PAGE.upper(), "page")
    command.check_page(path, "page")
    assert path.read_text() == PAGE.upper()
    (tmp_path / "empty").touch()
    command.write_page(tmp_path / "empty", PAGE, "page")
    assert (tmp_path / "empty").read_text() == PAGE


def test_what_is_no_page_stays(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text('{"measured": "for hours"}')
    for refuse in (lambda: command.check_page(path, "report"), lambda: command.write_page(path, PAGE, "report")):
        with pytest.raises(UserError, match=r"^--report=.*bench.json exists and is no HTML page: give another path$"):
            refuse()
    assert path.read_text() == '{"measured": "for hours"}' and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("place", "reason"),
    [(".", "Is a directory"), ("file/a.html", "Not a directory"), ("/proc/none/a.html", "No such file or directory")],
)
def test_where_nothing_can_be_written_is_said_before(place: str, reason: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"^can't write --page=.*: {reason}: give another path$"):
        command.check_page(tmp_path / place, "page")
