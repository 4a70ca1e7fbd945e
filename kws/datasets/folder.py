"""A user's own recordings: `DIR/<word>/*` in WAV, FLAC, MP3 and more, any rate, channel count, length.

Speakers: the folder in `DIR/<word>/<speaker>/*`; else the part of a file's name before `_nohash_` or, without that,
before `__` ("anna__3.flac" is Anna's). All of a speaker's files in all words are in one split. Files without a speaker
are split by file, 80/10/10 in each word; the clips cut from one file always stay together. Both follow `seed`.
"""

import functools
import hashlib
import pathlib
import sys
from collections.abc import Sequence

import numpy as np

from kws.datasets import labels, silence, word_folders
from kws.datasets.builder import DatasetBuilder, Rows, Source
from kws.datasets.clip import (
    BACKGROUND_NOISE,
    CLIP_SAMPLES,
    CORPUS_NEGATIVES,
    SILENCE,
    SPLITS,
    SPOKEN_NOISE,
    UNKNOWN,
    WHOLE,
    Dataset,
    DatasetConfig,
    Part,
    split_noises,
)
from kws.datasets.dataset_error import DatasetError
from kws.datasets.negatives import clips as negative_clips
from kws.datasets.recordings import audio_file, cutting
from kws.datasets.sources import corpus, top_up
from kws.datasets.synthetic import dataset as synthetic
from kws.datasets.word_folders import Recording, Walk, as_said, nfc

_HELD_OUT_SHARE = 0.1
_DOMINANT_SHARE = 0.3


def collect(config: DatasetConfig, root: pathlib.Path | None, rows: Rows, part: Part = WHOLE) -> Dataset:
    """Reads the recordings in `root`, which is `config.data_dir`, into `rows`.

    The classes are the folders, and `_silence_`; `_unknown_` if a folder of that name exists, `words` leaves some
    folders over, or there are negatives. A folder `_silence_` is used as it is; otherwise validation and testing get
    a fixed set.

    Raises:
      DatasetError: no noise recordings, an empty class, a split without clips, or too few speakers.
    """
    assert root is not None
    where = f"data_dir={root}"
    folders = word_folders.words(root)
    from_corpus = config.negatives == CORPUS_NEGATIVES
    has_unknown = (root / UNKNOWN).is_dir() or from_corpus or negative_clips.are_given(config, root)
    names = part.labels or _labels(config, list(folders), has_unknown, where)
    builder = DatasetBuilder(config.dataset, names, rows, root, part)
    word_folders.check_spellings(folders, names, where)
    for link in word_folders.dangling(root):
        builder.skip(link, "a link that leads nowhere")
    if stray := [path for path in sorted(root.iterdir()) if path.suffix.lower() in audio_file.SUFFIXES]:
        builder.skip(stray[0], f"one of {len(stray)} in no word's folder: move them into one")
    for path in word_folders.set_apart(root, (UNKNOWN, SILENCE, BACKGROUND_NOISE)):
        builder.skip(path, "its name begins with '_': rename it if it is a word")
    walk = Walk(root, builder.skip)
    noises = split_noises(_noises(config, root, walk, builder, needed=part.labels is None), part.splits)
    folders |= {name: [root / name] for name in (UNKNOWN, SILENCE) if name in names and (root / name).is_dir()}
    # Links last: a folder that a link leads to is read under its own name.
    last = sorted(folders, key=lambda word: any(path.is_symlink() for path in folders[word]))
    found_in = {word: walk.recordings(word, folders[word]) for word in last}
    recordings = word_folders.one_spelling({word: found_in[word] for word in folders})
    for word, found in recordings.items():
        if not found:
            raise DatasetError(f"{where}: the folder '{word}' holds no recordings: {_remedy_for(word, folders)}")
    splits = assign(recordings, config.seed)
    if part.labels is None:
        _say_without_speaker(recordings, names)
    _read_clips(config, root, recordings, splits, names, builder, part)
    if from_corpus and UNKNOWN in names:
        corpus.add_other_words(config, builder, names, part)
    top_up.add(config, builder, names, part)
    noises = negative_clips.add(config, root, builder, names, noises, part)
    if SILENCE in names:
        silence.add_fixed_set(config, builder, names, noises)
    return builder.build(noises, where)


def _remedy_for(word: str, folders: dict[str, list[pathlib.Path]]) -> str:
    """What to do about a word's folders without recordings; those of an unpacked zip may hold the words themselves."""
    for folder in folders[word]:
        for other in set(folders) - {word}:
            if any(folder.samefile(path) for path in folders[other]):
                return f"it is the folder '{other}' by another name: remove the link"
        if any(folder.glob("*/*/")):
            return f"if the words are the folders in it, give data_dir={folder}, else put some there or remove it"
    return "put some there or into a folder per speaker, or remove it"


def _root(config: DatasetConfig, part: Part = WHOLE) -> pathlib.Path:
    """The corpus' folder. Raises `DatasetError` where there is none."""
    if not config.data_dir:
        raise DatasetError("dataset=folder needs a data_dir: give a folder with one folder of recordings per word")
    root = pathlib.Path(config.data_dir)
    if not root.is_dir():
        raise DatasetError(f"data_dir={root} is not a folder: give one that holds one folder of recordings per word")
    return root


def assign(recordings: dict[str, list[Recording]], seed: int) -> dict[pathlib.Path, str]:
    """The split of every file.

    Speakers are put in the order of SHA-1("<seed>/<speaker>"), those with more than 30 % of the files last. One after
    the other goes to whichever of validation and testing has fewer files, until both have a tenth; the rest train.
    Files without a speaker are put in the order of SHA-1("<seed>/<word>/<file>") in each word; the first tenth (at
    least one) validates, the second tests.

    Args:
      recordings: word -> its recordings.

    Raises:
      DatasetError: there are one or two speakers only, too few for three splits.
    """
    result: dict[pathlib.Path, str] = {}
    of_speaker: dict[str, list[pathlib.Path]] = {}
    for word, found in recordings.items():
        result.update(_by_file(word, [recording.path for recording in found if not recording.speaker], seed))
        for recording in found:
            if recording.speaker:
                of_speaker.setdefault(recording.speaker, []).append(recording.path)
    if of_speaker and len(of_speaker) < len(SPLITS):
        raise DatasetError(
            f"file names and folders carry the speakers {', '.join(sorted(of_speaker))} alone, three splits "
            "need three: add speakers; or, to split by file, put the files straight into the word's folder, without "
            "'_nohash_' and '__' in their names"
        )
    result.update(_by_speaker(of_speaker, seed))
    return result


def _say_without_speaker(recordings: dict[str, list[Recording]], names: Sequence[str]) -> None:
    """A line on stderr where some recordings of keywords say who speaks and others don't, who may be in two splits."""
    spoken = [each for word, found in recordings.items() if word in names for each in found if word != SILENCE]
    alone = [each.path for each in spoken if not each.speaker]
    if alone and len(alone) < len(spoken):
        print(
            f"warning: {len(alone)} recordings, as {alone[0]}, say no speaker, beside {len(spoken) - len(alone)} that "
            "do: they are split by file, a voice may be trained on and measured; put them into a folder per speaker",
            file=sys.stderr,
        )


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
    order = sorted(paths, key=lambda path: _hash(f"{seed}/{word}/{nfc(path.name)}"))
    held_out = max(1, round(_HELD_OUT_SHARE * len(order))) if len(order) >= len(SPLITS) else 0
    result = dict.fromkeys(order, "training")
    result.update(dict.fromkeys(order[:held_out], "validation"))
    result.update(dict.fromkeys(order[held_out : 2 * held_out], "testing"))
    return result


def _hash(text: str) -> str:
    return hashlib.sha1(text.encode("utf-8", "surrogateescape")).hexdigest()


def _labels(config: DatasetConfig, words: list[str], has_unknown: bool, where: str) -> tuple[str, ...]:
    if config.task == "35":
        return labels.choose(config, words, where)
    chosen = config.words or tuple(words)
    names = labels.choose(DatasetConfig(words=chosen) if chosen else config, words, where)
    if has_unknown and UNKNOWN not in names:
        return (SILENCE, UNKNOWN, *chosen)
    return names


def _read_clips(
    config: DatasetConfig,
    root: pathlib.Path,
    recordings: dict[str, list[Recording]],
    splits: dict[pathlib.Path, str],
    names: tuple[str, ...],
    builder: DatasetBuilder,
    part: Part,
) -> None:
    """Decodes the part's files into their splits; keywords first, so that `unknown_percentage` has its reference."""
    jobs = [
        (label, recording)
        for word, found in recordings.items()
        if (label := labels.label_of(word, names)) in names
        for recording in found
        if splits[recording.path] in part.splits
    ]
    keywords = [job for job in jobs if job[0] not in (SILENCE, UNKNOWN)]
    chosen = list(keywords)
    for split in part.splits:
        unknown = [job for job in jobs if job[0] == UNKNOWN and splits[job[1].path] == split]
        reference = sum(splits[recording.path] == split for _, recording in keywords)
        chosen += labels.thin_unknown(config, split, unknown, reference)
    chosen += [job for job in jobs if job[0] == SILENCE]
    read = functools.partial(_clips_of, longest=config.max_word_seconds, clip_samples=config.clip_samples)
    for (label, recording), clips in builder.each(chosen, read, config, "file"):
        path = recording.path
        if isinstance(clips, DatasetError):
            builder.skip(path, str(clips))
            continue
        if not clips:
            builder.skip(path, "there is no sound in it")
        if len(clips) > 1 and label not in (SILENCE, UNKNOWN):
            builder.divide(path, len(clips))
        for number, samples in enumerate(clips):
            name = str(path.relative_to(root)) + (f"#{number}" if len(clips) > 1 else "")
            builder.add(splits[path], name, samples, label, recording.speaker)


def _clips_of(job: tuple[str, Recording], longest: float | None, clip_samples: int) -> list[np.ndarray] | DatasetError:
    """The clips of a file, int16 [clip_samples] each; or why it has none."""
    label, recording = job
    try:
        return _cut(audio_file.read(recording.path), label, longest, clip_samples)
    except (audio_file.NotAudio, cutting.TooLong) as reason:
        return reason


def _cut(samples: np.ndarray, label: str, longest: float | None, clip_samples: int) -> list[np.ndarray]:
    """The clips of a recording; any part of an unknown word is unknown, so that those may be of any length."""
    if label == SILENCE:
        return cutting.grid(samples, clip_samples)
    if label != UNKNOWN and longest is not None:
        return cutting.word(samples, longest, clip_samples)
    if label != UNKNOWN and " " in as_said(label):
        return cutting.phrases(samples, clip_samples)
    return cutting.cut(samples, clip_samples)


def _noises(
    config: DatasetConfig, root: pathlib.Path, walk: Walk, builder: DatasetBuilder, needed: bool
) -> list[np.ndarray]:
    if config.noise == SPOKEN_NOISE:
        return synthetic.noise_recordings(config.seed)
    folder = root / BACKGROUND_NOISE if config.noise is None else pathlib.Path(config.noise)
    if config.noise is not None and not folder.is_dir():
        raise DatasetError(f"noise={folder} is not a folder: give one of recordings without speech, or {SPOKEN_NOISE}")
    noises = []
    for recording in walk.recordings(BACKGROUND_NOISE, [folder]) if folder.is_dir() else []:
        try:
            samples = audio_file.read(recording.path)
        except audio_file.NotAudio as reason:
            builder.skip(recording.path, str(reason))
            continue
        if len(samples) < CLIP_SAMPLES:
            seconds = len(samples) / CLIP_SAMPLES
            builder.skip(recording.path, f"noise of {seconds:.1f} s is too short, one second is the least")
            continue
        noises.append(samples)
    if not noises and needed:
        own = config.noise is None
        where = f"data_dir={root} has no recordings in {BACKGROUND_NOISE}/" if own else f"noise={folder} holds none"
        raise DatasetError(
            f"{where}: put some there that hold no speech ({audio_file.FORMATS}; a minute of the place of use is "
            f"best), or give noise={SPOKEN_NOISE}"
        )
    return noises


SOURCE = Source(_root, collect, (collect,), ("av", "numpy", "scipy", "soundfile"))
