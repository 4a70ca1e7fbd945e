"""C stands in for Python where it is there and equal; where it isn't, one line says so and Python serves."""

import multiprocessing
import os
import pathlib

import pytest

from export.host import compiler, stand_in
from export.host.library import INTEGER, HostLibrary, LibraryDefinition
from microcontroller.c_sources import CSources


@pytest.fixture
def answer(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> type[HostLibrary]:
    """A library with one function, which gives 42; its folder is the fixture's, and so is the user's."""
    (tmp_path / "answer.c").write_text("int the_answer(void);\nint the_answer(void) {\n    return 42;\n}\n")

    class Answer(HostLibrary):
        definition = LibraryDefinition(
            lambda: CSources((), (), (), tmp_path), "answer.c", (), "the_", {"answer": (INTEGER,)}
        )

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    stand_in._say.cache_clear()
    return Answer


def built(library: type[HostLibrary], tmp_path: pathlib.Path, expected: int = 42) -> HostLibrary | None:
    return stand_in.stand_in(
        "the answer",
        lambda build_dir: library.build(tmp_path, build_dir),
        lambda found: found._call("answer") == expected,
    )


def test_what_is_equal_serves_and_is_kept(answer, tmp_path, monkeypatch, capsys) -> None:
    first = built(answer, tmp_path)
    assert first._call("answer") == 42
    kept = list((tmp_path / "caches/fixed-point-kws/compiled").rglob("*.so"))
    assert len(kept) == 1

    def compile_again(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(compiler, "compile_library", compile_again)
    assert built(answer, tmp_path)._call("answer") == 42
    assert capsys.readouterr() == ("", "")


def test_what_was_damaged_or_planted_is_not_loaded(answer, tmp_path, capsys) -> None:
    assert built(answer, tmp_path)._call("answer") == 42
    (kept,) = (tmp_path / "caches/fixed-point-kws/compiled").rglob("*.so")
    whole = kept.read_bytes()
    for damaged in (whole[:-4096], whole.replace(b"the_answer", b"not_answer"), b""):  # the first would end a process
        kept.write_bytes(damaged)
        assert built(answer, tmp_path)._call("answer") == 42
        assert kept.read_bytes() == whole
    kept.parent.chmod(0o777)
    assert built(answer, tmp_path)._call("answer") == 42
    assert not kept.parent.stat().st_mode & 0o022
    assert capsys.readouterr() == ("", "")


def test_a_folder_of_somebody_else_is_not_used(answer, tmp_path, monkeypatch) -> None:
    user = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: user + 1)
    monkeypatch.setattr("kws_cli.user_cache._ROOT", -1)
    assert built(answer, tmp_path)._call("answer") == 42
    assert not list((tmp_path / "caches").rglob("*.so"))


def test_no_compiler_is_one_line_however_often(answer, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert built(answer, tmp_path) is None and built(answer, tmp_path) is None
    said = "no C compiler: install gcc; Python does what C would do several times faster\n"
    assert capsys.readouterr() == ("", said)


def test_workers_leave_that_to_their_parent(answer, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "a parent")
    assert built(answer, tmp_path) is None
    assert capsys.readouterr() == ("", "")


def test_other_results_are_a_warning_in_every_process(answer, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "a parent")
    assert built(answer, tmp_path, expected=41) is None
    said = capsys.readouterr().err
    assert said.startswith("warning: the answer compiled by this machine's C compiler gives other results")
    assert said.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_done_without(answer, tmp_path, capsys) -> None:
    (tmp_path / "caches").write_text("a file")
    assert built(answer, tmp_path)._call("answer") == 42
    assert capsys.readouterr() == ("", "")


def test_a_damaged_library_is_done_without(answer, tmp_path, capsys) -> None:
    assert built(answer, tmp_path) is not None
    for kept in (tmp_path / "caches").rglob("*.so"):
        kept.write_bytes(b"damaged")
    assert built(answer, tmp_path)._call("answer") == 42
    assert capsys.readouterr() == ("", "")
