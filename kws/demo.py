"""The whole way once, on speech spoken on the spot: `make demo`.

Synthetic speech -> features -> float training -> fixed-point training -> bundle (.tflite, C) -> detector of
keywords in a stream -> parity proof -> firmware -> emulated Cortex-M4, and a table of what came out.
"""

import dataclasses
import pathlib
import shutil
import time
from typing import Any

from absl import flags

from export.bundle import folder as bundles
from kws import datasets
from kws.evaluation.evaluation_error import EvaluationError
from kws.evaluation.streaming.recording import Recipe
from kws.training import devices
from kws.training.run_folder import METRICS, SETTINGS, RunFolder
from kws.training.settings import TrainConfig
from kws_cli import command, settings
from kws_cli.cores import usable_cores

_SHOWN_CLIPS = 8
# Of the recording on which the detector is chosen.
_STREAM_HOURS = 0.25


@dataclasses.dataclass(frozen=True)
class DemoConfig:
    """Settings of the demonstration.

    Attributes:
      run_dir: folder of the run; the bundle goes into its `bundle/`. An earlier demonstration there is replaced.
      emulator: as in `microcontroller.bench`.
      clips: clips that the emulated device hears.
    """

    run_dir: pathlib.Path
    float_epochs: int = 40
    fixed_point_epochs: int = 8
    emulator: str = "auto"
    clips: int = 20
    seed: int = 0
    clips_per_word: int = 200


def demo(config: DemoConfig) -> dict[str, Any]:
    """Runs every step and returns the figures of the closing table."""
    # All the steps together take half a second to import, which --help need not wait for.
    from export.bundle import conversion
    from export.proof.bundle_proof import verify_bundle
    from kws.evaluation import clips
    from kws.training import run as training
    from microcontroller import bench
    from microcontroller.measurement.table import table as bench_table

    started = time.monotonic()
    if (config.run_dir / SETTINGS).is_file():
        shutil.rmtree(config.run_dir)
    _step(1, "train on synthetic speech: float, then fixed point (8-bit weights and activations)")
    dataset = datasets.DatasetConfig(dataset="synthetic", clips_per_word=config.clips_per_word)
    training_settings = TrainConfig(
        dataset,
        seed=config.seed,
        threads=usable_cores(),
        float_epochs=config.float_epochs,
        fixed_point_epochs=config.fixed_point_epochs,
    )
    run = training.run(training_settings, config.run_dir)
    _step(2, "write the bundle: integer model, .tflite, C arrays, golden vectors")
    bundle_path = config.run_dir / "bundle"
    conversion.convert(conversion.ConvertConfig(run.path, bundle_path))
    _step(3, "choose the detector of keywords in a stream, on words of the validation split")
    detector = _detector(bundle_path, dataset)
    bundle = bundles.load(bundle_path)
    _step(4, "prove that Keras, interpreter, TensorFlow Lite Micro and the C engine agree, code by code")
    parity = verify_bundle(bundle)
    print(parity.table(), flush=True)
    _step(5, "measure the integer model on the test split")
    measured = clips.evaluate(clips.EvaluateConfig(bundle_path, dataset))
    print(clips.table(measured), flush=True)
    _step(6, "build the firmware and run it on an emulated Cortex-M4")
    board = bench.measure(bench.BenchConfig(bundle=bundle_path, emulator=config.emulator, clips=config.clips))
    print(bench_table(board), flush=True)
    return {
        "float_accuracy": run_metrics(run, "float"),
        "fixed_point_accuracy": measured["accuracy"],
        "parity": {"inputs": parity.inputs, "mismatches": parity.mismatches},
        "tflite_bytes": bundle.tflite_path.stat().st_size,
        "weight_bytes": sum(layer.weight_bytes for layer in bundle.model.layers),
        "device": board,
        "detector": detector,
        "seconds": round(time.monotonic() - started),
        "bundle": str(bundle_path),
    }


def _detector(bundle: pathlib.Path, dataset: datasets.DatasetConfig) -> dict[str, Any] | None:
    """Writes the bundle's detector and prints how it was chosen; None where this network can have none."""
    from kws import tune_detector
    from kws.evaluation.streaming import evaluation

    recipe = Recipe("validation", hours=_STREAM_HOURS)
    try:
        tuned = tune_detector.tune(tune_detector.TuneConfig(bundle, dataset, recipe, backend=evaluation.ENGINE))
    except EvaluationError as reason:
        print(f"no detector: {reason}", flush=True)
        return None
    print(tune_detector.table(tuned), flush=True)
    return tuned["detector"]


def run_metrics(run: RunFolder, stage: str) -> float:
    """Accuracy of a stage on the test split."""
    return run.read_json(METRICS)[stage]["testing"]["accuracy"]


def _step(number: int, text: str) -> None:
    print(f"\n[{number}/6] {text}", flush=True)


def table(result: dict[str, Any]) -> str:
    """The closing table."""
    device, parity = result["device"], result["parity"]
    rows = [
        ("accuracy on synthetic test speech, float", f"{100 * result['float_accuracy']:.2f} %"),
        ("accuracy on synthetic test speech, fixed point", f"{100 * result['fixed_point_accuracy']:.2f} %"),
        ("parity: differing codes", f"{parity['mismatches']} over {parity['inputs']} inputs, every layer"),
        ("weights and biases", f"{result['weight_bytes']:,} bytes"),
        (".tflite", f"{result['tflite_bytes']:,} bytes"),
        ("emulator, board", f"{device['emulator']}, {device['board']}"),
        ("instructions per inference", f"{device['instructions_per_inference']:,}"),
        ("RAM: arena + stack", f"{device['arena_bytes']:,} + {device['stack_bytes']:,} bytes"),
        ("RAM of the whole firmware", f"{device['ram_bytes']:,} bytes"),
        ("flash of the whole firmware", f"{device['flash_bytes']:,} bytes"),
        ("device: differing logit codes", str(device["mismatches"])),
    ]
    heard = [answer for answer in device["predictions"] if answer["spoken"]]
    shown = heard[:: max(len(heard) // _SHOWN_CLIPS, 1)][:_SHOWN_CLIPS]
    width = max(len(name) for name in (*(name for name, _ in rows), *(answer["clip"] for answer in shown)))
    lines = [f"{name:{width}}  {value}" for name, value in rows]
    lines += ["", f"{'clip':{width}}  {'spoken':10} {'host':10} device"]
    for answer in shown:
        lines.append(f"{answer['clip']:{width}}  {answer['spoken']:10} {answer['expected']:10} {answer['label']}")
    lines += ["", f"{result['seconds']} s; the bundle is in {result['bundle']}", *_next(result)]
    return "\n".join(lines)


def _next(result: dict[str, Any]) -> list[str]:
    """The commands that go on from here: listen, a page that listens, a library for a board."""
    bundle = pathlib.Path(result["bundle"])
    if result["detector"] is None:
        return ["", "next: train for longer, since without a detector no keyword is heard in a stream"]
    given = {"bundle": bundle}
    return [
        "",
        "next, with .venv/bin/python:",
        settings.spelled("  python -m kws.stream", given | {"microphone": "true"}) + "   # or --audio=FILE",
        settings.spelled("  python -m microcontroller.web_page", given | {"page": bundle.parent / "keywords.html"}),
        settings.spelled(
            "  python -m export.package", given | {"target": "arduino", "output": bundle.parent / "keywords.zip"}
        ),
    ]


def define_flags() -> None:
    """Defines this command's flags."""
    default = DemoConfig(pathlib.Path("runs/demo"))
    command.define_json_flag()
    flags.DEFINE_string("run_dir", str(default.run_dir), "Folder to write to; an earlier demonstration is replaced.")
    flags.DEFINE_integer("float_epochs", default.float_epochs, "Epochs of float training.", lower_bound=1)
    flags.DEFINE_integer("fixed_point_epochs", default.fixed_point_epochs, "Epochs in fixed point.", lower_bound=0)
    flags.DEFINE_string("emulator", default.emulator, "auto, qemu or renode.")
    flags.DEFINE_integer("clips_per_word", default.clips_per_word, "Spoken clips of each keyword.", lower_bound=10)


def main() -> None:
    """The command `python -m kws.demo`."""

    def work(values: flags.FlagValues) -> None:
        devices.prepare(usable_cores())
        result = demo(
            DemoConfig(
                pathlib.Path(values.run_dir),
                float_epochs=values.float_epochs,
                fixed_point_epochs=values.fixed_point_epochs,
                emulator=values.emulator,
                clips_per_word=values.clips_per_word,
            )
        )
        command.say("\n" + table(result), values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
