"""The flags that name a dataset, shared by the commands that load one."""

from typing import Any

from absl import flags

from kws.datasets import DatasetConfig, DatasetError
from kws_cli import setting_flags, settings


def define_machine_flags() -> None:
    """Defines what differs between machines; `--data_dir` falls back to the environment variable KWS_DATA_DIR."""
    setting_flags.define_flags(DatasetConfig, only_machine=True)


def define_flags() -> None:
    """Defines the dataset flags."""
    setting_flags.define_flags(DatasetConfig)


def config_from_flags(values: flags.FlagValues) -> DatasetConfig:
    """The dataset that the flags name. Raises `DatasetError` for an impossible one."""
    return setting_flags.from_flags(DatasetConfig, values)


def machine_settings(values: flags.FlagValues) -> dict[str, Any]:
    """What differs between machines, as the flags spell it: arguments of `from_json`."""
    return setting_flags.machine_settings(DatasetConfig, values)


def to_json(config: DatasetConfig) -> dict[str, Any]:
    """What a run or a bundle keeps of the dataset's settings: what defines the data, not this machine.

    A setting that came after the first runs is left out where it is not set, so that theirs still compare equal.
    """
    return settings.to_json(config)


def from_json(fields: dict[str, Any], **machine: Any) -> DatasetConfig:
    """The settings that `to_json` kept, with those of this machine that are given, such as data_dir.

    Raises:
      DatasetError: settings that this version doesn't know, or values outside their range.
    """
    unknown = settings.unknown(DatasetConfig, fields)
    if unknown:
        raise DatasetError(f"the dataset's settings are of another version, which had {', '.join(unknown)}")
    return DatasetConfig(**settings.of_json(DatasetConfig, fields), **machine)
