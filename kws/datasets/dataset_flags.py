"""The flags that name a dataset, shared by the commands that load one."""

import dataclasses
import os
from typing import Any

from absl import flags

from kws.datasets import DatasetConfig, DatasetError
from kws.datasets.clip import DATASETS, TASKS

DATA_DIR_VARIABLE = "KWS_DATA_DIR"
_LATER = ("max_word_seconds",)


def define_machine_flags() -> None:
    """Defines what differs between machines; `--data_dir` falls back to the environment variable KWS_DATA_DIR."""
    flags.DEFINE_string(
        "data_dir", os.environ.get(DATA_DIR_VARIABLE), f"Folder of the corpus (default: ${DATA_DIR_VARIABLE})."
    )
    flags.DEFINE_bool("download", DatasetConfig().download, "Fetch the corpus into --data_dir if it isn't there.")
    flags.DEFINE_integer("processes", os.cpu_count(), "Worker processes that prepare clips.", lower_bound=1)


def define_flags() -> None:
    """Defines the dataset flags."""
    default = DatasetConfig()
    define_machine_flags()
    flags.DEFINE_enum("dataset", default.dataset, DATASETS, "Where the clips come from.")
    flags.DEFINE_list("words", None, "Keywords, in the order of their labels (default: the task's own).")
    flags.DEFINE_enum("task", default.task, TASKS, "12: ten keywords, _unknown_ and _silence_; 35: every word.")
    flags.DEFINE_integer(
        "data_seed", default.seed, "Seed of augmentation, home-made splits, synthetic speech.", lower_bound=0
    )
    flags.DEFINE_float(
        "unknown_percentage",
        default.unknown_percentage,
        "At most this many _unknown_ clips, in percent of a split's keyword clips (default: all).",
    )
    flags.DEFINE_float(
        "silence_percentage",
        default.silence_percentage,
        "_silence_ clips of validation and testing, in percent of a split's keyword clips.",
    )
    flags.DEFINE_float(
        "max_word_seconds",
        default.max_word_seconds,
        "A file holds its word once and is skipped if the word lasts longer, at most 1 (folder only; default: each "
        "sound of a long file is a clip).",
    )
    flags.DEFINE_integer("clips_per_word", default.clips_per_word, "Clips of each keyword (synthetic only).")


def config_from_flags(values: flags.FlagValues) -> DatasetConfig:
    """The dataset that the flags name. Raises `DatasetError` for an impossible one."""
    shared = {f.name for f in dataclasses.fields(DatasetConfig)} - {"words", "seed"}
    words = tuple(values.words) if values.words is not None else None
    return DatasetConfig(words=words, seed=values.data_seed, **{name: values[name].value for name in shared})


def to_json(config: DatasetConfig) -> dict[str, Any]:
    """What a run or a bundle keeps of the dataset's settings: what defines the data, not this machine.

    A setting that came after the first runs is left out where it is not set, so that theirs still compare equal.
    """
    fields = dataclasses.asdict(config)
    for name in ("data_dir", "download", "processes"):
        del fields[name]
    for name in _LATER:
        if fields[name] is None:
            del fields[name]
    fields["words"] = list(config.words) if config.words is not None else None
    return fields


def from_json(fields: dict[str, Any], **machine: Any) -> DatasetConfig:
    """The settings that `to_json` kept, with this machine's data_dir, download and processes where given.

    Raises:
      DatasetError: settings that this version doesn't know, or values outside their range.
    """
    unknown = set(fields) - {field.name for field in dataclasses.fields(DatasetConfig)}
    if unknown:
        raise DatasetError(f"the dataset's settings are of another version, which had {', '.join(sorted(unknown))}")
    words = tuple(fields["words"]) if fields.get("words") is not None else None
    return DatasetConfig(**{**fields, "words": words}, **machine)
