"""A corpus of any size to measure with: hard links to the clips of one in Speech Commands' layout, by other speakers.

    python -m scripts.stand_in --data_dir=D --folder=F --files=105829

Each word has its share of the files. A clip that is there several times has another speaker each time, in the split of
its original; so loading, augmentation and features cost what they would on a corpus of that size, and accuracies mean
nothing. It takes room for names alone.
"""

import dataclasses
import os
import pathlib
from typing import Any

from absl import flags

from kws.datasets import word_folders
from kws.datasets.clip import BACKGROUND_NOISE
from kws.datasets.speech_commands import LISTS
from kws.datasets.word_folders import NOHASH
from kws_cli import command
from kws_cli.command import UserError

FULL_CORPUS_FILES = 105829


@dataclasses.dataclass(frozen=True)
class StandInConfig:
    """What to make.

    Attributes:
      data_dir: the corpus whose clips are linked to.
      folder: the new one, which must not exist, on the same file system.
      files: clips in it.
    """

    data_dir: pathlib.Path
    folder: pathlib.Path
    files: int = FULL_CORPUS_FILES


def make(config: StandInConfig) -> dict[str, int]:
    """Makes the corpus; returns the number of clips in each list and in all.

    Raises:
      UserError: no corpus there, or the folder can't be written.
    """
    try:
        splits = _listed(config.data_dir)
        clips = {
            word: sorted(path for folder in folders for path in folder.glob("*.wav"))
            for word, folders in word_folders.words(config.data_dir).items()
        }
        total = sum(map(len, clips.values()))
        lists: dict[str, list[str]] = {split: [] for split in LISTS}
        made = seen = 0
        config.folder.mkdir(parents=True)
        for word, paths in clips.items():
            seen += len(paths)
            count = round(config.files * seen / total) - made
            for name, path in _link(config.folder / word, paths, count):
                if split := splits.get(f"{word}/{path.name}"):
                    lists[split].append(f"{word}/{name}")
            made += count
        for split, name in LISTS.items():
            (config.folder / name).write_text("".join(f"{line}\n" for line in lists[split]), encoding="utf-8")
        noises = sorted((config.data_dir / BACKGROUND_NOISE).glob("*.wav"))
        _link(config.folder / BACKGROUND_NOISE, noises, len(noises))
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}: give a corpus, and a new folder beside it") from error
    return {split: len(lines) for split, lines in lists.items()} | {"all": made}


def _listed(root: pathlib.Path) -> dict[str, str]:
    """Clip -> split, of those that the lists name."""
    lists = {split: (root / name).read_text(encoding="utf-8").split() for split, name in LISTS.items()}
    return {line: split for split, lines in lists.items() for line in lines}


def _link(folder: pathlib.Path, paths: list[pathlib.Path], count: int) -> list[tuple[str, pathlib.Path]]:
    """Links to `count` of the files, over and over, each time by another speaker; returns (name, original)."""
    folder.mkdir()
    found = []
    for number in range(count):
        path = paths[number % len(paths)]
        turn = number // len(paths)
        speaker, mark, rest = path.name.partition(NOHASH)
        name = f"{speaker}x{turn}{mark}{rest}" if turn else path.name
        os.link(path, folder / name)
        found.append((name, path))
    return found


def define_flags() -> None:
    """Defines this command's flags."""
    flags.DEFINE_string("data_dir", None, "The corpus whose clips are linked to.")
    flags.DEFINE_string("folder", None, "Folder of the new corpus, on the same file system.")
    flags.DEFINE_integer("files", FULL_CORPUS_FILES, "Clips in it; as many as Speech Commands has.", lower_bound=1)


def main() -> None:
    """The command `python -m scripts.stand_in`."""

    def work(values: flags.FlagValues) -> Any:
        command.require(data_dir=values.data_dir, folder=values.folder)
        config = StandInConfig(pathlib.Path(values.data_dir), pathlib.Path(values.folder), values.files)
        made = make(config)
        counts = ", ".join(f"{made[split]} {split}" for split in LISTS)
        print(f"{made['all']} clips in {config.folder}, of these {counts}")

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
