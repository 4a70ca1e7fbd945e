"""A user's own recordings: `DIR/<word>/*` in WAV, FLAC, MP3 and more, any rate, channel count, length.

Speakers: the part of a file's name before `_nohash_` or, without that, before `__` ("anna__3.flac" is Anna's). Where
such a name is given, all of a speaker's files in all words are in one split. Files without a speaker are split by
file, 80/10/10 in each word; the clips cut from one file always stay together. Both follow `seed`.
"""

import hashlib
import pathlib
import sys
from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from kws.datasets import audio_file, cutting, labels, silence
from kws.datasets.clip import (
    BACKGROUND_NOISE,
    CLIP_SAMPLES,
    SILENCE,
    SPLITS,
    UNKNOWN,
    Dataset,
    DatasetBuilder,
    DatasetConfig,
    split_noises,
)
from kws.datasets.dataset_error import DatasetError
from kws.datasets.speech_commands import speaker_of

_SPEAKER_MARK = "__"
_HELD_OUT_SHARE = 0.1
_DOMINANT_SHARE = 0.3


def load(config: DatasetConfig) -> Dataset:
    """Loads `config.data_dir`.

    The classes are the folders, and `_silence_`; `_unknown_` if a folder of that name exists or `words` leaves some
    folders over. A folder `_silence_` is used as it is; otherwise validation and testing get a fixed set.

    Raises:
      DatasetError: no data_dir, no noise recordings, an empty class, a split without clips, or too few speakers.
    """
    if not config.data_dir:
        raise DatasetError("dataset=folder needs a data_dir: give a folder with one folder of recordings per word")
    root = pathlib.Path(config.data_dir)
    where = f"data_dir={root}"
    if not root.is_dir():
        raise DatasetError(f"{where} is not a folder: give one that holds one folder of recordings per word")
    words = sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[0] not in "_.")
    names = _labels(config, words, (root / UNKNOWN).is_dir(), where)
    builder = DatasetBuilder(config.dataset, names)
    noises = split_noises(_noises(root, builder))
    folders = words + [name for name in (UNKNOWN, SILENCE) if name in names and (root / name).is_dir()]
    files = {folder: _files(root / folder) for folder in folders}
    for folder in folders:
        if not files[folder]:
            raise DatasetError(f"{where}: the folder '{folder}' is empty: put recordings there or remove it")
    splits = assign(files, config.seed)
    _read_clips(config, root, files, splits, names, builder)
    if SILENCE in names:
        silence.add_fixed_set(config, builder, names, noises)
    return builder.build(noises, where)


def speaker(file_name: str) -> str:
    """The speaker that a file's name carries: up to `_nohash_`, else up to `__`; "" for none."""
    found = speaker_of(file_name)
    if found:
        return found
    before, mark, _ = file_name.partition(_SPEAKER_MARK)
    return before if mark else ""


def assign(files: dict[str, list[pathlib.Path]], seed: int) -> dict[pathlib.Path, str]:
    """The split of every file.

    Speakers are put in the order of SHA-1("<seed>/<speaker>"), those with more than 30 % of the files last. One after
    the other goes to whichever of validation and testing has fewer files, until both have a tenth; the rest train.
    Files without a speaker are put in the order of SHA-1("<seed>/<word>/<file>") in each word; the first tenth (at
    least one) validates, the second tests.

    Args:
      files: word -> its files.

    Raises:
      DatasetError: names carry one or two speakers only, too few for three splits.
    """
    result: dict[pathlib.Path, str] = {}
    of_speaker: dict[str, list[pathlib.Path]] = {}
    for word, paths in files.items():
        anonymous = [path for path in paths if not speaker(path.name)]
        result.update(_by_file(word, anonymous, seed))
        for path in paths:
            if speaker(path.name):
                of_speaker.setdefault(speaker(path.name), []).append(path)
    if of_speaker and len(of_speaker) < len(SPLITS):
        raise DatasetError(
            f"file names carry {len(of_speaker)} speakers ({', '.join(sorted(of_speaker))}), three splits need three: "
            "add speakers, or rename the files without '_nohash_' and '__' to split by file"
        )
    result.update(_by_speaker(of_speaker, seed))
    return result


def _by_speaker(of_speaker: dict[str, list[pathlib.Path]], seed: int) -> dict[pathlib.Path, str]:
    result: dict[pathlib.Path, str] = {}
    total = sum(len(paths) for paths in of_speaker.values())

    def rank(name: str) -> tuple[bool, str]:
        return len(of_speaker[name]) > _DOMINANT_SHARE * total, _hash(f"{seed}/{name}")

    order = sorted(of_speaker, key=rank)
    held_out = {"validation": 0, "testing": 0}
    for place, name in enumerate(order):
        split = min(held_out, key=held_out.__getitem__)
        # The last speaker trains, whatever the shares are.
        if held_out[split] >= _HELD_OUT_SHARE * total or place == len(order) - 1:
            split = "training"
        else:
            held_out[split] += len(of_speaker[name])
        result.update(dict.fromkeys(of_speaker[name], split))
    return result


def _by_file(word: str, paths: Sequence[pathlib.Path], seed: int) -> dict[pathlib.Path, str]:
    order = sorted(paths, key=lambda path: _hash(f"{seed}/{word}/{path.name}"))
    held_out = max(1, round(_HELD_OUT_SHARE * len(order))) if len(order) >= len(SPLITS) else 0
    result = dict.fromkeys(order, "training")
    result.update(dict.fromkeys(order[:held_out], "validation"))
    result.update(dict.fromkeys(order[held_out : 2 * held_out], "testing"))
    return result


def _hash(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def _labels(config: DatasetConfig, words: list[str], has_unknown: bool, where: str) -> tuple[str, ...]:
    if config.task == "35":
        return labels.choose(config, words, where)
    chosen = config.words or tuple(words)
    names = labels.choose(DatasetConfig(words=chosen) if chosen else config, words, where)
    if has_unknown and UNKNOWN not in names:
        return (SILENCE, UNKNOWN, *chosen)
    return names


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _read_clips(
    config: DatasetConfig,
    root: pathlib.Path,
    files: dict[str, list[pathlib.Path]],
    splits: dict[pathlib.Path, str],
    names: tuple[str, ...],
    builder: DatasetBuilder,
) -> None:
    """Decodes every file into its split; keywords first, so that `unknown_percentage` has its reference."""
    jobs = [(labels.label_of(folder, names), path) for folder, paths in files.items() for path in paths]
    keywords = [job for job in jobs if job[0] not in (SILENCE, UNKNOWN)]
    chosen = list(keywords)
    for split in SPLITS:
        unknown = [job for job in jobs if job[0] == UNKNOWN and splits[job[1]] == split]
        reference = sum(splits[path] == split for _, path in keywords)
        chosen += labels.thin_unknown(config, split, unknown, reference)
    chosen += [job for job in jobs if job[0] == SILENCE]
    for label, path in tqdm(chosen, desc="folder", unit="file", file=sys.stderr, disable=None):
        try:
            recording = audio_file.read(path)
        except audio_file.NotAudio as reason:
            builder.skip(path, str(reason))
            continue
        clips = cutting.grid(recording) if label == SILENCE else cutting.cut(recording)
        if not clips:
            builder.skip(path, "there is no sound in it")
        for number, samples in enumerate(clips):
            name = str(path.relative_to(root)) + (f"#{number}" if len(clips) > 1 else "")
            builder.add(splits[path], name, samples, label, speaker(path.name))


def _noises(root: pathlib.Path, builder: DatasetBuilder) -> list[np.ndarray]:
    folder = root / BACKGROUND_NOISE
    recordings = []
    for path in _files(folder) if folder.is_dir() else []:
        try:
            recording = audio_file.read(path)
        except audio_file.NotAudio as reason:
            builder.skip(path, str(reason))
            continue
        if len(recording) < CLIP_SAMPLES:
            builder.skip(path, f"noise of {len(recording) / CLIP_SAMPLES:.1f} s is too short, one second is the least")
            continue
        recordings.append(recording)
    if not recordings:
        raise DatasetError(
            f"data_dir={root} has no recordings in {BACKGROUND_NOISE}/: put some there that hold no speech "
            f"({audio_file.FORMATS}; a minute of the place of use is best)"
        )
    return recordings
