"""What a run has done, batch by batch, so that it goes on where it stopped."""

import dataclasses
import json
import pathlib
from typing import Any

import msgspec

from export.fuzzing.fuzz_error import FuzzError
from export.fuzzing.tally import Tally, from_dict
from kws_cli import json_file

FILE = "batches.jsonl"


class _Counts(msgspec.Struct, forbid_unknown_fields=True):
    models: int
    compared: dict[str, int]
    kernels: dict[str, int]
    refused: dict[str, int]
    refusals: dict[str, int]
    codes: int
    failures: int


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    run: str
    first: int
    counts: _Counts


@dataclasses.dataclass
class Journal:
    """Batches by the number of their first model.

    Attributes:
      path: of the file; None keeps nothing.
      run: what the run is, in words: batches of another run don't count.
      batches: that were done.
    """

    path: pathlib.Path | None
    run: str
    batches: dict[int, Tally]

    def add(self, first: int, tally: Tally) -> None:
        """Notes a batch, on the disk at once. Raises `OSError`."""
        self.batches[first] = tally
        if self.path is not None:
            line: dict[str, Any] = {"run": self.run, "first": first, "counts": tally.as_dict()}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    @property
    def total(self) -> Tally:
        """Of all batches."""
        total = Tally()
        for tally in self.batches.values():
            total.add(tally)
        return total


def opened(folder: pathlib.Path | None, run: str) -> Journal:
    """The journal in a folder, which is made where it is missing.

    Raises:
      FuzzError: a folder that can't be written, or a file that is no journal; a last line cut short is left out.
    """
    if folder is None:
        return Journal(None, run, {})
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8") as file:
            file.seek(0)
            whole, _, rest = file.read().rpartition("\n")
            if rest:
                file.truncate(len((whole + "\n" if whole else "").encode()))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise FuzzError(f"folder={folder}: {path.name} can't be kept there ({reason}): give another") from error
    batches = {}
    for number, text in enumerate(filter(None, whole.split("\n")), 1):
        try:
            line: _Line = json_file.parse(text.encode(), _Line)
        except ValueError as error:
            raise FuzzError(f"{path}, line {number}: {error}; remove the file to begin again") from error
        if line.run == run:
            batches[line.first] = from_dict(msgspec.structs.asdict(line.counts))
    return Journal(path, run, batches)
