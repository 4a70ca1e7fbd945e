"""Settings declared once: fields of a frozen dataclass, from which flags, ranges, JSON and command lines follow.

    epochs: int = setting(70, "Epochs of stage 1.", lowest=1)

is the flag `--epochs` with this default, help and lower bound, the JSON {"epochs": 70}, a key of a sweep's matrix, and
`--epochs=80` in the command line of a configuration that differs. A field whose type is such a dataclass holds settings
of its own: their flags stand beside the others, and in JSON they are an object within. A field's metadata:

    help             of the flag; a field without it has none
    lowest, highest  its range, both included
    choices          the values that there are
    flag             the flag's name, where it is another than the field's
    flag_default     gives the flag's default, where it is another than the field's
    item             what an item of a list of numbers is called in errors
    machine          it differs between machines: no part of the JSON
    later            it came after the first JSON that was kept: it may be missing there, and is left out at its default
"""

import csv
import dataclasses
import io
import math
import shlex
import types
import typing
from collections.abc import Mapping
from typing import Any

_QUOTED = 60


class SettingError(ValueError):
    """A setting's value that can't be; the message is one line that names it and says what was expected."""

    user_can_mend = True


def setting(default: Any, help_text: str, **about: Any) -> Any:
    """A field with metadata: the flag's help, and what else there is to say about it."""
    return dataclasses.field(default=default, metadata={"help": help_text, **about})


@dataclasses.dataclass(frozen=True)
class Setting:
    """A field, as its annotation and metadata declare it.

    Attributes:
      kind: bool, int, float, str, tuple, or the class of the settings that the field holds.
      item: of a tuple, the kind of its items.
      default: of the field; None where it has none.
      is_optional: whether it may be None.
    """

    name: str
    kind: type
    item: type
    default: Any
    metadata: Mapping[str, Any]
    is_optional: bool

    @property
    def flag(self) -> str:
        """The flag's name."""
        return self.metadata.get("flag", self.name)

    @property
    def is_flag(self) -> bool:
        return "help" in self.metadata

    @property
    def is_group(self) -> bool:
        """Whether the field holds settings of its own."""
        return dataclasses.is_dataclass(self.kind)

    @property
    def is_of_machine(self) -> bool:
        return "machine" in self.metadata

    @property
    def is_later(self) -> bool:
        return "later" in self.metadata

    @property
    def range(self) -> tuple[float, float]:
        """Its ends, both included."""
        return self.metadata.get("lowest", -math.inf), self.metadata.get("highest", math.inf)

    def of_texts(self, texts: list[str] | None) -> tuple[Any, ...] | None:
        """A list's value from its items' texts. Raises `SettingError` for an item that is none."""
        if texts is None or self.item is str:
            return None if texts is None else tuple(texts)
        lowest, highest = self.range
        for text in texts:
            if not text.strip().isdigit() or not lowest <= int(text) <= highest:
                raise SettingError(f"{self.name}={','.join(texts)}: {text!r} is not {self.metadata['item']}")
        return tuple(int(text) for text in texts)

    def of_plain(self, value: Any) -> Any:
        """The setting's value from one of JSON or TOML. Raises `SettingError` for another type, or out of its range."""
        if self.kind is tuple:
            return self._of_list(value)
        if not self._is_kind(value):
            expected = f"a {self.kind.__name__}, such as {self.default!r}"
            raise SettingError(f"{self.name} is {value!r}, expected {expected}")
        if "choices" in self.metadata and value not in self.metadata["choices"]:
            known = ", ".join(self.metadata["choices"])
            raise SettingError(f"unknown {self.name} {value!r}; known are {known}")
        lowest, highest = self.range
        if self.kind in (int, float) and not lowest <= value <= highest:
            raise SettingError(f"{self.name} is {value}, expected {lowest} to {highest}")
        return self.kind(value)

    def check_kept(self, value: Any) -> None:
        """Raises `SettingError` where a value of kept JSON is none that `to_json` could have written."""
        if self.kind is tuple:
            right = isinstance(value, list) and all(type(part) is self.item for part in value)
        else:
            right = self._is_kind(value)
        if not (right or (value is None and self.is_optional)):
            kind = f"a list of {self.item.__name__}" if self.kind is tuple else self.kind.__name__
            raise SettingError(f"{self.name} is {_quoted(value)}, expected {kind}")

    def _is_kind(self, value: Any) -> bool:
        wide = (int, float) if self.kind is float else self.kind
        return isinstance(value, wide) and isinstance(value, bool) == (self.kind is bool)

    def _of_list(self, value: Any) -> tuple[Any, ...]:
        if self.item is int:
            return self.of_texts([str(part) for part in (value if isinstance(value, list) else [value])]) or ()
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise SettingError(f"{self.name} is {value!r}, expected a list of texts")
        return tuple(value)


def settings_of(cls: type) -> tuple[Setting, ...]:
    """The settings that a dataclass declares, in the order of its fields."""
    hints = typing.get_type_hints(cls)
    return tuple(_setting(field, hints[field.name]) for field in dataclasses.fields(cls))


def _setting(field: dataclasses.Field, hint: Any) -> Setting:
    optional = isinstance(hint, types.UnionType)
    kind = next(part for part in typing.get_args(hint) if part is not types.NoneType) if optional else hint
    item = typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else str
    given = field.default_factory() if callable(field.default_factory) else field.default
    default = None if given is dataclasses.MISSING else given
    return Setting(field.name, typing.get_origin(kind) or kind, item, default, field.metadata, optional)


def to_json(config: Any) -> dict[str, Any]:
    """The settings as JSON values, without those of this machine."""
    found = {}
    for setting in settings_of(type(config)):
        value = getattr(config, setting.name)
        if setting.is_of_machine or (setting.is_later and value == setting.default):
            continue
        found[setting.name] = to_json(value) if setting.is_group else list(value) if isinstance(value, tuple) else value
    return found


def of_json(cls: type, fields: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `cls` that `to_json` kept: lists as tuples, objects as what they hold; names are not checked.

    Raises:
      SettingError: a value of another kind than the setting's, or out of its range.
    """
    known = {setting.name: setting for setting in settings_of(cls)}
    found = {}
    for name, value in _object(cls, fields).items():
        setting = known.get(name)
        if setting and setting.is_group:
            value = setting.kind(**of_json(setting.kind, value))
        elif setting:
            setting.check_kept(value)
        found[name] = tuple(value) if isinstance(value, list) else value
    return found


def _object(cls: type, fields: Any) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise SettingError(f"the settings of {cls.__name__} are {_quoted(fields)}, expected a JSON object")
    return fields


def _quoted(value: Any) -> str:
    return repr(value)[:_QUOTED]


def unknown(cls: type, fields: dict[str, Any]) -> list[str]:
    """Names in kept JSON that `cls` doesn't have, sorted: they are of another version. Raises `SettingError`."""
    known = {setting.name: setting for setting in settings_of(cls)}
    within = [
        unknown(known[name].kind, value)
        for name, value in _object(cls, fields).items()
        if name in known and known[name].is_group
    ]
    return sorted([*(fields.keys() - known.keys()), *(name for names in within for name in names)])


def spelled(start: str, flags: dict[str, Any]) -> str:
    """A command line as a shell takes it: lists as absl reads them (CSV), what a shell would change in quotes."""
    return " ".join([start, *(f"--{name}={_spelled(value)}" for name, value in flags.items())])


def _spelled(value: Any) -> str:
    if not isinstance(value, (tuple, list)):
        return shlex.quote(str(value))
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(value)
    return shlex.quote(line.getvalue())


def changed(config: Any) -> dict[str, Any]:
    """Flag -> value, of every setting that has a flag, is not this machine's, and differs from its default."""
    found: dict[str, Any] = {}
    for setting in settings_of(type(config)):
        value = getattr(config, setting.name)
        if setting.is_group:
            found |= changed(value)
        elif setting.is_flag and not setting.is_of_machine and value != setting.default:
            found[setting.flag] = value
    return found
