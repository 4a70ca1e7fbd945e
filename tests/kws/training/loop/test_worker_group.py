"""One training over two workers, processes here: the same as one worker's, whole after a loss."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import corpus
import numpy as np
import pytest

from kws.training.run_folder import FIXED_POINT, FLOAT, HISTORY, RunFolder
from kws.training.training_error import TrainingError
from kws.training.workers import worker_group
from kws.training.workers.worker_group import WorkerGroup

WORKER = pathlib.Path(__file__).with_name("group_worker.py")
ROOT = pathlib.Path(__file__).resolve().parents[4]
# Of a loss, relative: sums are in another order, and batch normalization's variance is computed in another way.
TOLERANCE = 1e-3


def configurations() -> list[str]:
    """TF_CONFIG of two workers on free ports."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    places = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    tasks = [{"type": "worker", "index": index} for index in range(2)]
    return [json.dumps({"cluster": {"worker": places}, "task": task}) for task in tasks]


def environment() -> dict[str, str]:
    """Of a worker: behind what a test put there, its modules are on the path."""
    paths = (os.environ.get("PYTHONPATH"), str(ROOT), str(WORKER.parent))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def start(*commands: list[str]) -> list[subprocess.Popen]:
    """Starts a command for each of two workers."""
    return [
        subprocess.Popen(
            [sys.executable, *command],
            env={**environment(), "TF_CONFIG": config},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for command, config in zip(commands, configurations(), strict=True)
    ]


def ended(workers: list[subprocess.Popen]) -> list[tuple[int, str, str]]:
    """Exit code, output and errors of each."""
    texts = [worker.communicate(timeout=300) for worker in workers]
    return [(worker.returncode, *text) for worker, text in zip(workers, texts, strict=True)]


def history(run_dir: pathlib.Path) -> list[dict]:
    return json.loads((run_dir / HISTORY).read_text())


def weights(outputs: list[tuple[int, str, str]]) -> list[str]:
    assert [code for code, *_ in outputs] == [0, 0], outputs[0][2][-3000:] + outputs[1][2][-3000:]
    return [line for _, output, _ in outputs for line in output.splitlines() if line.startswith("weights ")]


@pytest.mark.slow
def test_a_lost_worker_costs_no_more_than_the_epoch(tmp_path: pathlib.Path) -> None:
    """Both workers end with the same bits, with and without a loss, and with one worker's loss curve."""
    whole = weights(ended(start([str(WORKER), f"{tmp_path}/whole"], [str(WORKER), f"{tmp_path}/whole"])))
    assert len(set(whole)) == 1
    (code, _, errors), (killed, *_) = ended(
        start([str(WORKER), f"{tmp_path}/lost"], [str(WORKER), f"{tmp_path}/lost", "2"])
    )
    assert killed == -signal.SIGKILL and code == 1
    assert "TrainingError: another worker of TF_CONFIG was lost (" in errors and "{{" not in errors.splitlines()[-1]
    assert [row["epoch"] for row in history(tmp_path / "lost")] == [1, 2]
    outputs = ended(start([str(WORKER), f"{tmp_path}/lost"], [str(WORKER), f"{tmp_path}/lost"]))
    assert weights(outputs) == whole
    assert "epoch 1" not in outputs[0][1] and "epoch 2" in outputs[0][1]
    single = [sys.executable, str(WORKER), f"{tmp_path}/single"]
    subprocess.run(single, env=environment(), capture_output=True, check=True)
    losses = [[row["loss"] for row in history(tmp_path / name)] for name in ("whole", "single")]
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("small_network")
def test_two_workers_train_both_stages_as_one_does(tmp_path: pathlib.Path) -> None:
    """One is killed after an epoch, both are started again."""
    data = corpus.write(tmp_path / "corpus")
    flags = ("--dataset=speech_commands", f"--data_dir={data}", "--words=yes,no", "--processes=1", "--batch_size=8")
    # At the default rate, steps of so few examples go apart by more than the tolerance, whatever sums differ in.
    short = ["--float_epochs=2", "--fixed_point_epochs=1", "--float_learning_rate=1e-3", "--epoch_examples=1"]
    short.append("--allow_chance")
    train = ["-m", "kws.train", *flags, *short]
    subprocess.run([sys.executable, *train, f"--run_dir={tmp_path}/one/run"], check=True, capture_output=True)
    train.append(f"--run_dir={tmp_path}/two/run")
    workers = start(train, train)
    deadline = time.monotonic() + 200
    while not (tmp_path / "two" / "run" / FLOAT / "checkpoints" / "ckpt-1.index").is_file():
        assert time.monotonic() < deadline and {worker.poll() for worker in workers} == {None}
        time.sleep(0.1)
    os.killpg(workers[1].pid, signal.SIGKILL)  # with its worker processes, as where a machine is lost
    (code, _, errors), _ = ended(workers)
    assert code == 2
    assert "error: another worker of TF_CONFIG was lost" in errors and "Traceback" not in errors
    outputs = ended(start([*train, "--resume"], [*train, "--resume"]))
    assert [code for code, *_ in outputs] == [0, 0], outputs
    assert f"the run is in {tmp_path}/two/run" in outputs[0][1] and "the run is in" not in outputs[1][1]
    found, expected = history(tmp_path / "two" / "run"), history(tmp_path / "one" / "run")
    assert [row["stage"] for row in found] == [FLOAT, FLOAT, FIXED_POINT]
    np.testing.assert_allclose([row["loss"] for row in found], [row["loss"] for row in expected], rtol=TOLERANCE)
    assert RunFolder(tmp_path / "two" / "run").model_path(FIXED_POINT).is_file()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', '{"cluster": {}}']
)
def test_a_wrong_group_is_one_line(text: str) -> None:
    with pytest.raises(TrainingError, match=r"^TF_CONFIG=.*: expected \{") as error:
        worker_group.join(text)
    assert "\n" not in str(error.value)


def test_one_worker_is_no_group() -> None:
    assert worker_group.join("") is None
    assert worker_group.join('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}') is None


def test_workers_share_a_batch_without_rest() -> None:
    group = WorkerGroup(None, 2, 3)
    assert group.share(9) == slice(6, 9)
    with pytest.raises(TrainingError, match="a step of 8 examples can't be shared by the 3 workers of TF_CONFIG"):
        group.share(8)
