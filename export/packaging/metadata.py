"""What the metadata of any ecosystem says of a package: the places of the templates."""

import json
from collections.abc import Mapping, Sequence

from export.packaging.library import Member

_TYPES = ("", "_scratch", "_detection")
_FUNCTIONS = ("init", "push", "poll", "posterior", "label", "steps", "logits", "self_test")


def values(members: Sequence[Member], name: str, sources: Mapping[str, str]) -> dict[str, str]:
    """Place -> text, of what follows from the models.

    Args:
      name: of the library.
      sources: the library's C, path -> text.
    """
    files = sorted(path for path in sources if path.endswith(".c"))
    headers = sorted(path for path in sources if path.endswith(".h") and path.count("/") == 1)
    names = [path.rpartition("/")[2] for path in headers]
    return {
        "NAME": name,
        "NAME_UPPER": name.upper(),
        "PREFIXES": " ".join(member.prefix.upper() for member in members),
        "SOURCES": "\n".join(f"  {path}" for path in files),
        "SOURCES_ABOVE": "\n".join(f"    ../{path}" for path in files),
        "HEADERS": "\n".join(f"  {path}" for path in headers),
        "HEADERS_JSON": ", ".join(map(json.dumps, names)),
        "INCLUDES": ",".join(names),
        "PACK_FILES": "\n".join([*_pack("header", headers), *_pack("sourceC", files)]),
        "WORDS": ", ".join(_words(members)),
        "KEYWORDS": "\n".join(_keywords(members)),
    }


def _words(members: Sequence[Member]) -> list[str]:
    """Labels' constants in lower case: letters, digits and _ alone, whatever the labels are."""
    found = {
        constant.lower().replace("_", " ")
        for member in members
        for label, constant in zip(member.subject.labels, member.subject.constants, strict=True)
        if not label.startswith("_")
    }
    return sorted(found)


def _pack(category: str, paths: Sequence[str]) -> list[str]:
    return [f'        <file category="{category}" name="{path}"/>' for path in paths]


def _keywords(members: Sequence[Member]) -> list[str]:
    """What Arduino's editor colours: types and functions, with tabs."""
    types = [f"{member.prefix}{end}\tKEYWORD1" for member in members for end in _TYPES]
    return types + [f"{member.prefix}_{function}\tKEYWORD2" for member in members for function in _FUNCTIONS]
