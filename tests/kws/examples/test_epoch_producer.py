"""The producer: the same epochs from any number of workers, or from disk; clean ends."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from kws.examples import feature_cache
from kws.examples.epoch_producer import EpochProducer
from kws.examples.epochs import EpochConfig, epoch_examples
from kws.examples.example_error import ExampleError
from kws.frontend import FrontEndConfig
from kws.stores.clip_store import Group, open_store
from kws.stores.making import Making

FRONTEND = FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10)
CONFIG = EpochConfig(FRONTEND, silence_word=9)
LABELS = np.repeat([0, 1, 2, 3, 4], [100, 60, 60, 50, 10])


def quiet(rng: np.random.Generator, noises: Sequence[np.ndarray]) -> np.ndarray:
    return rng.integers(-3, 4, 16000).astype(np.int16)


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    return np.random.default_rng(0).integers(-2000, 2000, (len(LABELS), 16000)).astype(np.int16)


@pytest.fixture(scope="module")
def noises() -> list[np.ndarray]:
    return [np.random.default_rng(1).integers(-500, 500, 40000).astype(np.int16)]


@pytest.mark.parametrize("processes", [1, 3])
def test_any_number_of_workers_gives_the_same(clips: np.ndarray, noises: list[np.ndarray], processes: int) -> None:
    with EpochProducer(clips, LABELS, noises, quiet, CONFIG, seed=5, epochs=3, processes=processes) as producer:
        for epoch in (0, 1, 2, 1):
            tensor, labels = producer.epoch(epoch)
            expected, expected_labels = epoch_examples(clips, LABELS, noises, quiet, CONFIG, seed=5, epoch=epoch)
            np.testing.assert_array_equal(tensor, expected)
            np.testing.assert_array_equal(labels, expected_labels)


@pytest.mark.parametrize("count", [1, 64, 100, 10**6])
def test_the_first_examples_are_those_of_the_epoch(
    clips: np.ndarray, noises: list[np.ndarray], count: int, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    expected = epoch_examples(clips, LABELS, noises, quiet, CONFIG, seed=5, epoch=3)[0][:count]
    made = []
    with EpochProducer(clips, LABELS, noises, quiet, CONFIG, seed=5, processes=2, cache_dir=tmp_path) as producer:
        submit = producer._pool.submit
        monkeypatch.setattr(producer._pool, "submit", lambda *task: made.append(len(task[3])) or submit(*task))
        np.testing.assert_array_equal(producer.first_examples(3, count), expected)
        assert sum(made) < len(expected) + 64
        assert not list(tmp_path.iterdir())
        producer.epoch(3)
        made.clear()
        np.testing.assert_array_equal(producer.first_examples(3, count), expected)
        assert not made


def test_the_files_are_removed(clips: np.ndarray, tmp_path: pathlib.Path) -> None:
    with EpochProducer(clips, LABELS, [], quiet, CONFIG, seed=5, processes=1, scratch_dir=str(tmp_path)) as producer:
        producer.epoch(0)
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def _explode(rng: np.random.Generator, noises: Sequence[np.ndarray]) -> np.ndarray:
    raise RuntimeError("no silence today")


def test_an_error_in_a_worker_reaches_the_caller(clips: np.ndarray) -> None:
    with (
        pytest.raises(RuntimeError, match="no silence today"),
        EpochProducer(clips, LABELS, [], _explode, CONFIG, seed=5, processes=1) as producer,
    ):
        producer.epoch(0)


def test_bad_arguments_are_refused(clips: np.ndarray, tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=r"expected int16 \[n, 16000\]"):
        EpochProducer(clips[:, :8000], LABELS, [], quiet, CONFIG, seed=5)
    with pytest.raises(ValueError, match="3 words for 280 clips"):
        EpochProducer(clips, LABELS[:3], [], quiet, CONFIG, seed=5)
    with pytest.raises(ValueError, match="no function that draws silence"):
        EpochProducer(clips, LABELS, [], None, CONFIG, seed=5)
    with pytest.raises(ValueError, match="noises"):
        EpochProducer(clips, LABELS, [np.zeros(5, np.float32)], quiet, CONFIG, seed=5)
    with pytest.raises(ExampleError, match="can't write"):
        EpochProducer(clips, LABELS, [], quiet, CONFIG, seed=5, scratch_dir=str(tmp_path / "missing"))


INTERRUPTED = """
import numpy as np
from kws.examples.epoch_producer import EpochProducer
from kws.examples.epochs import EpochConfig
from kws.frontend import FrontEndConfig
config = EpochConfig(FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10))
clips = np.ones((600, 16000), np.int16)
try:
    with EpochProducer(clips, np.zeros(600, int), [], None, config, seed=0, processes=2) as producer:
        print("ready", flush=True)
        for epoch in range(1000):
            producer.epoch(epoch)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def heed_interrupts() -> None:
    """A shell starts background jobs with SIGINT ignored, and their children would inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("delay", [0.0, 1.5])
def test_ctrl_c_ends_quietly(delay: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(delay)
            # As a terminal does: the whole group, workers included, gets the signal.
            os.killpg(process.pid, signal.SIGINT)
            output, errors = process.communicate(timeout=60)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert (output, errors, process.returncode) == ("stopped\n", "", 0)


def test_kept_epochs_are_read_again(
    clips: np.ndarray, noises: list[np.ndarray], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def produce(seed: int) -> tuple[np.ndarray, np.ndarray]:
        with EpochProducer(
            clips, LABELS, noises, quiet, CONFIG, seed=seed, epochs=1, processes=1, cache_dir=tmp_path
        ) as producer:
            return producer.epoch(0)

    made = produce(3)
    other = produce(4)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(EpochProducer, "_start", lambda *_: pytest.fail("an epoch that is kept was made again"))
    for first, second in ((made, produce(3)), (other, produce(4))):
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])
    assert (made[0].shape != other[0].shape) or (made[0] != other[0]).any()


def test_kept_epochs_are_those_of_their_clips(
    clips: np.ndarray, noises: list[np.ndarray], tmp_path: pathlib.Path
) -> None:
    changed = clips.copy()
    changed[0, 0] += 1
    for samples in (clips, changed):
        with EpochProducer(
            samples, LABELS, noises, quiet, CONFIG, seed=3, epochs=1, processes=1, cache_dir=tmp_path
        ) as producer:
            producer.epoch(0)
    assert len(list(tmp_path.iterdir())) == 2


def kept(folder: pathlib.Path, clips: np.ndarray, noises: list[np.ndarray]) -> Group:
    """A store of these clips and noises."""
    making = Making(folder / "store.making", ["training"], 16000)
    for samples in clips:
        making.add("training", samples)
    making.finish(folder / "store", {}, {"training": None}, {"training": noises})
    return open_store(folder / "store").groups["training"]


def test_workers_read_a_store_and_nothing_is_copied(
    clips: np.ndarray, noises: list[np.ndarray], tmp_path: pathlib.Path
) -> None:
    """The epochs are those of clips in memory, under the same names."""
    (tmp_path / "scratch").mkdir()
    scratch, cache = str(tmp_path / "scratch"), tmp_path / "cache"
    stored = kept(tmp_path, clips, noises)
    for samples, own, where in ((stored.samples, stored.noises, stored), (clips, noises, None)):
        producer = EpochProducer(
            *(samples, LABELS, own, quiet, CONFIG),
            **{"seed": 5, "epochs": 1, "processes": 2, "scratch_dir": scratch, "cache_dir": cache, "stored": where},
        )
        with producer:
            copied = [path.name for folder in pathlib.Path(scratch).iterdir() for path in folder.iterdir()]
            assert sorted(copied) == ([] if where else [".held", "clips.int16", "noises.int16"])
            tensor, labels = producer.epoch(0)
        expected, expected_labels = epoch_examples(clips, LABELS, noises, quiet, CONFIG, seed=5, epoch=0)
        np.testing.assert_array_equal(tensor, expected)
        np.testing.assert_array_equal(labels, expected_labels)
        assert len(list(cache.iterdir())) == 1


MAKES = """
import sys
from kws.examples.epoch_producer import EpochProducer
from test_epoch_producer import CONFIG, LABELS, quiet
import numpy as np
made = []
submit = EpochProducer._submit
EpochProducer._submit = lambda self, epoch, lock: made.append(epoch) or submit(self, epoch, lock)
clips = np.random.default_rng(0).integers(-2000, 2000, (len(LABELS), 16000)).astype(np.int16)
with EpochProducer(clips, LABELS, [], quiet, CONFIG, seed=5, epochs=3, processes=1, cache_dir=sys.argv[1]) as producer:
    print("ready", flush=True)
    sys.stdin.readline()
    epochs = [producer.epoch(epoch)[0].tobytes() for epoch in range(3)]
import hashlib
print(hashlib.sha256(b"".join(epochs)).hexdigest(), *made)
"""


def test_of_two_that_want_an_epoch_one_makes_it(tmp_path: pathlib.Path) -> None:
    paths = os.pathsep.join([str(pathlib.Path(__file__).parent), *filter(None, sys.path)])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MAKES, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    said = [process.communicate("\n", timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    hashes, *_ = zip(*(output.split() for output, _ in said), strict=False)
    made = [int(epoch) for output, _ in said for epoch in output.split()[1:]]
    assert len(set(hashes)) == 1 and sorted(made) == [0, 1, 2]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npy"] * 3


def test_who_waits_for_an_epoch_says_so_and_makes_it_where_the_other_ends_early(
    clips: np.ndarray, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with EpochProducer(clips, LABELS, [], quiet, CONFIG, seed=5, epochs=1, processes=1, cache_dir=tmp_path) as producer:
        lock = feature_cache.claim(tmp_path, producer._name(0), wait=False)
        assert lock is not None
        threading.Timer(0.5, lock.release).start()
        features, _ = producer.epoch(0)
    expected, _ = epoch_examples(clips, LABELS, [], quiet, CONFIG, seed=5, epoch=0)
    np.testing.assert_array_equal(features, expected)
    assert capsys.readouterr().err.count("waiting for it") == 1
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]


def test_a_group_may_read_what_is_kept_where_the_umask_lets_it(clips: np.ndarray, tmp_path: pathlib.Path) -> None:
    mask = os.umask(0o027)
    try:
        with EpochProducer(
            clips, LABELS, [], quiet, CONFIG, seed=5, epochs=1, processes=1, cache_dir=tmp_path / "cache"
        ) as producer:
            producer.epoch(0)
    finally:
        os.umask(mask)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "cache", *(tmp_path / "cache").iterdir())]
    assert modes == [0o750, 0o640]
