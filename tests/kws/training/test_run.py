"""Whole runs of a tiny network: little data, changed data, damaged files."""

import json
import pathlib
import re
import shutil
from collections.abc import Iterator
from typing import Any

import corpus
import pytest
import tensorflow as tf

from kws.datasets import DatasetConfig
from kws.models import MODELS
from kws.models.ds_cnn import DsCnnSpec
from kws.training import devices, earlier_runs, job, run_folder, training_data
from kws.training import run as training
from kws.training.run_folder import FIXED_POINT, FLOAT, RunFolder
from kws.training.settings import TrainConfig
from kws.training.training_error import TrainingError
from kws.training.workers.worker_group import WorkerGroup
from quant.training import model_file

CLIPS = 6


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(MODELS, "small", DsCnnSpec(4, (2, 2), ((2, 2),)))
        # They would hold for the tests that follow in this process, too; all that a run draws has a seed of its own.
        patched.setattr(tf.keras.utils, "set_random_seed", lambda seed: None)
        patched.setattr(tf.config.experimental, "enable_op_determinism", lambda: None)
        yield


def config(data: pathlib.Path, **settings: Any) -> TrainConfig:
    dataset = DatasetConfig("speech_commands", str(data), ("yes", "no"), processes=1)
    return TrainConfig(
        dataset,
        **{
            "model": "small",
            "float_epochs": 1,
            "fixed_point_epochs": 1,
            "epoch_examples": 1,
            "allow_chance": True,
            **settings,
        },
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return corpus.write(tmp_path_factory.mktemp("corpus"), training=CLIPS, evaluation=2)


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def finished(data: pathlib.Path, said: list[str], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return training.run(config(data), tmp_path_factory.mktemp("runs") / "finished", say=said.append)


@pytest.fixture
def other_data(data: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """The same corpus with one clip that sounds otherwise, one that is missing and one that is new."""
    other = shutil.copytree(data, tmp_path / "corpus")
    first, second, third = sorted((other / "yes").glob("speaker*.wav"))[:3]
    second.rename(other / "yes" / "speaker99_nohash_0.wav")
    shutil.copyfile(third, first)
    return other


OTHER = (
    r"was trained on other clips than there are now: 1 new, 1 missing, 1 of other sound "
    r"\(the first: yes/speaker00_nohash_0.wav\); "
)


@pytest.mark.slow
def test_a_batch_that_is_too_large_for_the_data_is_made_smaller_and_written_down(
    finished: RunFolder, said: list[str]
) -> None:
    assert "an epoch has 20 examples: steps of 2, not of batch_size=64" in said
    saved = finished.read_json(run_folder.SETTINGS)
    assert (saved["batch_size"], saved["settings"]["batch_size"]) == (2, 64)
    assert said[0] == f"device: {devices.description()}"
    assert saved["device"] == devices.name()
    history = finished.read_json(run_folder.HISTORY)
    assert len(history) == 2 and "NaN" not in json.dumps(history)
    described = json.loads((finished.path / "trained" / "trained.json").read_text())["training"]
    assert described["data"]["sha256"] == saved["data"]["sha256"]


@pytest.mark.slow
def test_a_resumed_run_keeps_its_batch_and_an_old_one_its_settings(
    finished: RunFolder, data: pathlib.Path, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr(training_data, "MIN_STEPS", 4)
    monkeypatch.setattr(training, "_train_stages", lambda *_: None)

    def resumed(changes: dict[str, Any]) -> list[str]:
        run_dir = shutil.copytree(finished.path, tmp_path / "run", dirs_exist_ok=True)
        folder = RunFolder(run_dir)
        saved = {**finished.read_json(run_folder.SETTINGS), **changes}
        folder.write_json(run_folder.SETTINGS, {name: value for name, value in saved.items() if value is not None})
        said: list[str] = []
        training.run(config(data), run_dir, resume=True, say=said.append)
        assert said[0].startswith("device: ")
        return [line for line in said[1:] if " clips" not in line]

    assert resumed({}) == ["an epoch has 20 examples: steps of 2, not of batch_size=64"]
    assert resumed({"device": None}) == resumed({})
    other = "the run was begun on GPU NVIDIA H100: from here on its last bits are those of another device"
    assert resumed({"device": "GPU NVIDIA H100"}) == [other, *resumed({})]
    settings = finished.read_json(run_folder.SETTINGS)["settings"]
    old = {"batch_size": None, "data": None, "settings": {**settings, "batch_size": 20}}
    assert resumed(old) == ["an epoch has 20 examples: steps of 20, not of batch_size=64"]
    with pytest.raises(TrainingError, match="was begun with more than the 20 examples of an epoch in a step"):
        resumed({**old, "settings": {**settings, "batch_size": 21}})


@pytest.mark.slow
def test_changed_data_are_noticed_when_a_run_is_resumed(
    finished: RunFolder, other_data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    run_dir = shutil.copytree(finished.path, tmp_path / "run")
    with pytest.raises(TrainingError, match=f"^run_dir={re.escape(str(run_dir))} {OTHER}"):
        training.run(config(other_data), run_dir, resume=True)


@pytest.mark.slow
def test_changed_data_are_noticed_beside_a_float_model(
    finished: RunFolder, other_data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(TrainingError, match=f"^float_run={re.escape(str(finished.path))} {OTHER}"):
        training.run(config(other_data), tmp_path / "run", float_run=finished.path)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_teacher_may_have_heard_other_clips_but_none_that_is_measured(
    finished: RunFolder, other_data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    taught = config(other_data, float_teachers=(str(finished.path),), fixed_point_epochs=0)
    pupil = training.run(taught, tmp_path / "pupil")
    assert pupil.read_json(run_folder.FRONTEND) == finished.read_json(run_folder.FRONTEND)
    listed = (other_data / "validation_list.txt").read_text().split()
    measured = next(name for name in listed if name.startswith("yes/"))
    not_listed = {path.name for path in (other_data / "yes").iterdir()} - {pathlib.Path(name).name for name in listed}
    heard = finished.read_json(run_folder.CLIPS)
    known = next(name for name in sorted(not_listed) if heard.get(f"yes/{name}", [""])[0] == "training")
    shutil.copyfile(other_data / "yes" / known, other_data / measured)
    for flag in ("float_teachers", "fixed_point_teachers"):
        given = config(other_data, **{flag: (str(finished.path),)})
        expected = rf"^{flag}={re.escape(str(finished.path))} was trained on 1 clips .*\(the first: {measured}\)"
        with pytest.raises(TrainingError, match=expected):
            training.run(given, tmp_path / flag)
        assert not (tmp_path / flag).exists()


@pytest.mark.slow
def test_a_float_model_of_other_steps_is_refused(
    finished: RunFolder, data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    source = RunFolder(shutil.copytree(finished.path, tmp_path / "source"))
    source.update_json(run_folder.SETTINGS, batch_size=20)
    with pytest.raises(TrainingError, match="was trained in steps of 20 examples, this run has steps of 2"):
        training.run(config(data), tmp_path / "run", float_run=source.path)


@pytest.mark.parametrize(
    ("clips", "evaluation", "message"),
    [
        (1, 1, "has 3 examples, too few to train on: 8 are the least"),
        (2, 1, "has 7 examples, too few to train on"),
        (4, 0, "the validation split has no clip of a keyword, of 1 in all"),
        (0, 2, "has no training clips"),
    ],
)
def test_too_little_data_is_refused_and_leaves_nothing(
    tmp_path: pathlib.Path, clips: int, evaluation: int, message: str
) -> None:
    few = corpus.write(tmp_path / "corpus", training=clips, evaluation=evaluation)
    with pytest.raises(ValueError, match=message) as refused:
        training.run(config(few, allow_few=True), tmp_path / "run")
    assert type(refused.value).user_can_mend
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_few_clips_fill_an_epoch_and_a_resumed_run_keeps_its_rounds(
    finished: RunFolder, data: pathlib.Path, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    found = []
    monkeypatch.setattr(training, "_train_stages", lambda config, loaded, *_: found.append(loaded))
    said: list[str] = []
    run = training.run(config(data, epoch_examples=100), tmp_path / "run", say=said.append)
    assert "few clips: each is drawn 5 times in an epoch, augmented afresh" in said
    assert (found[0].rounds, found[0].batch_size, run_folder.rounds(run)) == (5, 12, 5)
    assert run_folder.rounds(finished) == 1
    training.run(config(data, epoch_examples=100), run.path, resume=True)
    assert found[1].rounds == 5
    with pytest.raises(TrainingError, match="drew every clip 1 times in an epoch, this run draws it 5 times"):
        monkeypatch.setattr(earlier_runs, "float_source", lambda *_: finished)
        training.run(config(data, epoch_examples=100), tmp_path / "other", float_run=finished.path)


def test_many_clips_give_an_epoch_of_its_limit(
    data: pathlib.Path, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    found = []
    monkeypatch.setattr(training, "_train_stages", lambda config, loaded, *_: found.append(loaded))
    said: list[str] = []
    training.run(config(data, epoch_limit=16), tmp_path / "run", say=said.append)
    assert any(line.startswith("an epoch has epoch_limit=16 of ") for line in said)
    assert found[0].batch_size == 16 // training_data.MIN_STEPS
    assert len(job.training_codes(config(data, epoch_limit=16), found[0], 0, 64)) == 16


@pytest.mark.slow
def test_a_stage_that_ends_near_chance_is_said_unless_that_is_allowed(
    finished: RunFolder, data: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    run = RunFolder(shutil.copytree(finished.path, tmp_path / "run"))
    metrics = run.read_json(run_folder.METRICS)
    metrics[FLOAT]["validation"]["recall"] = {"_silence_": 0.0, "_unknown_": None, "yes": 1.0, "no": 0.0}
    run.write_json(run_folder.METRICS, metrics)
    training.run(config(data), run.path, resume=True)
    strict = config(data, allow_chance=False)
    with pytest.raises(TrainingError, match=r"^float: on validation 33.3 % of each class .* allow_chance=true$"):
        training.run(strict, run.path, resume=True)


@pytest.mark.slow
def test_a_damaged_model_is_named(finished: RunFolder, data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """As a kill in the middle of writing it left it, before models were written whole."""
    folder = RunFolder(shutil.copytree(finished.path, tmp_path / "run"))
    content = folder.model_path(FLOAT).read_bytes()
    folder.model_path(FLOAT).write_bytes(content[: len(content) // 2])
    folder.model_path(FIXED_POINT).unlink()
    with pytest.raises(TrainingError, match=r"float/model\.h5 is damaged \(.*: remove it and resume the run"):
        training.run(config(data), folder.path, resume=True)
    folder.model_path(FLOAT).unlink()
    training.run(config(data), folder.path, resume=True)
    for stage in (FLOAT, FIXED_POINT):
        again, first = (model_file.load_model(run.model_path(stage)).get_weights() for run in (folder, finished))
        assert [weights.tobytes() for weights in again] == [weights.tobytes() for weights in first]


def test_parts_of_a_step_are_refused_among_workers(tmp_path: pathlib.Path) -> None:
    with pytest.raises(TrainingError, match=r"^step_parts=2 are of one worker's cores: leave it at 1"):
        training.run(config(tmp_path, step_parts=2), tmp_path / "run", group=WorkerGroup(None, 0, 2))
    assert not (tmp_path / "run").exists()
