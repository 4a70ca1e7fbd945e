"""Prints the keywords in a sound as they are heard. `python -m kws.stream --bundle=B --audio=long.wav`.

`--audio=-` reads raw PCM (16 kHz, mono, signed 16 bits, little endian) from standard input; `--microphone` listens.
"""

import dataclasses
import importlib
import os
import pathlib
import sys
from collections.abc import Generator, Iterator
from typing import Any, BinaryIO

import numpy as np
from absl import flags

from export.bundle import detector_file
from export.bundle import folder as bundles
from kws.datasets.clip import SAMPLE_RATE
from kws.datasets.recordings import audio_file
from kws.evaluation.streaming.sound import Detection, Listener
from kws_cli import command
from kws_cli.command import UserError

STANDARD_INPUT = "-"
RAW_FORM = "16 kHz, mono, signed 16 bits, little endian"
_FULL_SCALE = 32767
# Of the samples; more of them at full scale than this is heard as distortion.
_CLIPPED_SHARE = 0.001
_BLOCK_SECONDS = {"file": 2.0, "live": 0.2}
_READ_BYTES = 6400


@dataclasses.dataclass(frozen=True)
class StreamConfig:
    """What to listen to.

    Attributes:
      bundle: path of a bundle with a detector.
      audio: a recording, or "-" for raw PCM from standard input; None for the microphone.
    """

    bundle: pathlib.Path
    audio: str | None


def recording(path: str) -> np.ndarray:
    """int16 [n] at 16 kHz of a recording of any rate and channel count.

    Raises:
      UserError: it is missing or can't be decoded, or has no sound.
    """
    if not os.path.isfile(path):
        raise UserError(f"--audio={path} is not a file: give a recording ({audio_file.FORMATS}), or - for raw PCM")
    try:
        return audio_file.read(pathlib.Path(path))
    except audio_file.NotAudio as reason:
        raise UserError(f"--audio={path}: {reason}; raw PCM ({RAW_FORM}) is read with --audio=- < FILE") from reason


def raw_blocks(source: BinaryIO) -> Iterator[np.ndarray]:
    """int16 [any length] of raw PCM as it comes.

    Raises:
      UserError: a WAV file's header, half a sample at the end, or no sound.
    """
    rest, count = b"", 0
    # What is there already is taken at once, so that a live source is not waited for.
    read = getattr(source, "read1", source.read)
    while data := read(_READ_BYTES):
        if count == 0 and audio_file.has_header(rest + data):
            raise UserError(f"standard input is no raw PCM ({RAW_FORM}) but a file with a header: give --audio=FILE")
        rest += data
        whole = len(rest) - len(rest) % 2
        if count == 0 and whole < 4:
            continue
        yield np.frombuffer(rest[:whole], "<i2").astype(np.int16)
        count += whole // 2
        rest = rest[whole:]
    if len(rest) % 2:
        raise UserError(f"standard input ends with half a sample: raw PCM is {RAW_FORM}")
    if not count:
        raise UserError("standard input has no sound: pipe a recording of a word or more into it")


def microphone_blocks(instead: str = "give --audio=FILE") -> Generator[np.ndarray, None, None]:
    """int16 [n] from the default sound device, without end.

    Args:
      instead: what to do where there is none.

    Raises:
      UserError: sounddevice isn't installed, or there is no microphone.
    """
    try:
        sounddevice = importlib.import_module("sounddevice")
    except (ImportError, OSError) as error:
        raise UserError(
            f"--microphone needs sounddevice and PortAudio ({error}): pip install sounddevice, apt-get install "
            f"libportaudio2, or {instead}"
        ) from error
    frames = round(_BLOCK_SECONDS["live"] * SAMPLE_RATE)
    try:
        with sounddevice.InputStream(samplerate=SAMPLE_RATE, channels=1, dtype="int16", blocksize=frames) as device:
            while True:
                block, overflowed = device.read(frames)
                if overflowed:
                    print("warning: this machine is too slow, sound was lost", file=sys.stderr)
                yield block[:, 0].copy()
    except sounddevice.PortAudioError as error:
        raise UserError(f"no sound from a microphone ({error}): connect one, or {instead}") from error


def listen(config: StreamConfig) -> Iterator[Detection | float]:
    """Yields every detection when it is made, and last the seconds of sound that were heard.

    What ends is followed by a clip's length of silence, so that a word at its end is detected, too.

    Raises:
      UserError: a bundle without a detector, or unusable sound.
    """
    bundle = bundles.load_hearing(config.bundle)
    detector = detector_file.of_bundle(bundle)
    live = config.audio is None or config.audio == STANDARD_INPUT
    listener = Listener(bundle, detector, _BLOCK_SECONDS["live" if live else "file"])
    heard = clipped = 0
    for samples in _blocks(config.audio):
        yield from listener.feed(samples)
        heard += len(samples)
        clipped += int(np.count_nonzero(np.abs(samples.astype(np.int32)) >= _FULL_SCALE))
    yield from listener.feed(np.zeros(bundle.frontend_config.clip_samples, np.int16))
    yield from listener.finish()
    if clipped > _CLIPPED_SHARE * heard:
        print(
            f"warning: {100 * clipped / heard:.1f} % of the samples are at full scale: record at a lower level",
            file=sys.stderr,
        )
    yield heard / SAMPLE_RATE


def _blocks(audio: str | None) -> Iterator[np.ndarray]:
    if audio is None:
        return microphone_blocks()
    if audio == STANDARD_INPUT:
        return raw_blocks(sys.stdin.buffer)
    samples = recording(audio)
    length = round(_BLOCK_SECONDS["file"] * SAMPLE_RATE)
    return (samples[start : start + length] for start in range(0, len(samples), length))


def config_from_flags(values: flags.FlagValues) -> StreamConfig:
    """The settings that the flags spell. Raises `UserError` unless one source of sound is given."""
    if values.microphone == (values.audio is not None):
        raise UserError("give either --audio=FILE (or --audio=- for raw PCM) or --microphone")
    return StreamConfig(pathlib.Path(values.bundle), values.audio)


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    command.define_required_flag("bundle", "A bundle with a detector (kws.tune_detector writes it).")
    flags.DEFINE_string("audio", None, f"A recording ({audio_file.FORMATS}), or - for raw PCM ({RAW_FORM}).")
    flags.DEFINE_bool("microphone", False, "Listen until Ctrl-C (needs the package sounddevice).")


def main() -> None:
    """The command `python -m kws.stream`."""

    def work(values: flags.FlagValues) -> None:
        config = config_from_flags(values)
        found: list[dict[str, Any]] = []
        for event in listen(config):
            if isinstance(event, Detection):
                command.say(f"{event.seconds:9.2f} s  {event.keyword:12}  {event.posterior:.3f}", values.json)
                found.append(dataclasses.asdict(event))
            else:
                print(f"{len(found)} detections in {event:.2f} s of sound", file=sys.stderr)
                command.write_json(
                    {"bundle": values.bundle, "audio": config.audio, "seconds": event, "detections": found},
                    values.json,
                )

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
