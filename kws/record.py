"""Records words of your own: `python -m kws.record --words=lamp,door --output=recorder.html` writes a page for it.

The page prompts for word after word, shows level and clipping, plays back, and saves a zip in the layout of a dataset;
it loads nothing and sends nothing. --microphone --data_dir=D --speaker=anna does the same here (needs sounddevice).
"""

import contextlib
import dataclasses
import pathlib
import shlex
import sys
import time
import wave
from collections.abc import Callable

import numpy as np
from absl import flags

from kws.datasets.clip import BACKGROUND_NOISE, SAMPLE_RATE
from kws.recorder import page, settings, take
from kws.recorder.settings import RecordConfig
from kws_cli import atomic, command
from kws_cli.command import UserError

_ANSWERS = "Enter: record, r: remove the last one, k: keep what was to be said again, s: skip, q: end"
_INSTEAD = "record in a browser, with --output=recorder.html"
_WAIT_SECONDS = 0.3

Record = Callable[[float], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Place:
    """Where recordings of a speaker go: `data_dir/<word>/<speaker>__<stamp>_<number>.wav`."""

    data_dir: pathlib.Path
    speaker: str
    stamp: str

    def path(self, word: str, number: int) -> pathlib.Path:
        return self.data_dir / word / f"{self.speaker}__{self.stamp}_{number:03d}.wav"


def write_page(config: RecordConfig, output: pathlib.Path) -> None:
    """Writes the page that records. Raises `UserError` where the file can't be written, or is there and is no page."""
    command.write_page(output, page.page(config), "output")


def record(config: RecordConfig, place: Place, listen: Record, ask: Callable[[str], str]) -> list[pathlib.Path]:
    """Prompts for word after word and writes each good take; returns the files. What is written stays, however it ends.

    Args:
      listen: gives int16 [n] of so many seconds of sound.
      ask: shows a prompt and returns what was answered, as `_ANSWERS` says.

    Raises:
      UserError: no sound, or a folder that can't be written.
    """
    written: list[tuple[str, pathlib.Path]] = []
    skipped: set[str] = set()
    rejected = None
    number = 0
    while (word := _next(config, [each for each, _ in written], skipped)) is not None:
        count = sum(each == word for each, _ in written)
        answer = ask(f"[{count + 1}/{config.takes}] {word}   ({_ANSWERS}) ").strip().lower()
        if answer == "q":
            break
        if answer == "s":
            skipped.add(word)
        elif answer == "r" and written:
            _remove(written.pop())
        elif answer != "k" or rejected is not None:
            number += 1
            found = rejected if answer == "k" and rejected else _take(config, word, listen)
            rejected = None if found.is_good or answer == "k" else found
            if rejected is None:
                written.append((word, _written(place.path(word, number), found.samples)))
    return [path for _, path in written]


def _next(config: RecordConfig, so_far: list[str], skipped: set[str]) -> str | None:
    """The word that is asked for: round after round through all of them, at the end the room."""
    for turn in range(config.takes):
        for word in config.words:
            if so_far.count(word) <= turn and word not in skipped:
                return word
    room = config.noise_seconds > 0 and BACKGROUND_NOISE not in {*so_far, *skipped}
    return BACKGROUND_NOISE if room else None


def _take(config: RecordConfig, word: str, listen: Record) -> take.Take:
    room = word == BACKGROUND_NOISE
    print("  be quiet ..." if room else f"  say: {word}", flush=True)
    samples = listen(config.noise_seconds if room else config.seconds)
    if room:
        return take.Take(samples, 0.0, "")
    found = take.take(samples)
    print(f"  {found.level_db:.0f} dB  {found.fault or 'good'}{'' if found.is_good else '. Once more'}", flush=True)
    return found


def _written(path: pathlib.Path, samples: np.ndarray) -> pathlib.Path:
    try:
        with atomic.writing(path) as fresh, wave.open(str(fresh), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(samples.astype("<i2").tobytes())
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror}; what was recorded before is there") from error
    return path


def _remove(written: tuple[str, pathlib.Path]) -> None:
    written[1].unlink(missing_ok=True)
    print(f"  removed {written[1]}", flush=True)


def microphone(seconds: float) -> np.ndarray:
    """int16 [n] from the default sound device; its first 0.3 s, with the key's own sound, are not kept.

    Raises:
      UserError: sounddevice isn't installed, or there is no microphone.
    """
    from kws import stream

    least, parts, count = round((seconds + _WAIT_SECONDS) * SAMPLE_RATE), [], 0
    with contextlib.closing(stream.microphone_blocks(_INSTEAD)) as blocks:
        for block in blocks:
            parts.append(block)
            count += len(block)
            if count >= least:
                break
    return np.concatenate(parts)[least - round(seconds * SAMPLE_RATE) : least]


def _ask(prompt: str) -> str:
    """An answer from the terminal; its end is one, too."""
    try:
        return input(prompt)
    except EOFError:
        return "q"


def define_flags() -> None:
    """Defines this command's flags."""
    default = RecordConfig(("yes",))
    command.define_required_flag("words", "The words.", is_list=True)
    flags.DEFINE_string("output", None, "Write a page that records to this HTML file.")
    flags.DEFINE_bool("microphone", False, "Record here instead (needs the package sounddevice).")
    flags.DEFINE_string("data_dir", None, "Folder that recordings of --microphone go to.")
    flags.DEFINE_string("speaker", None, "Who speaks into --microphone: the files' names begin with it.")
    flags.DEFINE_integer("takes", default.takes, "Recordings of each word.", lower_bound=1)
    flags.DEFINE_float("seconds", default.seconds, "Seconds of a recording, in which the word is said.")
    flags.DEFINE_float("noise_seconds", default.noise_seconds, "Seconds of the room without speech; 0: none.")


def config_from_flags(values: flags.FlagValues) -> RecordConfig:
    """The settings that the flags spell.

    Raises:
      UserError, DatasetError: a word that can't be, or flags that don't go together.
    """
    if values.microphone == (values.output is not None):
        raise UserError("give either --output=recorder.html, a page that records, or --microphone")
    return RecordConfig(tuple(values.words), values.takes, values.seconds, values.noise_seconds)


def place_from_flags(values: flags.FlagValues) -> Place:
    """Where `--microphone` writes. Raises `UserError` for a speaker without a name, or a folder that is none."""
    command.require(data_dir=values.data_dir, speaker=values.speaker)
    speaker, folder = settings.speaker_name(values.speaker), pathlib.Path(values.data_dir)
    if not speaker:
        raise UserError(
            f"--speaker={values.speaker} has no letter that a file's name can have: give a name, such as anna"
        )
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--data_dir={folder} is a file: give a folder, new or with recordings")
    return Place(folder, speaker, time.strftime("%Y%m%dT%H%M%S", time.gmtime()))


def main() -> None:
    """The command `python -m kws.record`."""

    def work(values: flags.FlagValues) -> None:
        config = config_from_flags(values)
        if values.output:
            write_page(config, pathlib.Path(values.output))
            print(f"{values.output}: open it in a browser; what it saves is unpacked into a folder for --data_dir")
            return
        place = place_from_flags(values)
        microphone(0.0)  # what is missing is said before anybody speaks
        written = record(config, place, microphone, _ask)
        if not written:
            raise UserError(f"nothing was recorded, and nothing written to --data_dir={place.data_dir}: run again")
        what = "1 recording is" if len(written) == 1 else f"{len(written)} recordings are"
        print(f"{what} in {place.data_dir}", file=sys.stderr)
        print(f"next: python -m kws.datasets --data_dir={shlex.quote(str(place.data_dir))}", file=sys.stderr)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
