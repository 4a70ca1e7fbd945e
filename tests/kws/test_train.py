"""Training as a user meets it: a run, its resumption, its bundle, its measurement."""

import json
import pathlib
import shlex
import signal
import subprocess
import sys

import corpus
import numpy as np
import pytest
from absl.flags import ListParser

from export.bundle import conversion
from export.bundle import folder as bundles
from export.model import lower
from export.proof.bundle_proof import VerifyConfig, verify_bundle
from kws import train
from kws.datasets import DatasetConfig
from kws.evaluation import clips
from kws.evaluation.evaluation_error import EvaluationError
from kws.training import earlier_runs, run_folder
from kws.training.run_folder import FIXED_POINT, FLOAT
from kws.training.settings import TrainConfig, by_layer, command_line
from kws.training.training_error import TrainingError
from kws_cli.settings import SettingError, settings_of
from quant.training import model_file

TINY = ("--float_epochs=2", "--fixed_point_epochs=1", "--batch_size=16", "--words=yes,no", "--processes=1")
TINY += ("--epoch_examples=1", "--allow_chance")
# Is interrupted after its first epoch, while nobody can take the exception.
INTERRUPTED = """
import os, signal, time
from kws import train
from kws.training.loop import fit

class Ends:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

def record(*arguments):
    fit._record = first
    fit._record(*arguments)
    Ends()

first, fit._record = fit._record, record
train.main()
"""


def command(module: str, *flags: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", module, *flags], capture_output=True, text=True, timeout=300)


def error_line(result: subprocess.CompletedProcess) -> str:
    """The one line of a user's error; fails where there is a traceback or another exit code."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("step_parts", "cores", "said"),
    [(1, 16, "of 16 cores a step keeps little more than one busy: --step_parts=8 "), (8, 16, ""), (1, 3, "")],
)
def test_many_cores_are_told_how_to_be_used(
    step_parts: int, cores: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train.devices, "name", lambda: "CPU")
    train.advise(TrainConfig(DatasetConfig(), step_parts=step_parts), cores)
    output = capsys.readouterr().out
    assert output.startswith(said) if said else not output


@pytest.fixture(scope="module")
def data(small_network: None, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return corpus.write(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def finished(data: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A run trained without interruption."""
    run_dir = tmp_path_factory.mktemp("runs") / "finished"
    result = command("kws.train", "--dataset=speech_commands", f"--data_dir={data}", f"--run_dir={run_dir}", *TINY)
    assert result.returncode == 0, result.stderr
    return run_dir


@pytest.fixture(scope="module")
def bundle(finished: pathlib.Path) -> pathlib.Path:
    path = finished.parent / "bundle"
    conversion.convert(conversion.ConvertConfig(finished, path))
    return path


def bits(*widths: str) -> tuple[int, ...]:
    (setting,) = (each for each in settings_of(TrainConfig) if each.name == "weight_bits")
    return setting.of_texts(list(widths))


@pytest.mark.parametrize("text", ["9", "1", "0", "-4", "four", "4.0", ""])
def test_impossible_widths_are_named(text: str) -> None:
    with pytest.raises(SettingError, match=f"weight_bits={text}: '{text}' is not a width from 2 to 8 bits"):
        bits(text)


def test_one_width_or_one_for_each_layer() -> None:
    assert set(by_layer(bits("4"), "ds_cnn_s").values()) == {4}
    mixed = by_layer(bits("8", *["4"] * 8, "6"), "ds_cnn_s")
    assert (mixed["conv0"], mixed["pointwise4"], mixed["logits"], len(mixed)) == (8, 4, 6, 10)
    with pytest.raises(TrainingError, match="weight_bits=4,8 gives 2 widths: give one for all layers, or 10"):
        TrainConfig(DatasetConfig(), weight_bits=(4, 8), model="ds_cnn_s")


@pytest.mark.slow
def test_a_run_holds_what_it_promises(finished: pathlib.Path) -> None:
    folder, saved = run_folder.open_run(finished)
    assert saved["settings"]["seed"] == 0
    assert saved["settings"]["dataset"]["words"] == ["yes", "no"]
    assert saved["environment"]["tensorflow"]
    history = folder.read_json(run_folder.HISTORY)
    assert [(row["stage"], row["epoch"]) for row in history] == [("float", 1), ("float", 2), ("fixed_point", 1)]
    metrics = folder.read_json(run_folder.METRICS)
    assert set(metrics) == {"float", "post_training", "fixed_point"}
    assert metrics["fixed_point"]["testing"]["clips"] > 0
    assert list((finished / "tensorboard" / "float").iterdir())


@pytest.mark.slow
def test_an_interrupted_run_resumes_to_the_same_weights(
    data: pathlib.Path, finished: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    run_dir = tmp_path / "interrupted"
    flags = ["--dataset=speech_commands", f"--data_dir={data}", f"--run_dir={run_dir}", *TINY]
    stopped = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *flags],
        capture_output=True,
        text=True,
        timeout=300,
        # A shell starts background jobs with SIGINT ignored, and their children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        check=False,
    )
    assert stopped.returncode == 130, stopped.stderr
    assert "--resume" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert not (run_dir / "trained").exists()

    refused = command("kws.train", *flags)
    assert "go on with python -m kws.train --resume" in error_line(refused)
    contradicting = command("kws.train", f"--run_dir={run_dir}", f"--data_dir={data}", "--resume", "--seed=7")
    assert "--seed=7 contradicts the run's own 0: leave it out, or start another run" in error_line(contradicting)
    contradicting = command("kws.train", f"--run_dir={run_dir}", f"--data_dir={data}", "--resume", "--top_up=none")
    assert "--top_up=none contradicts the run's own (none given): leave it out" in error_line(contradicting)

    resumed = command("kws.train", f"--run_dir={run_dir}", f"--data_dir={data}", "--resume", "--processes=1")
    assert resumed.returncode == 0, resumed.stderr
    lowered = []
    for run in (finished, run_dir):
        model = model_file.load_model(run / FIXED_POINT / "model.h5")
        lowered.append(lower.lower(model, "m", ("a", "b", "c", "d")).sha256)
        lowered.append([v.numpy().tobytes() for v in model.trainable_variables])
    assert lowered[:2] == lowered[2:]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits_in_another_process(
    data: pathlib.Path, finished: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    again, taken = tmp_path / "again", tmp_path / "taken"
    for run, *flags in ((again, "--processes=2"), (taken, f"--float_run={finished}")):
        flags += ["--dataset=speech_commands", f"--data_dir={data}", f"--run_dir={run}"]
        done = command("kws.train", *TINY, *flags)
        assert done.returncode == 0, done.stderr
    # What a sweep trains from a shared float model is what the command on its card trains.
    models = [model_file.load_model(run_folder.open_run(run)[0].model_path(FIXED_POINT)) for run in (finished, taken)]
    shared, own = ([variable.numpy().tobytes() for variable in model.variables] for model in models)
    assert shared == own
    runs = []
    for run in (finished, again):
        folder, _ = run_folder.open_run(run)
        models = [model_file.load_model(folder.model_path(stage)) for stage in (FLOAT, FIXED_POINT)]
        weights = [variable.numpy().tobytes() for model in models for variable in model.variables]
        history = [{**row, "seconds": None, "waited_seconds": None} for row in folder.read_json(run_folder.HISTORY)]
        runs.append((weights, history, folder.read_json(run_folder.METRICS)))
    assert runs[0] == runs[1]


@pytest.mark.slow
def test_a_low_width_run_takes_over_a_float_model(
    data: pathlib.Path, finished: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    flags = ["--dataset=speech_commands", f"--data_dir={data}", *TINY, f"--float_run={finished}"]
    method = (
        "--weight_bits=4",
        "--activation_bits=4",
        "--squash",
        "--cosine=0.01",
        f"--fixed_point_teachers={finished}",
    )
    done = command("kws.train", *flags, *method, f"--run_dir={tmp_path / 'w4a4'}", "--accumulator_bits=16")
    assert done.returncode == 0, done.stderr
    metrics = [run_folder.open_run(run)[0].read_json("metrics.json")["float"] for run in (finished, tmp_path / "w4a4")]
    assert metrics[0] == metrics[1]
    converted = conversion.convert(conversion.ConvertConfig(tmp_path / "w4a4", tmp_path / "bundle")).model
    weighted = [layer for layer in converted.layers if layer.macs]
    assert {(layer.weight_format.bits, layer.accumulator_bits) for layer in weighted} == {(4, 16)}
    assert {layer.output_format.bits for layer in weighted[:-1]} == {4}
    card = (tmp_path / "bundle" / bundles.CARD).read_text()
    lines = card.split("## Make it again")[1].split("```")[1].strip().splitlines()
    assert [f"--run_dir={run} " in line for run, line in zip((finished, "R"), lines, strict=True)] == [True, True]
    identity = earlier_runs.float_sha256(run_folder.RunFolder(finished))
    assert f"| `fixed_point_teachers` `{finished}` | {identity} |" in card
    assert f"float sha256: {identity}" in card
    taught = (*flags, f"--run_dir={tmp_path / 'taught'}", f"--fixed_point_teachers={tmp_path / 'nobody'}")
    assert f"--fixed_point_teachers={tmp_path / 'nobody'} holds no run" in error_line(command("kws.train", *taught))
    other = command("kws.train", *flags, f"--run_dir={tmp_path / 'other'}", "--seed=5")
    assert "was trained with seed=0, this run has 5" in error_line(other)


@pytest.mark.slow
def test_the_bundle_is_proved_and_measured(data: pathlib.Path, bundle: pathlib.Path) -> None:
    opened = bundles.load(bundle)
    result = verify_bundle(opened, VerifyConfig(random_codes=20))
    assert result.mismatches == 0
    assert result.clips == len(opened.golden) > 0
    accuracies = set()
    for backend in ("", "--backend=interpreter", "--backend=engine"):
        flags = (f"--bundle={bundle}", f"--data_dir={data}", "--json=-", "--allow_chance", *filter(None, [backend]))
        done = command("kws.evaluate", *flags)
        assert done.returncode == 0, done.stderr
        measured = json.loads(done.stdout)
        assert measured["backend"] == (backend.removeprefix("--backend=") or "interpreter")
        assert measured["computed_by"] in done.stderr
        accuracies.add(measured["accuracy"])
        assert np.sum(measured["confusion"]) == measured["clips"]
        trained = opened.metrics["float"]["testing"]
        same = [name for name in trained if name not in ("confusion", "det")]
        assert {name: measured["float"][name] for name in same} == {name: trained[name] for name in same}
    assert len(accuracies) == 1
    assert accuracies.pop() == opened.metrics["fixed_point"]["testing"]["accuracy"]


@pytest.mark.slow
def test_both_roundings_can_be_measured(data: pathlib.Path, bundle: pathlib.Path) -> None:
    dataset = DatasetConfig("speech_commands", str(data), ("yes", "no"), processes=1)
    result = clips.evaluate(clips.EvaluateConfig(bundle, dataset, "validation", "tflm"))
    assert result["clips"] == np.sum(result["confusion"])
    other = DatasetConfig("speech_commands", str(data), ("yes",), processes=1)
    with pytest.raises(EvaluationError, match="are not the bundle's"):
        clips.evaluate(clips.EvaluateConfig(bundle, other))


@pytest.mark.slow
def test_user_errors_are_one_line(data: pathlib.Path, bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run = f"--run_dir={tmp_path / 'run'}"
    assert "--weight_bits=9" in error_line(command("kws.train", run, "--weight_bits=9"))
    assert "--run_dir is required" in error_line(command("kws.train"))
    missing = command("kws.train", run, "--dataset=speech_commands", f"--data_dir={tmp_path / 'nowhere'}")
    assert str(tmp_path / "nowhere") in error_line(missing)
    assert not (tmp_path / "run").exists()
    assert "holds no finished run" in error_line(command("export.convert", f"--run_dir={tmp_path}", "--bundle=b"))
    (bundle / bundles.TFLITE).rename(tmp_path / "kept")
    try:
        damaged = command("kws.evaluate", f"--bundle={bundle}", f"--data_dir={data}")
        assert "truncated" in error_line(damaged)
    finally:
        (tmp_path / "kept").rename(bundle / bundles.TFLITE)


def test_layers_of_every_model_are_named() -> None:
    assert len(by_layer((8,), "ds_cnn_l")) == 12


def test_the_command_line_names_what_differs_from_the_defaults() -> None:
    config = TrainConfig(DatasetConfig("speech_commands", "somewhere", ("yes", "no"), seed=3), seed=2, weight_bits=(4,))
    assert command_line(config) == (
        "python -m kws.train --data_dir=D --run_dir=R --dataset=speech_commands --words=yes,no --data_seed=3 --seed=2 "
        "--weight_bits=4"
    )


def test_the_command_line_survives_a_shell() -> None:
    words = ("turn on", "it's", 'so "so"', "a,b", "größe")
    line = command_line(TrainConfig(DatasetConfig("folder", "somewhere", words, max_word_seconds=0.9)))
    given = shlex.split(line)
    (spelled,) = (argument.removeprefix("--words=") for argument in given if argument.startswith("--words="))
    assert tuple(ListParser().parse(spelled)) == words
    assert "--max_word_seconds=0.9" in given
