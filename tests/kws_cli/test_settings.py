"""Settings that are declared once: their flags, ranges, JSON and changes."""

import dataclasses
from typing import Any

import pytest
from absl import flags

from kws_cli import setting_flags, settings
from kws_cli.command import UserError
from kws_cli.settings import SettingError, setting


@dataclasses.dataclass(frozen=True)
class Inner:
    strength: float = setting(0.5, "Strength.", lowest=0, highest=1)
    kind: str = setting("soft", "Kind.", choices=("soft", "hard"), flag="inner_kind")

    def __post_init__(self) -> None:
        if self.kind == "hard" and not self.strength:
            raise ValueError("kind=hard: it needs strength")


@dataclasses.dataclass(frozen=True)
class Config:
    count: int = setting(3, "Count.", lowest=1)
    fast: bool = setting(False, "Fast.")
    name: str | None = setting(None, "Name.")
    words: tuple[str, ...] | None = setting(None, "Words.")
    widths: tuple[int, ...] = setting((8,), "Widths.", lowest=2, highest=8, item="a width from 2 to 8")
    limit: float | None = setting(None, "Limit.", later=True)
    cores: int | None = setting(None, "Cores.", machine=True, flag_default=lambda: 5)
    secret: int = 9
    inner: Inner = dataclasses.field(default_factory=Inner)


def of(name: str) -> settings.Setting:
    return {each.name: each for each in settings.settings_of(Config)}[name]


def values(*arguments: str, **options: Any) -> flags.FlagValues:
    found = flags.FlagValues()
    setting_flags.define_flags(Config, values=found, **options)
    found(["command", *arguments])
    return found


def test_flags_have_defaults_helps_and_bounds() -> None:
    found = values()
    assert setting_flags.from_flags(Config, found) == Config(cores=5)
    assert found["inner_kind"].help.startswith("<soft|hard>: Kind.")
    assert found["widths"].default_as_str == "'8'"
    assert "secret" not in found and "kind" not in found
    for wrong in ("--count=0", "--strength=1.5", "--inner_kind=odd", "--count=x"):
        with pytest.raises(flags.IllegalFlagValueError, match=wrong.split("=")[0]):
            values(wrong)


def test_only_the_machines_flags_can_be_asked_for() -> None:
    found = values(only_machine=True)
    assert "cores" in found and "count" not in found


def test_flags_give_settings() -> None:
    given = ("--count=7", "--fast", "--name=n", "--words=a,b", "--widths=4,2", "--limit=2", "--inner_kind=hard")
    expected = Config(7, True, "n", ("a", "b"), (4, 2), 2.0, 5, 9, Inner(kind="hard"))
    assert setting_flags.from_flags(Config, values(*given)) == expected
    with pytest.raises(UserError, match=r"^--kind=hard: it needs strength"):
        setting_flags.from_flags(Config, values("--inner_kind=hard", "--strength=0"))
    with pytest.raises(SettingError, match=r"^widths=4,9: '9' is not a width from 2 to 8"):
        setting_flags.from_flags(Config, values("--widths=4,9"))


def test_json_holds_what_is_not_this_machines() -> None:
    config = Config(7, words=("a",), cores=3, inner=Inner(0.25))
    kept = settings.to_json(config)
    inner = {"strength": 0.25, "kind": "soft"}
    expected = {"count": 7, "fast": False, "name": None, "words": ["a"], "widths": [8], "secret": 9, "inner": inner}
    assert kept == expected
    assert Config(**settings.of_json(Config, kept), cores=3) == config
    assert settings.to_json(Config(limit=1.5))["limit"] == 1.5
    assert settings.unknown(Config, {**kept, "pitch": 1, "inner": {**inner, "depth": 2}}) == ["depth", "pitch"]


def test_what_is_changed_is_named_by_its_flag() -> None:
    assert settings.changed(Config(cores=2, secret=1)) == {}
    assert settings.changed(Config(4, words=("a",), inner=Inner(kind="hard"))) == {
        "count": 4,
        "words": ("a",),
        "inner_kind": "hard",
    }


@pytest.mark.parametrize(
    ("name", "plain", "value"),
    [("count", 1, 1), ("fast", True, True), ("limit", 2, 2.0), ("words", ["a"], ("a",)), ("widths", 4, (4,))],
)
def test_plain_values_become_the_settings(name: str, plain: Any, value: Any) -> None:
    assert of(name).of_plain(plain) == value


@pytest.mark.parametrize(
    ("name", "plain", "message"),
    [
        ("count", 0, "count is 0, expected 1 to inf"),
        ("count", True, "count is True, expected a int, such as 3"),
        ("count", 1.5, "count is 1.5, expected a int, such as 3"),
        ("fast", 1, "fast is 1, expected a bool"),
        ("words", "a", "words is 'a', expected a list of texts"),
        ("widths", [4, 1], "widths=4,1: '1' is not a width from 2 to 8"),
    ],
)
def test_impossible_plain_values_are_named(name: str, plain: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        of(name).of_plain(plain)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], r"the settings of Config are \[\], expected a JSON object"),
        ({"count": "3"}, "count is '3', expected int"),
        ({"count": True}, "count is True, expected int"),
        ({"count": None}, "count is None, expected int"),
        ({"fast": 1}, "fast is 1, expected bool"),
        ({"words": "yes"}, "words is 'yes', expected a list of str"),
        ({"widths": [4, "8"]}, r"widths is \[4, '8'\], expected a list of int"),
        ({"limit": {}}, r"limit is {}, expected float"),
        ({"inner": 1}, "the settings of Inner are 1, expected a JSON object"),
        ({"inner": {"strength": []}}, r"strength is \[\], expected float"),
        ({"name": ["x" * 1000]}, r"name is \['x{58}, expected str"),
    ],
)
def test_kept_json_of_another_kind_is_refused(fields: Any, message: str) -> None:
    with pytest.raises(settings.SettingError, match=message):
        settings.of_json(Config, fields)


def test_kept_json_may_leave_open_what_is_optional() -> None:
    kept = {"name": None, "words": None, "limit": 3, "widths": [2, 8], "inner": {"strength": 1}}
    found = Config(**settings.of_json(Config, kept))
    assert (found.name, found.words, found.limit, found.widths, found.inner.strength) == (None, None, 3, (2, 8), 1)
