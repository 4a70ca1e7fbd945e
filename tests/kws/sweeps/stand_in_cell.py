"""Stands in for `kws.sweeps.run_cell`: takes the time of a cell, makes its files, and says where and on what it ran.

A line in the file that KWS_TEST_EVENTS names for each start, epoch and end: what, cell, machine, GPUs.
"""

import json
import os
import pathlib
import sys
import threading
import time

from kws.sweeps import cell as cell_files

SECONDS = float(os.environ.get("KWS_TEST_SECONDS", "0"))
EPOCH_SECONDS = float(os.environ.get("KWS_TEST_EPOCH_SECONDS", "0"))


def say(what: str, cell: cell_files.Cell) -> None:
    with open(os.environ["KWS_TEST_EVENTS"], "a") as file:
        machine, gpus = os.environ.get("KWS_TEST_MACHINE", "-"), os.environ.get("CUDA_VISIBLE_DEVICES", "-")
        file.write(json.dumps([what, cell.title, machine, gpus]) + "\n")


def end_with_sweep() -> None:
    while os.read(0, 1):
        pass
    os._exit(130)


def summary(accuracy: float) -> dict:
    return {
        "accuracy": accuracy,
        "accuracy_without_silence": accuracy,
        "false_discovery_rate_at_false_reject_rate": {"0.05": 0.1},
        "det": {},
    }


def train(cell: cell_files.Cell) -> None:
    """The epochs that the run has not, each with the accuracy that its learning rate is worth."""
    path = cell.run_dir / "history.json"
    rows = json.loads(path.read_text()) if path.is_file() else []
    stage = "float" if cell.is_float else "fixed_point"
    silly = not cell.is_float and (cell.settings["fixed_point_learning_rate"] or 0) > 1
    for epoch in range(len(rows) + 1, cell.settings[f"{stage}_epochs"] + 1):
        time.sleep(EPOCH_SECONDS)
        say("epoch", cell)
        rows.append({"stage": stage, "epoch": epoch, "validation_accuracy": 0.2 if silly else 0.8 + 0.01 * epoch})
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".new").write_text(json.dumps(rows))
        path.with_suffix(".new").rename(path)


def main() -> None:
    job = next(flag.removeprefix("--job=") for flag in sys.argv if flag.startswith("--job="))
    cell = cell_files.read(job)
    threading.Thread(target=end_with_sweep, daemon=True).start()
    say("start", cell)
    time.sleep(SECONDS)
    if EPOCH_SECONDS:
        train(cell)
    if cell.name == "fails":
        sys.exit("error: this cell fails")
    stages = {"float": {split: summary(0.9) for split in cell_files.MEASURED_SPLITS}}
    (cell.run_dir / "float" / "checkpoints").mkdir(parents=True, exist_ok=True)
    (cell.run_dir / "float" / "checkpoints" / "ckpt-1.index").write_text("large")
    if cell.is_float:
        (cell.run_dir / "float" / "model.h5").write_text(f"weights of seed {cell.settings['seed']}")
    else:
        weights = (pathlib.Path(cell.float_run) / "float" / "model.h5").read_text()
        (cell.run_dir / "bundle").mkdir(exist_ok=True)
        (cell.run_dir / "bundle" / "model.npz").write_text(f"{cell.name} of {weights}")
        stages |= {stage: stages["float"] for stage in cell_files.STAGES}
    result = {name: getattr(cell, name) for name in ("name", "variant", "width", "settings")}
    result |= {"batch_size": 64, "seconds": SECONDS, "stages": stages}
    result |= {} if cell.is_float else {"accumulator_bits_proved": 17, "weight_bytes": 1, "sha256": "0"}
    say("end", cell)
    cell.result.write_text(json.dumps(result))


if __name__ == "__main__":
    main()
