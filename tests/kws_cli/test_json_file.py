"""JSON that may come from anywhere: read in the shape that is named, or one line."""

import math
import pathlib

import msgspec
import pytest

from kws_cli import json_file


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    width: int
    names: tuple[str, ...] = ()


def test_what_is_named_is_read(tmp_path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"width": 3, "names": ["a"]}')
    assert json_file.read(path, Shape) == Shape(3, ("a",))
    path.write_text('{"loss": NaN}')
    assert math.isnan(json_file.read(path)["loss"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"\xff\xfe", "codec can't decode"),
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper"),
        (b"[" * 200 + b"]" * 200, "nested deeper"),
        (b"[" + b"[]," * (1 << 20) + b"[]]", "2,097,154 values in 3,145,732 bytes, more than"),
        (b'{"width": ' + b"9" * 5000 + b"}", "digit"),
        (b'{"width": 1.5}', r"Expected `int`, got `float` - at `\$\.width`"),
        (b'{"width": "1"}', "Expected `int`, got `str`"),
        (b'{"width": true}', "Expected `int`, got `bool`"),
        (b'{"width": NaN}', "Expected `int`, got `float`"),
        (b'{"names": []}', "missing required field `width`"),
        (b'{"width": 1, "hight": 2}', "unknown field `hight`"),
        (b"[]", "Expected `object`, got `array`"),
    ],
)
def test_anything_else_is_a_value_error_of_one_line(content: bytes, message: str, tmp_path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        json_file.read(tmp_path / "x.json", Shape)
    assert "\n" not in str(error.value)


def test_a_file_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_file, "LARGEST", 1000)
    with pytest.raises(ValueError, match="more than 1,000 bytes of JSON"):
        json_file.read(pathlib.Path("/dev/zero"))


@pytest.mark.parametrize("value", [{"a": ["\ud800"]}, {"\udcff": 1}])
def test_halves_of_pairs_are_no_text(value: object) -> None:
    with pytest.raises(ValueError, match=r"text with '\\ud\w{3}', which is no character"):
        json_file.check_text(value)
    json_file.check_text({"ä": ["\N{SPEAKER}", 1, None]})
