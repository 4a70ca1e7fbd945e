"""What fuzzers begin with is read whole, and what a fuzzer makes of it is read or refused as promised."""

import mmap
import pathlib
import random
import re
import shutil
import time
from collections.abc import Iterator

import pytest

from scripts import fuzz_targets

_MUTANTS = 40


@pytest.fixture(scope="module", autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    shutil.rmtree(fuzz_targets._scratch())
    fuzz_targets._bundle.cache_clear()
    fuzz_targets._scratch.cache_clear()


def _mutant(whole: bytes, rng: random.Random) -> bytes:
    """The seed with some bytes others, cut, or with a piece twice; the first byte, which chooses, stays."""
    content = bytearray(whole)
    for _ in range(rng.randint(1, 8)):
        content[rng.randrange(1, len(content))] = rng.randrange(256)
    first, second = sorted(rng.randrange(1, len(content)) for _ in range(2))
    return bytes(rng.choice((content, content[:second], content[:second] + content[first:])))


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_a_target_reads_its_seeds_and_refuses_what_is_broken_as_promised(name: str) -> None:
    read = fuzz_targets.TARGETS[name]()
    whole = list(fuzz_targets.seeds(name))
    assert whole
    assert all(read(seed) for seed in whole)
    rng = random.Random(name)
    taken = [read(_mutant(rng.choice(whole), rng)) for _ in range(_MUTANTS)]
    assert not all(taken)
    assert not read(b"")


def test_an_array_of_a_bundle_is_reached_behind_its_checksum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another weight is another model, of which the C is not: no word of a damaged file."""
    said: list[str] = []
    monkeypatch.setattr(fuzz_targets, "_one_line", lambda error: said.append(str(error)))
    whole = list(fuzz_targets.seeds("bundle"))
    weights = next(seed for seed in whole if b"NUMPY" in seed[:10] and b"format_version" not in seed)
    assert not fuzz_targets.TARGETS["bundle"]()(weights[:-1] + bytes([weights[-1] ^ 1]))
    assert "model" in said[0] and "zip" not in said[0], said


def test_an_error_that_was_not_promised_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    from kws_cli import array_file

    def fails(path: object) -> None:
        raise RuntimeError("of a kind that no reader promises")

    monkeypatch.setattr(array_file, "read", fails)
    with pytest.raises(RuntimeError):
        fuzz_targets.TARGETS["arrays"]()(b"\0PK")


def test_in_a_bundle_what_a_user_can_not_mend_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command shows a traceback for it, be it a ValueError."""
    from export.bundle import folder

    def fails(path: object) -> None:
        raise ValueError("invalid literal for int()")

    target, seed = fuzz_targets.TARGETS["bundle"](), next(fuzz_targets.seeds("bundle"))
    monkeypatch.setattr(folder, "load", fails)
    with pytest.raises(ValueError, match="invalid literal"):
        target(seed)


def test_so_is_an_error_of_two_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    from kws_cli import array_file

    def fails(path: object) -> None:
        raise ValueError("one\ntwo")

    monkeypatch.setattr(array_file, "read", fails)
    with pytest.raises(AssertionError):
        fuzz_targets.TARGETS["arrays"]()(b"\0PK")


def test_and_memory_that_is_taken_and_not_touched() -> None:
    assert fuzz_targets.bounded(lambda content: True)(b"")
    with pytest.raises(AssertionError, match="gigabyte"):
        fuzz_targets.bounded(lambda content: bool(mmap.mmap(-1, 1 << 31).close()))(b"")


def test_what_takes_long_is_a_crash_where_it_is_this_process_that_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_targets, "_MOST_CPU_SECONDS", 0.1)

    def works(content: bytes) -> bool:
        started = time.process_time()
        while time.process_time() - started < 0.15:
            pass
        return True

    with pytest.raises(AssertionError, match="ten seconds"):
        fuzz_targets.bounded(works)(b"")
    assert fuzz_targets.bounded(lambda content: time.sleep(0.2) is None)(b"")


def test_every_file_of_a_bundle_that_is_read_is_changed() -> None:
    whole = fuzz_targets._bundle()
    read = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.suffix in (".json", ".npz")}
    assert {name for name, _ in fuzz_targets._places(whole)} == read


def test_both_reports_are_begun_with_and_read_whole() -> None:
    from microcontroller.measurement import protocol
    from microcontroller.streaming import protocol as stream_protocol

    whole = [seed.decode().split("\n") for seed in fuzz_targets.seeds("report")]
    for parse, lines in zip((protocol.parse, stream_protocol.parse), whole, strict=True):
        assert parse(lines)


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_words_are_a_fuzzers_dictionary(name: str, tmp_path: pathlib.Path) -> None:
    fuzz_targets.write_words(name, tmp_path / "words")
    lines = (tmp_path / "words").read_text().splitlines()
    assert len(lines) == len(fuzz_targets.WORDS[name])
    assert all(re.fullmatch(r'"(\\x[0-9a-f]{2})+"', line) for line in lines)
