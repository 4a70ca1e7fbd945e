"""The files around a package's C: metadata, examples and text, from templates of each ecosystem.

A template says @NAME@ and the like, in its path too. In C, what stands between `/* for each model { */` and `/* } */`
is written once for each model, with the model's names in place of the project's; what isn't names no model.
"""

import pathlib
import re
from collections.abc import Mapping, Sequence

from export.packaging import naming

FOLDER = pathlib.Path(__file__).with_name("templates")
# Files that are another target's template: target -> its path -> the template.
_SHARED = {
    "platformio": {
        "examples/clip/src/main.cpp": "arduino/examples/Clip/Clip.ino",
        "examples/microphone/src/main.cpp": "arduino/examples/Microphone/Microphone.ino",
    },
    "zephyr": {"samples/clip/src/main.c": "cmake/examples/clip.c"},
    "cmsis-pack": {"examples/clip.c": "cmake/examples/clip.c"},
}
_C = (".c", ".cc", ".cpp", ".h", ".ino")
_FUNCTION = re.compile(rf"(?<=\w)_{naming.PUBLIC}\b")
_PLACE = re.compile(r"@([A-Z_]+)@")
_MODELS = re.compile(r"^[ \t]*/\* for each model \{ \*/\n(.*?)^[ \t]*/\* \} \*/\n", re.MULTILINE | re.DOTALL)


def files(target: str, values: Mapping[str, str], prefixes: Sequence[str]) -> dict[str, str]:
    """A target's files, path -> text.

    Args:
      values: of the places; one that isn't in it stays as it is, for tools that have such places themselves.
      prefixes: of the models.
    """
    folder = FOLDER / target
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    paths |= {path: FOLDER / template for path, template in _SHARED.get(target, {}).items()}
    return {_filled(path, values): _text(template, values, prefixes) for path, template in sorted(paths.items())}


def _text(path: pathlib.Path, values: Mapping[str, str], prefixes: Sequence[str]) -> str:
    text = _filled(path.read_text(encoding="utf-8"), values)
    return for_models(text, prefixes) if path.suffix in _C else text


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def for_models(text: str, prefixes: Sequence[str]) -> str:
    """C with the parts for each model written out."""
    return _MODELS.sub(lambda found: "".join(of_model(found[1], prefix) for prefix in prefixes), text)


def of_model(text: str, prefix: str) -> str:
    """C that uses a model's public names, with the names that they have in a package."""
    names = {token: naming.renamed(token, prefix) for token in naming.tokens(text)}
    return naming.rename(_FUNCTION.sub(f"_{prefix}", text), names)
