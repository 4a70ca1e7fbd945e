"""The command that lists, checks and prunes what is kept."""

import dataclasses
import json
import pathlib
import subprocess
import sys

import corpus
import pytest

from kws import cache, datasets
from kws.cache import CacheConfig
from kws.datasets import DatasetConfig
from kws.stores import clip_store


@pytest.fixture
def config(tmp_path: pathlib.Path) -> DatasetConfig:
    root = corpus.write(tmp_path / "corpus", training=6, evaluation=2)
    config = DatasetConfig("speech_commands", str(root), ("yes", "no"), cache_dir=str(tmp_path / "cache"))
    datasets.load(config)
    return config


def run(config: DatasetConfig, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kws.cache", f"--cache_dir={config.cache_dir}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_stores_are_listed_with_what_they_are_of(config: DatasetConfig) -> None:
    datasets.load(dataclasses.replace(config, words=None, silence_percentage=20.0))
    done = run(config, "--json=-")
    result = json.loads(done.stdout)
    assert result["cache_dir"] == config.cache_dir and not result["removed"]
    assert [store["settings"]["words"] for store in result["stores"]] == [None, ["yes", "no"]]
    for store in result["stores"]:
        assert (store["state"], store["in_use"], store["dataset"]) == ("whole", False, "speech_commands")
        assert store["size"] > 32000 * store["clips"] and store["data_dir"] == config.data_dir
    title, head, first, second = done.stderr.splitlines()
    assert title.startswith(f"{config.cache_dir}: 2 stores, 0.00 GB")
    assert head.split() == ["store", "clips", "MB", "made", "used", "state", "what"]
    assert first.endswith(f"now   now   whole  speech_commands {config.data_dir} silence_percentage=20.0")
    assert second.endswith(f"whole  speech_commands {config.data_dir} words=yes,no")


def test_pruning_leaves_what_was_asked_for(config: DatasetConfig) -> None:
    assert not cache.run(CacheConfig("prune", config.cache_dir, keep_gb=1))["removed"]
    done = run(config, "--prune", "--keep_gb=0")
    assert done.returncode == 0 and "removed: 1 stores" in done.stdout
    assert run(config).stdout == f"{config.cache_dir}: no stores\n"
    assert not list((pathlib.Path(config.cache_dir or "") / "clips").iterdir())


def test_what_a_killed_maker_left_is_listed_and_pruned(config: DatasetConfig) -> None:
    folder = pathlib.Path(config.cache_dir or "") / "clips" / "abc.making"
    folder.mkdir()
    (folder / "journal").write_text("x" * 1000)
    assert "unfinished" in cache.table(cache.run(CacheConfig(cache_dir=config.cache_dir)), 0)
    removed = cache.run(CacheConfig("prune", config.cache_dir, keep_gb=0))["removed"]
    assert {store["state"] for store in removed} == {"whole", "unfinished"} and not folder.exists()


def test_a_check_finds_damage_that_a_seal_does_not_show(
    config: DatasetConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = next(path for path in (pathlib.Path(config.cache_dir or "") / "clips").iterdir() if path.is_dir())
    path = store / "training" / "clips.int16"
    state, real = clip_store._state(path), clip_store._state
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    with monkeypatch.context() as patch:
        patch.setattr(clip_store, "_state", lambda other: state if other == path else real(other))
        assert cache.run(CacheConfig(cache_dir=config.cache_dir))["stores"][0]["state"] == "whole"
        checked = cache.run(CacheConfig("check", config.cache_dir))["stores"][0]
    assert (checked["state"], checked["reason"]) == ("damaged", "training/clips.int16 is not what was written")
    done = run(config, "--check")
    assert done.returncode == 1 and done.stderr == "a damaged store is made again when it is used next\n"
    capsys.readouterr()
    datasets.load(config)
    assert "is damaged" in capsys.readouterr().err
    assert run(config, "--check").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--list", "--prune"), "--list and --prune exclude each other"),
        (("--keep_gb=3",), "--keep_gb=3 is for --prune"),
        (("--cache_dir=nowhere",), "--cache_dir=nowhere is not a folder"),
    ],
)
def test_flags_that_make_no_sense(config: DatasetConfig, arguments: tuple[str, ...], message: str) -> None:
    done = run(config, *arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and message in done.stderr
