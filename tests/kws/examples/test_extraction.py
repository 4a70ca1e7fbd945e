"""Features of many clips: the same in parallel, kept on disk, recomputed where the disk lies; light workers."""

import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest
from signals import speech_like

from kws.datasets import DatasetConfig
from kws.examples import feature_cache
from kws.examples.example_error import ExampleError
from kws.examples.extraction import calibrate_on_clips, extract
from kws.frontend import FLOAT64, INTEGER, FrontEndConfig, features
from kws.stores.clip_store import Group, open_store
from kws.stores.making import Making
from kws_cli.cores import usable_cores
from kws_cli.worker_pool import processes_or_cores, start_workers


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    return np.tile(speech_like(), (8, 1))


@pytest.fixture(scope="module")
def config(clips: np.ndarray) -> FrontEndConfig:
    return calibrate_on_clips(clips[:40], FrontEndConfig())


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_any_number_of_processes_gives_the_same(
    clips: np.ndarray, config: FrontEndConfig, processes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    np.testing.assert_array_equal(
        extract(clips, config, processes=processes, label="training"), features(clips, config)
    )
    assert "training: 320 clips in" in capsys.readouterr().err


def test_no_clips_give_no_features(config: FrontEndConfig) -> None:
    assert extract(np.zeros((0, 16000), np.int16), config, processes=2).shape == (0, 49, 10, 1)


def test_the_cache_answers_the_second_time(
    clips: np.ndarray, config: FrontEndConfig, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = extract(clips[:9], config, processes=1, cache_dir=tmp_path / "cache")
    capsys.readouterr()
    second = extract(clips[:9], config, processes=1, cache_dir=tmp_path / "cache")
    assert "9 clips from the cache" in capsys.readouterr().err
    np.testing.assert_array_equal(first, second)
    assert [file.suffix for file in (tmp_path / "cache").iterdir()] == [".npy"]


def test_the_key_is_samples_and_parameters(clips: np.ndarray, config: FrontEndConfig) -> None:
    other = clips[:5].copy()
    other[3, 77] += 1
    keys = {
        feature_cache.key(clips[:5], config, INTEGER),
        feature_cache.key(clips[:4], config, INTEGER),
        feature_cache.key(other, config, INTEGER),
        feature_cache.key(clips[:5], FrontEndConfig(), INTEGER),
        feature_cache.key(clips[:5], config, FLOAT64),
    }
    assert len(keys) == 5
    assert feature_cache.key(clips[:5].copy(), config, INTEGER) in keys


@pytest.mark.parametrize("processes", [1, 2])
def test_float64_features_have_a_cache_entry_of_their_own(
    clips: np.ndarray, config: FrontEndConfig, tmp_path: pathlib.Path, processes: int
) -> None:
    codes = extract(clips[:140], config, processes=1, cache_dir=tmp_path)
    for _ in range(2):
        values = extract(clips[:140], config, processes=processes, cache_dir=tmp_path, arithmetic=FLOAT64)
        np.testing.assert_array_equal(values, FLOAT64.features(clips[:140], config))
    np.testing.assert_array_equal(extract(clips[:140], config, processes=1, cache_dir=tmp_path), codes)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "text", "shape"])
def test_a_damaged_file_is_computed_again_with_one_warning(
    clips: np.ndarray,
    config: FrontEndConfig,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    damage: str,
) -> None:
    expected = extract(clips[:9], config, processes=1, cache_dir=tmp_path)
    file = next(tmp_path.iterdir())
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "text":
        file.write_text("not an array")
    else:
        np.save(file, expected[:4])
    capsys.readouterr()
    np.testing.assert_array_equal(extract(clips[:9], config, processes=1, cache_dir=tmp_path), expected)
    assert capsys.readouterr().err.count("warning:") == 1
    np.testing.assert_array_equal(np.load(file), expected)


def test_a_cache_that_cant_be_written_is_one_line(
    clips: np.ndarray, config: FrontEndConfig, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExampleError, match="can't write the feature cache"):
        extract(clips[:2], config, processes=1, cache_dir=tmp_path / "file")


def test_wrong_samples_are_refused_before_any_work(config: FrontEndConfig) -> None:
    with pytest.raises(ValueError, match="expected int16 PCM"):
        extract(np.zeros((2, 16000), np.float32), config)


def _tensorflow_is_loaded() -> bool:
    return "tensorflow" in sys.modules


def test_workers_have_no_tensorflow(clips: np.ndarray, config: FrontEndConfig) -> None:
    pool = start_workers(1)
    try:
        assert pool.submit(features, clips[:1], config).result().shape == (1, 49, 10, 1)
        assert not pool.submit(_tensorflow_is_loaded).result()
    finally:
        pool.shutdown(kill_workers=True)


def test_importing_the_front_end_doesnt_import_tensorflow() -> None:
    code = "import sys, kws.frontend, kws.examples.epochs, kws.examples.augment; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_processes() -> None:
    assert processes_or_cores(None) == usable_cores() == DatasetConfig().worker_processes
    assert processes_or_cores(3) == 3
    with pytest.raises(ValueError, match="processes=0"):
        processes_or_cores(0)


@pytest.fixture
def stored(clips: np.ndarray, tmp_path: pathlib.Path) -> Group:
    making = Making(tmp_path / "store.making", ["testing"], 16000)
    for samples in clips[:200]:
        making.add("testing", samples)
    making.finish(tmp_path / "store", {}, {"testing": None}, {"testing": []})
    return open_store(tmp_path / "store").groups["testing"]


@pytest.mark.parametrize("processes", [1, 2])
def test_features_of_a_store_are_those_of_its_clips(
    clips: np.ndarray, config: FrontEndConfig, tmp_path: pathlib.Path, processes: int, stored: Group
) -> None:
    found = extract(stored.samples, config, processes=processes, stored=stored, cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(found, features(clips[:200], config))
    extract(clips[:200], config, processes=1, cache_dir=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_calibrating_on_a_store_brings_no_mapped_clip_into_memory(clips: np.ndarray, stored: Group) -> None:
    found = calibrate_on_clips(stored.samples, FrontEndConfig(), clips=150, seed=3, stored=stored)
    assert found == calibrate_on_clips(clips[:200], FrontEndConfig(), clips=150, seed=3)
    assert _resident(stored) == 0
    stored.samples[7].sum()
    assert _resident(stored) > 0


def _resident(stored: Group) -> int:
    """kB of the mapped clips that are in this process' memory."""
    maps = pathlib.Path("/proc/self/smaps").read_text().split(f"{stored.store.folder}/clips.int16")[1:]
    return sum(int(entry.partition("Rss:")[2].split()[0]) for entry in maps)


def test_what_another_makes_is_waited_for(
    clips: np.ndarray, config: FrontEndConfig, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = feature_cache.key(clips[:9], config, INTEGER)
    lock = feature_cache.claim(tmp_path, name, wait=False)
    assert lock is not None

    def other() -> None:
        feature_cache.write(tmp_path, name, np.ones((9, 49, 10, 1), np.int8))
        lock.remove()

    threading.Timer(0.5, other).start()
    assert extract(clips[:9], config, processes=1, cache_dir=tmp_path).all()
    said = capsys.readouterr().err
    assert "waiting for it" in said and "9 clips from the cache" in said
    assert [file.suffix for file in tmp_path.iterdir()] == [".npy"]
