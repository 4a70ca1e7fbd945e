"""Where recordings lie: a folder per word, in it files or a folder per speaker.

macOS writes é as two code points (NFD), most others as one (NFC): names are compared in NFC, so that a word is one
class wherever its folder came from.
"""

import dataclasses
import pathlib
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator

from kws.datasets.dataset_error import DatasetError

NOHASH = "_nohash_"
# A folder in a corpus that is no word (`kws.datasets.negatives`).
NEGATIVES = "negatives"
_SPEAKER_MARK = "__"

Skip = Callable[[pathlib.Path, str], None]


@dataclasses.dataclass(frozen=True)
class Recording:
    """A file of a word.

    Attributes:
      path: of the file.
      word: the folder's name, in NFC.
      speaker: who speaks, in NFC; "" where neither a folder nor the file's name says it.
    """

    path: pathlib.Path
    word: str
    speaker: str


def as_said(word: str) -> str:
    """A folder's name as it is spoken: `stop_it` and `stop-it` are "stop it"."""
    return " ".join(word.replace("_", " ").replace("-", " ").split())


def nfc(text: str) -> str:
    """The name in the form in which names are compared."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def words(root: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """The words of a corpus in alphabetical order, each with its folders.

    What begins with `_` or `.` is no word, and neither is `negatives`.

    Raises:
      DatasetError: a folder whose name can't be that of a class.
    """
    found: dict[str, list[pathlib.Path]] = {}
    for path in sorted(root.iterdir()):
        if path.name[0] not in "_." and path.name != NEGATIVES and path.is_dir():
            check_word(path.name, f"data_dir={root} has a folder")
            found.setdefault(nfc(path.name), []).append(path)
    return dict(sorted(found.items()))


def set_apart(root: pathlib.Path, known: Collection[str]) -> list[pathlib.Path]:
    """Folders that are no words since their names begin with `_`, but for those that are `known`."""
    return [path for path in sorted(root.iterdir()) if path.name[0] == "_" and path.name not in known and path.is_dir()]


def dangling(root: pathlib.Path) -> list[pathlib.Path]:
    """Links among the words that lead nowhere."""
    return [path for path in sorted(root.iterdir()) if path.is_symlink() and not path.exists()]


def check_word(word: str, where: str) -> None:
    """Raises `DatasetError` for a word that can't be shown, or that no folder can be called."""
    if not word.strip() or not word.isprintable() or "/" in word:
        raise DatasetError(f"{where} {word!r}: expected a word of printable characters without '/', in UTF-8")


def check_spellings(found: Iterable[str], keywords: Collection[str], where: str) -> None:
    """Raises `DatasetError` where a keyword has a second folder that is said the same, as `Lamp` beside `lamp`."""
    spelt: dict[str, list[str]] = defaultdict(list)
    for word in found:
        spelt[as_said(word).casefold()].append(word)
    for words_of_one in spelt.values():
        if len(words_of_one) > 1 and not set(words_of_one).isdisjoint(keywords):
            names = " and ".join(f"'{word}'" for word in words_of_one)
            raise DatasetError(f"{where} has one word in several folders, {names}: put its recordings into one")


def one_spelling(recordings: dict[str, list[Recording]]) -> dict[str, list[Recording]]:
    """The recordings with speakers whose names differ in capitals or spaces alone as one, called by the first name."""
    names = sorted({each.speaker for found in recordings.values() for each in found})
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(as_said(name).casefold(), name)
    return {
        word: [dataclasses.replace(each, speaker=first[as_said(each.speaker).casefold()]) for each in found]
        for word, found in recordings.items()
    }


def speaker(file_name: str) -> str:
    """The speaker that a file's name carries: up to `_nohash_`, else up to `__`; "" for none."""
    for mark in (NOHASH, _SPEAKER_MARK):
        before, found, _ = file_name.partition(mark)
        if found:
            return nfc(before)
    return ""


class Walk:
    """Lists the recordings of folders, none of them twice.

    What is neither a file nor a folder of files is handed to `skip` with the reason: a link that leads nowhere, or to a
    folder that is read elsewhere or holds the corpus, and a folder in a speaker's folder. Names that begin with a dot
    are passed over.
    """

    def __init__(self, root: pathlib.Path, skip: Skip) -> None:
        self._root = root.resolve()
        self._skip = skip
        self._read: dict[pathlib.Path, pathlib.Path] = {}

    def recordings(self, word: str, folders: list[pathlib.Path]) -> list[Recording]:
        """The files of a word in alphabetical order; those in a folder inside are of the speaker it is called after."""
        found: list[Recording] = []
        for folder in folders:
            for path in self._entries(folder):
                if path.is_dir():
                    name = nfc(path.name)
                    found += [Recording(inner, word, name) for inner in self._entries(path) if self._is_file(inner)]
                elif self._is_file(path):
                    found.append(Recording(path, word, speaker(path.name)))
        return sorted(found, key=lambda recording: recording.path)

    def _entries(self, folder: pathlib.Path) -> Iterator[pathlib.Path]:
        real = folder.resolve()
        if self._root.is_relative_to(real):
            self._skip(folder, "a link to a folder that holds the corpus")
        elif real in self._read:
            self._skip(folder, f"the same folder as {self._read[real]}")
        else:
            self._read[real] = folder
            yield from self._listed(folder)

    def _listed(self, folder: pathlib.Path) -> list[pathlib.Path]:
        try:
            found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
            return sorted(found, key=pathlib.Path.is_symlink)  # what a link leads to is read under its own name
        except OSError as error:
            self._skip(folder, f"it can't be read: {error.strerror or error}")
            return []

    def _is_file(self, path: pathlib.Path) -> bool:
        if path.is_file():
            return True
        if path.is_dir():
            self._skip(path, "a folder inside a speaker's folder: put its recordings into the speaker's")
        else:
            self._skip(path, "a link that leads nowhere" if path.is_symlink() and not path.exists() else "no file")
        return False
