"""The commands of documents: what their blocks of shell have one type, in the order in which they stand."""

import dataclasses
import pathlib
import re
from collections.abc import Iterator

from scripts.update_build import files_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = tuple(path for path in files_of(ROOT) if re.fullmatch(r"(docs/.*|models/README|[A-Z]+)\.md", path))
# Of `sh` every line is typed; of `console` what stands behind `$`, among what is printed.
SHELL, CONSOLE = "sh", "console"
_FENCE = re.compile(r" *```(\w*)")
_PROMPT = "$ "
_COMMENT = re.compile(r"(^|\s+)#.*")
# What has no commands in it.
_OTHERS = ("c", "python", "toml")
# How a line begins that one could type.
_TYPED = re.compile(
    r"(\$ )?([A-Z_]+=\S* )*"
    r"((\S*/)?(python3?( -m)?|make|kws-[a-z-]+|ssh-keygen|pip|docker|git|sudo|cmake|export|scripts/\w+\.sh)( [^ ]|$))"
)


@dataclasses.dataclass(frozen=True)
class Command:
    """A line of a block of shell.

    Attributes:
      document: its path from the project's root.
      line: its number there.
      text: with the lines that continue it, without the comment behind it.
    """

    document: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}: {self.text}"


def commands(document: str, text: str | None = None) -> list[Command]:
    """The commands of a document of the project, or of `text` in its place."""
    text = (ROOT / document).read_text(encoding="utf-8") if text is None else text
    found = []
    for first, language, lines in _blocks(text):
        if language in (SHELL, CONSOLE):
            found += [Command(document, first + line, typed) for line, typed in _typed(lines, language == CONSOLE)]
    return found


def _typed(lines: list[str], prompted: bool) -> Iterator[tuple[int, str]]:
    """What is typed in a block, with the place of its first line; where it is `prompted`, behind `$` alone."""
    rest = iter(enumerate(lines))
    for place, line in rest:
        if prompted and not line.startswith(_PROMPT):
            continue
        whole = line.removeprefix(_PROMPT)
        while whole.endswith("\\"):
            whole = whole[:-1].rstrip() + " " + next(rest)[1].strip()
        if whole := _COMMENT.sub("", whole).strip():
            yield place, whole


def overlooked(text: str) -> list[str]:
    """Lines outside of blocks of shell that begin like commands: nobody would run them."""
    return [
        f"line {first + place}: {line.strip()}"
        for first, language, lines in _blocks(text)
        for place, line in enumerate(lines)
        if language not in (SHELL, CONSOLE, *_OTHERS) and _TYPED.match(line.strip())
    ]


def _blocks(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Number of the first line, language and lines of each block: fenced ones, and lines indented by four.

    The language is "" where none is named.
    """
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if fence := _FENCE.fullmatch(line):
            block = []
            for _, line in lines:
                if line.strip() == "```":
                    break
                block.append(line.strip() if line.strip().startswith(_PROMPT) else line)
            yield number + 1, fence[1], block
        elif line.startswith("    "):
            yield number, "", [line]
