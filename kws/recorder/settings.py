"""What is recorded."""

import dataclasses
import re

from kws.datasets.clip import DatasetConfig
from kws.datasets.dataset_error import DatasetError
from kws.datasets.word_folders import NEGATIVES, nfc

# What a file's name can't have on one system or another.
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')


@dataclasses.dataclass(frozen=True)
class RecordConfig:
    """What is recorded.

    Attributes:
      words: in NFC.
      takes: of each word.
      seconds: that a take lasts.
      noise_seconds: of the room without speech, at the end; 0 for none.

    Raises:
      DatasetError: a word that can be no folder everywhere, or a number outside its range.
    """

    words: tuple[str, ...]
    takes: int = 10
    seconds: float = 2.0
    noise_seconds: float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", DatasetConfig(words=tuple(word.strip() for word in self.words)).words)
        for word in self.words:
            if _FORBIDDEN.search(word) or word[0] == "." or word[-1] == "." or word == NEGATIVES:
                raise DatasetError(f"words names {word!r}, which can't be a folder everywhere: write it in letters")
        if len({word.casefold() for word in self.words}) < len(self.words):
            raise DatasetError(f"words={','.join(self.words)} differ in capitals alone: give each once")
        for name, lowest, highest in (("takes", 1, 1000), ("seconds", 1.0, 10.0), ("noise_seconds", 0.0, 600.0)):
            if not lowest <= getattr(self, name) <= highest:
                raise DatasetError(f"{name}={getattr(self, name)}: give {lowest} to {highest}")


def speaker_name(text: str) -> str:
    """A speaker's name as it begins a file's: in NFC, without what a file's name can't have or what ends it there."""
    return re.sub(r"_+", "_", _FORBIDDEN.sub(" ", nfc(text)).strip(" ._")).replace("_nohash_", "_")
