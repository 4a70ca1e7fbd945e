"""Flags from declared settings (`kws_cli.settings`), and settings from flags."""

import dataclasses
import re
from typing import Any

from absl import flags

from kws_cli import help_page
from kws_cli.command import UserError
from kws_cli.settings import Setting, settings_of


def define_flags(cls: type, *, only_machine: bool = False, values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines a flag for each setting of `cls` that has one; `only_machine`: for those that differ between machines.

    `--help` shows them together, under the class's name.
    """
    for setting in settings_of(cls):
        if setting.is_group:
            define_flags(setting.kind, only_machine=only_machine, values=values)
        elif setting.is_flag and (setting.is_of_machine or not only_machine):
            _define(setting, values, heading(cls))


def heading(cls: type) -> str:
    """What `--help` calls the settings of a class: "dataset settings" those of `DatasetConfig`."""
    words = re.findall("[A-Z][a-z0-9]*", cls.__name__.removesuffix("Config"))
    return " ".join(words).lower() + help_page.SETTINGS


def _define(setting: Setting, values: flags.FlagValues, heading: str) -> None:
    given = setting.metadata.get("flag_default")
    default = given() if given else setting.default
    name, text = setting.flag, setting.metadata["help"]
    lowest, highest = setting.metadata.get("lowest"), setting.metadata.get("highest")
    if setting.kind is bool:
        flags.DEFINE_bool(name, default, text, values, module_name=heading)
    elif setting.kind in (int, float):
        define = flags.DEFINE_integer if setting.kind is int else flags.DEFINE_float
        define(name, default, text, lowest, highest, values, module_name=heading)
    elif setting.kind is tuple:
        texts = None if default is None else [str(item) for item in default]
        flags.DEFINE_list(name, texts, text, values, module_name=heading)
    elif "choices" in setting.metadata:
        flags.DEFINE_enum(name, default, setting.metadata["choices"], text, values, module_name=heading)
    else:
        flags.DEFINE_string(name, default, text, values, module_name=heading)


def from_flags(cls: type, values: flags.FlagValues) -> Any:
    """The settings that the flags spell, an instance of `cls`.

    Raises:
      UserError, or what `cls` raises: an impossible value, or values that don't go together.
    """
    found = {}
    for setting in settings_of(cls):
        if setting.is_group:
            found[setting.name] = from_flags(setting.kind, values)
        elif setting.is_flag:
            found[setting.name] = _given(setting, values)
    try:
        return cls(**found)
    except ValueError as error:
        if getattr(type(error), "user_can_mend", False):
            raise
        raise UserError(f"--{error}") from error


def machine_settings(cls: type, values: flags.FlagValues) -> dict[str, Any]:
    """Name -> value as the flags spell it, of each setting of `cls` that differs between machines."""
    return {each.name: _given(each, values) for each in settings_of(cls) if each.is_flag and each.is_of_machine}


def _given(setting: Setting, values: flags.FlagValues) -> Any:
    value = values[setting.flag].value
    return setting.of_texts(value) if setting.kind is tuple else value


def check_agreement(config: Any, values: flags.FlagValues) -> None:
    """Raises `UserError` for a flag that was given and contradicts `config`, this machine's own left aside."""
    for setting in settings_of(type(config)):
        own = getattr(config, setting.name)
        if setting.is_group:
            check_agreement(own, values)
        elif setting.is_flag and not setting.is_of_machine and values[setting.flag].present:
            given = _given(setting, values)
            if _as_kept(config, setting.name, given) != own:
                raise UserError(
                    f"--{setting.flag}={_text(given)} contradicts the run's own {_text(own)}: leave it out, or start "
                    "another run"
                )


def _as_kept(config: Any, name: str, given: Any) -> Any:
    """`given` as `config`'s class would keep it, which may normalize it; as it is where the two don't go together."""
    try:
        return getattr(dataclasses.replace(config, **{name: given}), name)
    except ValueError:
        return given


def _text(value: Any) -> str:
    if value in ("", None):
        return "(none given)"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
