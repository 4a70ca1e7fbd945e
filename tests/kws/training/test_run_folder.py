"""The folder of a run: its files are whole, or not there."""

import pathlib
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from kws.training import run_folder
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.training.training_error import TrainingError
from kws_cli import held_folder


def model(bias: float) -> tf.keras.Model:
    layer = tf.keras.layers.Dense(2, input_shape=(3,), bias_initializer=tf.keras.initializers.Constant(bias))
    return tf.keras.Sequential([layer])


def test_a_write_that_is_cut_off_leaves_no_model(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a kill in its middle does: what is there counts as a finished stage."""

    def half(self: tf.keras.Model, path: str | pathlib.Path, **_: object) -> None:
        pathlib.Path(path).write_bytes(b"half of it")
        raise KeyboardInterrupt

    folder = RunFolder(tmp_path)
    path = folder.model_path(FLOAT)
    with monkeypatch.context() as patched:
        patched.setattr(tf.keras.Model, "save", half)
        with pytest.raises(KeyboardInterrupt):
            run_folder.save_model(folder, FLOAT, model(1.0))
    assert not path.exists()
    run_folder.save_model(folder, FLOAT, model(1.0))
    assert sorted(file.name for file in path.parent.iterdir()) == ["model.h5", "model.sha256"]
    with monkeypatch.context() as patched:
        patched.setattr(tf.keras.Model, "save", half)
        with pytest.raises(KeyboardInterrupt):
            run_folder.save_model(folder, FLOAT, model(2.0))
    np.testing.assert_array_equal(run_folder.load_model(folder, FLOAT).get_weights()[1], [1.0, 1.0])


@pytest.mark.parametrize("text", ["{}", "[]", '{"settings": []}', "{", ""])
def test_a_run_whose_settings_are_damaged_is_refused(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / run_folder.SETTINGS).write_text(text)
    with pytest.raises(TrainingError, match=r"run\.json is damaged \(.*: train the run again"):
        run_folder.open_run(tmp_path)


def test_a_start_that_was_killed_can_be_started_again(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "run"
    for stage in (FLOAT, FIXED_POINT):
        (path / stage).mkdir(parents=True)
    (path / run_folder.CLIPS).write_text("{}")
    (path / ".run.json-abcdefgh").mkdir()
    (path / ".run.json-abcdefgh" / held_folder.HELD).touch()
    (path / ".run.json-bcdefghi.new").mkdir()
    folder = run_folder.create(path, {"seed": 0})
    assert run_folder.open_run(path)[1]["settings"] == {"seed": 0}
    assert sorted(entry.name for entry in path.iterdir()) == ["clips.json", FIXED_POINT, FLOAT, "run.json"]
    with pytest.raises(TrainingError, match="holds a run"):
        run_folder.check_new(path)
    folder.file(run_folder.SETTINGS).unlink()
    for other in ("thesis.txt", "float/model.h5"):
        (path / other).touch()
        with pytest.raises(TrainingError, match="exists and is not a run: choose another folder"):
            run_folder.check_new(path)
        (path / other).unlink()


def test_a_flipped_bit_in_a_model_is_seen_when_it_is_read(tmp_path: pathlib.Path) -> None:
    folder = RunFolder(tmp_path)
    run_folder.save_model(folder, FLOAT, model(1.0))
    path = folder.model_path(FLOAT)
    content = bytearray(path.read_bytes())
    place = content.rindex(np.float32(1.0).tobytes())  # a weight: HDF5 itself would not notice
    content[place + 2] ^= 1
    path.write_bytes(content)
    for read in (run_folder.load_model, run_folder.checked_model):
        with pytest.raises(TrainingError, match=r"model\.h5 is damaged \(its sha256 differs\): remove it and resume"):
            read(folder, FLOAT)
    with pytest.raises(TrainingError, match="its sha256 differs"):
        run_folder.copy_model(folder, RunFolder(tmp_path / "other"), FLOAT)
    assert not (tmp_path / "other").exists()
    folder.hash_path(FLOAT).unlink()  # as a run of an earlier version
    assert run_folder.load_model(folder, FLOAT).get_weights()[1][1] != 1.0


def test_a_model_that_is_taken_over_has_its_hash(tmp_path: pathlib.Path) -> None:
    first, second = RunFolder(tmp_path / "first"), RunFolder(tmp_path / "second")
    run_folder.save_model(first, FLOAT, model(1.0))
    run_folder.copy_model(first, second, FLOAT)
    assert second.hash_path(FLOAT).read_text() == first.hash_path(FLOAT).read_text()
    assert run_folder.checked_model(second, FLOAT).read_bytes() == first.model_path(FLOAT).read_bytes()


def test_the_hash_of_a_model_stands_before_the_model(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between the two: the stage isn't finished, and what is left does not disturb the next try."""
    folder = RunFolder(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(run_folder.atomic, "put", _put_all_but(folder.model_path(FLOAT)))
        with pytest.raises(KeyboardInterrupt):
            run_folder.save_model(folder, FLOAT, model(1.0))
    assert folder.hash_path(FLOAT).is_file() and not folder.model_path(FLOAT).exists()
    run_folder.save_model(folder, FLOAT, model(2.0))
    np.testing.assert_array_equal(run_folder.load_model(folder, FLOAT).get_weights()[1], [2.0, 2.0])


def _put_all_but(last: pathlib.Path) -> Callable[[pathlib.Path, pathlib.Path], None]:
    put = run_folder.atomic.put

    def stop(fresh: pathlib.Path, place: pathlib.Path) -> None:
        if place == last:
            raise KeyboardInterrupt
        put(fresh, place)

    return stop


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (run_folder.HISTORY, "{}"),
        (run_folder.METRICS, "[]"),
        (run_folder.METRICS, '{"float": 1}'),
        (run_folder.CLIPS, '{"a": 3}'),
        (run_folder.FRONTEND, "[" * 100_000),
    ],
)
def test_other_files_of_a_run_that_are_not_as_written_are_refused(tmp_path: pathlib.Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(TrainingError, match=f"{name} is damaged"):
        RunFolder(tmp_path).read_json(name)


def test_a_phase_that_is_damaged_is_named(tmp_path: pathlib.Path) -> None:
    folder = RunFolder(tmp_path)
    folder.phase_path(3).parent.mkdir()
    folder.phase_path(3).write_bytes(b"PK\x03\x04 half of it")
    with pytest.raises(TrainingError, match=r"epoch3\.npz is damaged \(.*: remove it and resume the run"):
        run_folder.read_phase(folder, 3, ())
