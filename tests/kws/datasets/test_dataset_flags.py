"""The flags of a dataset: what a run keeps of its settings, and how it comes back."""

import pytest

from kws.datasets import DatasetConfig, DatasetError, dataset_flags


def test_a_run_keeps_what_defines_the_data_and_not_the_machine() -> None:
    config = DatasetConfig("folder", "somewhere", ("lamp",), seed=3, download=True, processes=7)
    kept = dataset_flags.to_json(config)
    assert not {"data_dir", "download", "processes"} & set(kept)
    assert dataset_flags.from_json(kept, data_dir="somewhere", download=True, processes=7) == config
    assert dataset_flags.from_json(kept).data_dir is None


def test_a_later_setting_is_kept_only_where_it_is_set() -> None:
    """So that the settings of earlier runs, which lack it, are still equal to today's."""
    assert "max_word_seconds" not in dataset_flags.to_json(DatasetConfig("folder"))
    config = DatasetConfig("folder", max_word_seconds=0.9)
    kept = dataset_flags.to_json(config)
    assert kept["max_word_seconds"] == 0.9
    assert dataset_flags.from_json(kept) == config


def test_settings_of_another_version_are_named() -> None:
    kept = dataset_flags.to_json(DatasetConfig())
    with pytest.raises(DatasetError, match="another version, which had loudness, pitch"):
        dataset_flags.from_json({**kept, "pitch": 1, "loudness": 2})
