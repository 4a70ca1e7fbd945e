"""What `--help` prints: a command's flags, the required ones first, then its own, then those of each kind of settings.

absl keeps under a module's name which flags were defined for it; here these names are the headings.
"""

import shutil
import textwrap
from typing import Any

from absl import flags

REQUIRED = "required"
"""The heading of flags without which the command does nothing."""
OWN = "options"
SETTINGS = " settings"
"""What a heading ends in that a class of settings has."""
_LEFT = 28
_WIDEST = 110
_KINDS = {"int": "N", "float": "X", "string": "TEXT", "comma separated list of strings": "A,B"}


def page(text: str, program: str, own: set[str], values: flags.FlagValues = flags.FLAGS) -> str:
    """The page.

    Args:
      text: what the command does, the docstring of its module.
      program: how it is called, such as "python -m kws.train".
      own: the names of the flags that the command defined; absl has others.
    """
    groups = _groups(own, values)
    usage = " ".join([f"usage: {program}", *(f"--{flag.name}=..." for flag in groups[REQUIRED]), "[--flag=value ...]"])
    width = min(_WIDEST, shutil.get_terminal_size((100, 24)).columns)
    parts = [text.strip(), usage]
    for title, members in groups.items():
        if members:
            parts.append("\n".join([f"{title}:", *(_entry(flag, width) for flag in members)]))
    return "\n\n".join(filter(None, parts))


def required(values: flags.FlagValues) -> list[Any]:
    """The flags without which the command does nothing."""
    return list(values.flags_by_module_dict().get(REQUIRED, []))


def _groups(own: set[str], values: flags.FlagValues) -> dict[str, list[Any]]:
    """Heading -> flags in the order of their definition."""
    groups: dict[str, list[Any]] = {REQUIRED: [], OWN: []}
    for module, members in values.flags_by_module_dict().items():
        title = module if module == REQUIRED or module.endswith(SETTINGS) else OWN
        groups.setdefault(title, []).extend(flag for flag in members if flag.name in own)
    return groups


def _entry(flag: Any, width: int) -> str:
    name = f"  --{_name(flag)}"
    # absl puts choices before the text, and behind it that a flag may be repeated.
    own_text = flag.help.split(">: ", 1)[-1] if _choices(flag) else flag.help.partition(";\n")[0]
    text = " ".join([own_text, *_about(flag)])
    lines = textwrap.wrap(text, max(20, width - _LEFT), break_long_words=False, break_on_hyphens=False)
    first = f"{name:<{_LEFT}}" if len(name) <= _LEFT - 2 else f"{name}\n{'':{_LEFT}}"
    return first + f"\n{'':{_LEFT}}".join(lines)


def _name(flag: Any) -> str:
    if flag.boolean:
        return f"[no]{flag.name}"
    if _choices(flag):
        return f"{flag.name}={'|'.join(_choices(flag))}"
    return f"{flag.name}={_KINDS[flag.parser.flag_type()]}"


def _choices(flag: Any) -> list[str]:
    return list(getattr(flag.parser, "enum_values", ()))


def _about(flag: Any) -> list[str]:
    """In brackets: the range, and the default where there is one and the text doesn't tell it."""
    lowest, highest = (getattr(flag.parser, f"{end}_bound", None) for end in ("lower", "upper"))
    parts = []
    if lowest is not None and highest is not None:
        parts.append(f"{lowest} to {highest}")
    elif lowest is not None:
        parts.append(f"at least {lowest}")
    default = (flag.default_as_str or "").strip("'")
    if default not in ("", "[]", "false") and "(default" not in flag.help:
        parts.append(f"default: {default}")
    return [f"({'; '.join(parts)})"] if parts else []
