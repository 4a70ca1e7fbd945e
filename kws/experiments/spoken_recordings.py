"""Recordings of a few words as phones and recorders write them, spoken by espeak-ng: what somebody begins with.

python -m kws.experiments.spoken_recordings --folder=F --words=lamp,door,"stop it"

writes `F/own`, the folder of somebody who records `--takes` of each word with `--speakers` people: M4A, Opus, MP3, AMR
and WAV of 8 to 48 kHz, mono and stereo, some of it damaged; `F/others`, the same words by people who recorded nothing
in `own`, in Speech Commands' layout, all of it of the testing split; and `F/read`, a folder of negatives in which these
other people read the project's documents for twenty minutes, but no sentence that says a keyword. Voices of `own` are
those that synthetic data train with, the others those that they test with.
"""

import dataclasses
import itertools
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from absl import flags

from kws.datasets import noise, speech_commands
from kws.datasets.clip import BACKGROUND_NOISE, SAMPLE_RATE, centre
from kws.datasets.negatives import rooms, texts
from kws.datasets.synthetic import dataset as synthetic
from kws.datasets.synthetic import espeak, voices
from kws.datasets.synthetic.utterance import resample, trim
from kws.datasets.word_folders import as_said
from kws_cli import command

OWN, OTHERS, READ = "own", "others", "read"
_DOCUMENTS = pathlib.Path(__file__).resolve().parents[2]
# Ending, encoder, muxer, rate in Hz, channels.
_FORMATS = (
    (".m4a", "aac", "ipod", 44100, 1),
    (".opus", "libopus", "ogg", 48000, 1),
    (".mp3", "libmp3lame", "mp3", 44100, 2),
    (".wav", "pcm_s16le", "wav", 8000, 1),
    (".wav", "pcm_s16le", "wav", 16000, 1),
    (".m4a", "aac", "ipod", 48000, 2),
    (".wav", "pcm_s24le", "wav", 48000, 2),
    (".webm", "libopus", "webm", 48000, 1),
    (".mp3", "libmp3lame", "mp3", 22050, 1),
    (".wav", "pcm_s16le", "wav", 44100, 1),
    (".amr", "libopencore_amrnb", "amr", 8000, 1),
)
_BITS_PER_SECOND = 64_000
_AMR_BITS_PER_SECOND = 12_200
_CLIP_SAMPLES = round(1.2 * SAMPLE_RATE)
_RATES, _PITCHES = (120, 200), (30, 70)
_FRAME_SAMPLES = 8000


@dataclasses.dataclass(frozen=True)
class SpokenRecordingsConfig:
    """What to record.

    Attributes:
      folder: to write to, must not exist.
      speakers: of `own`.
      takes: recordings of each word in `own`, by the speakers in turn.
      damaged: files in `own` that nobody can read, beside these.
      others: takes of each word in `others`.
      minutes: of reading.
    """

    folder: pathlib.Path
    words: tuple[str, ...]
    speakers: int = 10
    takes: int = 30
    damaged: int = 4
    others: int = 60
    minutes: float = 20.0
    seed: int = 1


@dataclasses.dataclass(frozen=True)
class Speaker:
    """A voice in a room, and what records it."""

    name: str
    voice: str
    rate: int
    pitch: int
    room: rooms.ImpulseResponse
    snr_db: float
    slope: float


def write(config: SpokenRecordingsConfig) -> None:
    """Writes the three folders; the same settings give the same sound.

    Raises:
      UserError: `folder` exists already.
    """
    if config.folder.exists():
        raise command.UserError(f"--folder={config.folder} exists: give one that doesn't")
    _write_own(config, config.folder / OWN)
    if config.others:
        _write_others(config, config.folder / OTHERS)
    if config.minutes:
        (config.folder / READ).mkdir(parents=True)
        samples = reading(config, np.random.default_rng([config.seed, 3]))
        encode(config.folder / READ / "speech_testing.wav", samples, "pcm_s16le", "wav", SAMPLE_RATE, 1)


def _write_own(config: SpokenRecordingsConfig, folder: pathlib.Path) -> None:
    speakers = list(itertools.islice(people("training", config.seed), config.speakers))
    rng = np.random.default_rng([config.seed, 1])
    written = []
    for word in config.words:
        for take in range(config.takes):
            number = take % len(speakers)
            ending, encoder, muxer, rate, channels = _FORMATS[(number + take // len(speakers)) % len(_FORMATS)]
            path = folder / word / speakers[number].name / f"take {take // len(speakers) + 1}{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            encode(path, recorded(word, speakers[number], rng), encoder, muxer, rate, channels)
            written.append(path)
    for number, path in enumerate(rng.choice(np.array(written, object), config.damaged, replace=False)):
        content = path.read_bytes()
        broken = (b"", content[: len(content) // 3], b"not sound\n" * 20, rng.bytes(2000))[number % 4]
        path.with_name(f"damaged {number}{path.suffix}").write_bytes(broken)


def _write_others(config: SpokenRecordingsConfig, folder: pathlib.Path) -> None:
    """Speech Commands' layout, WAV at 16 kHz, the word in the middle of 1.2 s."""
    rng = np.random.default_rng([config.seed, 2])
    names = []
    for word in config.words:
        (folder / word).mkdir(parents=True)
        for take, speaker in zip(range(config.others), people("testing", config.seed), strict=False):
            name = f"{word}/{speaker.name}{take}_nohash_0.wav"
            samples = centre(_alone(recorded(word, speaker, rng)), _CLIP_SAMPLES)
            encode(folder / name, samples, "pcm_s16le", "wav", SAMPLE_RATE, 1)
            names.append(name)
    (folder / speech_commands.LISTS["testing"]).write_text("\n".join(names) + "\n", encoding="utf-8")
    (folder / BACKGROUND_NOISE).mkdir()
    for number, samples in enumerate(synthetic.noise_recordings(config.seed)):
        encode(folder / BACKGROUND_NOISE / f"{number}.wav", samples, "pcm_s16le", "wav", SAMPLE_RATE, 1)


def people(split: str, seed: int) -> Iterator[Speaker]:
    """Speakers of a split's voices without end; a voice comes back when all have spoken, in another accent and room."""
    variants = voices.VARIANTS[split]
    rng = np.random.default_rng([seed, len(variants)])
    while True:
        for variant in rng.permutation(len(variants)):
            accent = voices.ACCENTS[rng.integers(len(voices.ACCENTS))]
            yield Speaker(
                variants[variant].lower(),
                f"{accent}+{variants[variant]}",
                int(rng.integers(*_RATES)),
                int(rng.integers(*_PITCHES)),
                rooms.synthetic(rng, rng.uniform(0.15, 0.5)),
                rng.uniform(22, 45),
                rng.uniform(0, 2),
            )


def said(text: str, speaker: Speaker, rng: np.random.Generator) -> np.ndarray:
    """float64 [n] at 16 kHz: a little faster or slower, higher or lower each time."""
    raw = espeak.speak(
        text,
        speaker.voice,
        rate=round(speaker.rate * rng.uniform(0.88, 1.12)),
        pitch=int(np.clip(speaker.pitch + rng.integers(-8, 9), 0, 100)),
        pitch_range=int(rng.integers(30, 71)),
        seed=int(rng.integers(1, 2**31 - 1)),
    )
    return resample(raw.astype(np.float64))


def recorded(word: str, speaker: Speaker, rng: np.random.Generator) -> np.ndarray:
    """A take, int16 [n] at 16 kHz: the word in the speaker's room, with 0.3 to 0.9 s before and behind it."""
    ends = (rng.uniform(0.3, 0.9, 2) * SAMPLE_RATE).astype(int)
    spoken = trim(said(as_said(word), speaker, rng), SAMPLE_RATE)
    return in_room(np.pad(spoken, ends), speaker, rng)


def in_room(samples: np.ndarray, speaker: Speaker, rng: np.random.Generator) -> np.ndarray:
    """int16 [n]: the room, a level of -24 to -3 dB of full scale, and the recorder's noise."""
    sound = rooms.reverberate(samples, speaker.room)[: len(samples)]
    loud = noise.rms(sound[np.abs(sound) > 0.05 * np.abs(sound).max()])
    sound = sound + noise.with_rms(noise.coloured(rng, len(sound), speaker.slope), loud * 10 ** (-speaker.snr_db / 20))
    return noise.to_int16(sound * (noise.INT16_MAX * 10 ** (rng.uniform(-24, -3) / 20) / np.abs(sound).max()))


def _alone(samples: np.ndarray) -> np.ndarray:
    """The word of a take, cut to what a clip holds around its middle."""
    power = np.convolve(np.square(samples.astype(np.float64)), np.ones(1600), "same")
    loud = np.flatnonzero(power > power.max() * 1e-2)
    middle = (loud[0] + loud[-1]) // 2
    return samples[max(0, middle - _CLIP_SAMPLES // 2) :][:_CLIP_SAMPLES]


def reading(config: SpokenRecordingsConfig, rng: np.random.Generator) -> np.ndarray:
    """int16 [n]: the project's documents, read by one person after the other, a paragraph each."""
    parts: list[np.ndarray] = []
    length = 0
    speakers = people("testing", config.seed + 1)
    for text in itertools.cycle(paragraphs(config.words)):
        speaker = next(speakers)
        spoken = np.pad(said(text, speaker, rng), (0, _FRAME_SAMPLES))
        parts.append(in_room(spoken, speaker, rng))
        length += len(parts[-1])
        if length >= config.minutes * 60 * SAMPLE_RATE:
            break
    return np.concatenate(parts)


def paragraphs(keywords: Sequence[str]) -> list[str]:
    """Prose of README.md and docs/*.md, sentences that say no keyword; tables and blocks of code left out."""
    found = []
    for path in (_DOCUMENTS / "README.md", *sorted((_DOCUMENTS / "docs").glob("*.md"))):
        text = re.sub(
            r"^(```.*?^```|[#|>].*?$|    .*?$)", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
        )
        for block in re.split(r"\n\s*\n", text):
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)|[`*_]", r"\1", block).replace("\n", " ").strip()
            sentences = re.split(r"(?<=[.:;?]) ", plain)
            kept = [each for each in sentences if not any(texts.says(each, keyword) for keyword in keywords)]
            if len(" ".join(kept)) > 80:
                found.append(" ".join(kept))
    return found


def encode(path: pathlib.Path, samples: np.ndarray, encoder: str, muxer: str, rate: int, channels: int) -> None:
    """Writes int16 [n] at 16 kHz as a file of a rate and number of channels, the same sound in all."""
    import av

    layout = "stereo" if channels == 2 else "mono"
    with av.open(str(path), "w", format=muxer) as container:
        stream: Any = container.add_stream(encoder, rate=rate, layout=layout)
        stream.codec_context.bit_rate = _AMR_BITS_PER_SECOND if "amr" in encoder else _BITS_PER_SECOND
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[np.newaxis]), "s16", "mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(stream.encode(frame))
        container.mux([packet for packet in stream.encode(None) if packet.size])


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_required_flag("folder", "Folder to write, which must not exist.")
    flags.DEFINE_list("words", ["lamp", "door", "stop it"], "The words.")
    defaults = {each.name: each.default for each in dataclasses.fields(SpokenRecordingsConfig)}
    flags.DEFINE_integer("speakers", defaults["speakers"], "People who record.", lower_bound=1, upper_bound=50)
    flags.DEFINE_integer("takes", defaults["takes"], "Recordings of each word.", lower_bound=1)
    flags.DEFINE_integer("damaged", defaults["damaged"], "Files that nobody can read.", lower_bound=0)
    flags.DEFINE_integer("others", defaults["others"], "Recordings of each word by other people.", lower_bound=0)
    flags.DEFINE_float("minutes", defaults["minutes"], "Of reading.", lower_bound=0)
    flags.DEFINE_integer("seed", defaults["seed"], "Of voices, rooms and takes.", lower_bound=0)


def main() -> None:
    """The command `python -m kws.experiments.spoken_recordings`."""

    def work(values: flags.FlagValues) -> None:
        numbers = {
            name: getattr(values, name) for name in ("speakers", "takes", "damaged", "others", "minutes", "seed")
        }
        config = SpokenRecordingsConfig(pathlib.Path(values.folder), tuple(values.words), **numbers)
        write(config)
        print(f"{config.folder}: {', '.join(sorted(path.name for path in config.folder.iterdir()))}")

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
