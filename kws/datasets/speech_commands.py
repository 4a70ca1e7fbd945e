"""Google Speech Commands v0.02 (Warden 2018, arXiv:1804.03209, CC BY 4.0) and its excerpt mini_speech_commands.

Published layout: `<word>/<speaker>_nohash_<n>.wav` (16 kHz mono int16), `_background_noise_/*.wav`, and
`validation_list.txt`, `testing_list.txt`, which name the clips of two splits; a clip in neither is training data.
The excerpt has no lists: its split is the corpus' published rule, `published_split`, which also made the lists.
It has no noise recordings either: `kws.datasets.synthetic.dataset.noise_recordings` stands in.
"""

import functools
import hashlib
import pathlib
import wave

import numpy as np

from kws.datasets import labels, silence, word_folders
from kws.datasets.builder import DatasetBuilder, Rows, Source
from kws.datasets.clip import (
    BACKGROUND_NOISE,
    SAMPLE_RATE,
    SILENCE,
    SPOKEN_NEGATIVES,
    UNKNOWN,
    WHOLE,
    Dataset,
    DatasetConfig,
    Part,
    centre,
    split_noises,
)
from kws.datasets.dataset_error import DatasetError
from kws.datasets.negatives import clips as negative_clips
from kws.datasets.origin import download
from kws.datasets.recordings.audio_file import NotAudio
from kws.datasets.word_folders import NOHASH, nfc

LISTS = {"validation": "validation_list.txt", "testing": "testing_list.txt"}
# Speakers whose hash falls below 10 % validate, below 20 % test.
_VALIDATION_PERCENTAGE = 10.0
_TESTING_PERCENTAGE = 10.0
_HASH_BUCKETS = 2**27

Listed = tuple[str, pathlib.Path]
# Split, label, path.
_Job = tuple[str, str, pathlib.Path]


def collect(config: DatasetConfig, root: pathlib.Path | None, rows: Rows, part: Part = WHOLE) -> Dataset:
    """Reads the corpus of `config.dataset` in `root`, the folder that `_root` gives, into `rows`.

    Raises:
      DatasetError: noises missing, a word that isn't there, a class or a split without clips.
    """
    assert root is not None
    mini = config.dataset == "mini_speech_commands"
    folders = word_folders.words(root)
    names = part.labels or labels.choose(config, list(folders), f"data_dir={root}")
    if config.negatives == SPOKEN_NEGATIVES and UNKNOWN not in names and names[0] == SILENCE:
        names = (SILENCE, UNKNOWN, *names[1:])
    listed = _listed(root, mini)
    builder = DatasetBuilder(config.dataset, names, rows, root, part)
    recordings = _noises(root, mini, config, builder, needed=part.labels is None)
    noises = split_noises(recordings, part.splits)
    special = [name for name in (SILENCE, UNKNOWN) if name in names and (root / name).is_dir()]
    folders |= {name: [root / name] for name in special}
    paths = {word: sorted(path for place in places for path in place.glob("*.wav")) for word, places in folders.items()}
    jobs: list[_Job] = []
    for split in part.splits:
        keywords, unknown, own = _of_split(paths, special, names, listed, split)
        unknown = labels.thin_unknown(config, split, unknown, len(keywords))
        jobs += [(split, label, path) for label, path in keywords + unknown + own]
    read = functools.partial(_read, clip_samples=config.clip_samples)
    for (split, label, path), found in builder.each(jobs, read, config, "clip"):
        if isinstance(found, NotAudio):
            builder.skip(path, str(found))
        else:
            builder.add(split, str(path.relative_to(root)), found, label, speaker_of(path.name))
    noises = negative_clips.add(config, root, builder, names, noises, part)
    if SILENCE in names:
        silence.add_fixed_set(config, builder, names, noises)
    return builder.build(noises, f"data_dir={root}")


def _read(job: _Job, clip_samples: int) -> np.ndarray | NotAudio:
    """The clip of a job, int16 [clip_samples]; or why it is none."""
    try:
        return centre(read_wav(job[2]), clip_samples)
    except NotAudio as reason:
        return reason


def speaker_of(file_name: str) -> str:
    """The speaker of a clip: the file's name up to `_nohash_` ("" if it has none)."""
    speaker, mark, _ = file_name.partition(NOHASH)
    return speaker if mark else ""


def published_split(file_name: str) -> str:
    """The corpus' rule for a clip that no list names (README of the corpus, "Partitioning").

    SHA-1 of the file's name without folder, `_nohash_` and what follows, as an integer modulo 2**27, becomes a
    percentage of 2**27 - 1: below 10 validation, below 20 testing, else training. All clips of a speaker agree.
    """
    identity = pathlib.PurePosixPath(file_name).name.partition(NOHASH)[0]
    bucket = int(hashlib.sha1(identity.encode()).hexdigest(), 16) % _HASH_BUCKETS
    percentage = bucket * (100.0 / (_HASH_BUCKETS - 1))
    if percentage < _VALIDATION_PERCENTAGE:
        return "validation"
    return "testing" if percentage < _VALIDATION_PERCENTAGE + _TESTING_PERCENTAGE else "training"


def read_wav(path: pathlib.Path) -> np.ndarray:
    """int16 [n] of a 16 kHz mono 16-bit WAV file.

    Raises:
      NotAudio: anything else, or a file that is shorter than its header says.
    """
    try:
        with wave.open(str(path), "rb") as file:
            frames, form = file.getnframes(), (file.getframerate(), file.getnchannels(), 8 * file.getsampwidth())
            data = file.readframes(frames)
    except (wave.Error, EOFError, OSError, RuntimeError) as error:
        if path.is_file() and path.stat().st_size == 0:
            raise NotAudio("the file is empty") from error
        raise NotAudio(f"not a readable WAV file ({error or 'it ends early'})") from error
    if form != (SAMPLE_RATE, 1, 16):
        raise NotAudio(f"{form[0]} Hz, {form[1]} channels, {form[2]} bits; expected 16000 Hz, 1 channel, 16 bits")
    if frames == 0:
        raise NotAudio("it has no samples")
    if len(data) != 2 * frames:
        raise NotAudio(f"truncated: {len(data) // 2} of {frames} samples")
    return np.frombuffer(data, "<i2").astype(np.int16)


def _root(config: DatasetConfig, part: Part = WHOLE) -> pathlib.Path:
    """The corpus' folder, `config.data_dir`, after fetching the corpus there if asked to.

    Raises:
      DatasetError: no data_dir, or a list missing of those that name the part's clips.
    """
    if not config.data_dir:
        raise DatasetError(
            f"dataset={config.dataset} needs a data_dir: give its folder, or an empty one and download=True"
        )
    root = pathlib.Path(config.data_dir)
    if config.download and not is_unpacked(root, config.dataset):
        mini = config.dataset == "mini_speech_commands"
        download.fetch_into(download.MINI_SPEECH_COMMANDS if mini else download.SPEECH_COMMANDS, root)
    if not root.is_dir():
        raise DatasetError(
            f"data_dir={root} is not a folder: correct the path, or fetch the corpus there with download=True"
        )
    if config.dataset == "speech_commands":
        for name in _lists_of(part):
            if not (root / name).is_file():
                raise DatasetError(
                    f"data_dir={root} has no {name}: unpack the whole corpus there, or fetch it with download=True"
                )
    return root


def _lists_of(part: Part) -> list[str]:
    """The lists that tell the part's clips from all others."""
    return [name for split, name in LISTS.items() if split in part.splits or "training" in part.splits]


def is_unpacked(root: pathlib.Path, dataset: str) -> bool:
    """Whether the corpus is there: its lists, or for the excerpt any word."""
    if dataset == "mini_speech_commands":
        return root.is_dir() and bool(word_folders.words(root))
    return all((root / name).is_file() for name in LISTS.values())


def _listed(root: pathlib.Path, mini: bool) -> dict[str, str] | None:
    """Clip (`<word>/<file>`) -> split, of the clips that the lists name; None for a corpus without lists.

    Where there is one list alone, which names no clip of `_silence_`, all of them are of its split: nothing is trained
    there.
    """
    present = {split: name for split, name in LISTS.items() if (root / name).is_file()}
    if not present or (mini and len(present) < len(LISTS)):
        return None
    result: dict[str, str] = {}
    for split, name in present.items():
        try:
            lines = (root / name).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise DatasetError(f"data_dir={root}: {name} is not text in UTF-8: unpack the corpus again") from error
        result |= {nfc(line.strip()): split for line in lines if line.strip()}
    if len(present) == 1 and not any(clip.startswith(f"{SILENCE}/") for clip in result):
        (split,) = present
        result |= {f"{SILENCE}/{nfc(path.name)}": split for path in (root / SILENCE).glob("*.wav")}
    return result


def paths_of(root: pathlib.Path, split: str) -> dict[str, list[pathlib.Path]]:
    """Word -> files of a split of the unpacked corpus, in alphabetical order."""
    listed = _listed(root, mini=False) or {}
    return {
        word: [
            path
            for place in places
            for path in sorted(place.glob("*.wav"))
            if listed.get(f"{word}/{nfc(path.name)}", "training") == split
        ]
        for word, places in word_folders.words(root).items()
    }


def _of_split(
    paths: dict[str, list[pathlib.Path]],
    special: list[str],
    names: tuple[str, ...],
    listed: dict[str, str] | None,
    split: str,
) -> tuple[list[Listed], list[Listed], list[Listed]]:
    """(label, path) of a split's keywords, other words, and clips of the folders `_silence_` and `_unknown_`."""
    keywords: list[Listed] = []
    unknown: list[Listed] = []
    own: list[Listed] = []
    for word, of_word in paths.items():
        label = word if word in special else labels.label_of(word, names)
        if label not in names:
            continue
        target = own if word in special else unknown if label == UNKNOWN else keywords
        for path in of_word:
            here = published_split(path.name) if listed is None else listed.get(f"{word}/{nfc(path.name)}", "training")
            if here == split:
                target.append((label, path))
    return keywords, unknown, own


def _noises(
    root: pathlib.Path, mini: bool, config: DatasetConfig, builder: DatasetBuilder, needed: bool
) -> list[np.ndarray]:
    folder = root / BACKGROUND_NOISE
    if mini and not folder.is_dir():
        from kws.datasets.synthetic import dataset as synthetic

        return synthetic.noise_recordings(config.seed)
    recordings = []
    for path in sorted(folder.glob("*.wav")):
        try:
            recordings.append(read_wav(path))
        except NotAudio as reason:
            builder.skip(path, str(reason))
    if not recordings and needed:
        raise DatasetError(
            f"data_dir={root} has no recordings in {BACKGROUND_NOISE}/: put some there "
            "(WAV, 16 kHz, mono, 16 bits, a minute of noise each)"
        )
    return recordings


def source(config: DatasetConfig) -> Source:
    """How the dataset that `config` names is made."""
    if config.dataset == "speech_commands":
        return Source(_root, collect, (collect,), ("numpy", *negative_clips.LIBRARIES))
    from kws.datasets.synthetic import dataset as synthetic

    # Its noises.
    return Source(_root, collect, (collect, synthetic.noise_recordings), ("numpy", *negative_clips.LIBRARIES))
