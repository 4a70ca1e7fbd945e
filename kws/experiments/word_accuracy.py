"""What the streaming network recognizes, beside the network on whole windows, of the words in a long recording.

python -m kws.experiments.word_accuracy --bundle=B --data_dir=D --split=testing --hours=0.5

Both see the same frames: the one-shot network those of a word's clip, nothing before and after, the streaming network
all frames of the recording, and its answer is that of the step which decides about this clip. The one-shot network is
also given every h-th window only, the nearest one to the clip: what running it less often costs.
"""

import dataclasses
import pathlib
from typing import Any

import numpy as np
from absl import flags

from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.host import float_steps
from export.model import interpreter
from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter
from kws import datasets
from kws.datasets import dataset_flags
from kws.datasets.clip import SPLITS, Dataset
from kws.evaluation.streaming.recording import Recipe, compose
from kws.evaluation.streaming.sound import frames_of, logits_of
from kws_cli import command
from kws_cli.command import UserError

HOPS = (10, 25)
"""Hops from one window of the one-shot network to the next, beside as many as a step of the streaming network takes."""
_STREAMING, _ONE_SHOT = "streaming", "one-shot every step"


@dataclasses.dataclass(frozen=True)
class WordAccuracyConfig:
    """What to measure: a bundle, on a recording of the data that it was trained with.

    Attributes:
      bundle: path of the bundle.
      data_dir: of the corpus.
      recipe: of the recording.
      processes: worker processes; None for one per core.
    """

    bundle: pathlib.Path
    data_dir: str | None
    recipe: Recipe
    processes: int | None = None


def measure(config: WordAccuracyConfig) -> dict[str, Any]:
    """Accuracies, as shares of the words, and the share on which both networks agree.

    Raises:
      UserError: a bundle of a model that was not trained, or a dataset that can't be read.
    """
    bundle = bundles.load_hearing(config.bundle)
    trained_on = bundle.training.get("settings", {}).get("dataset")
    if trained_on is None:
        raise UserError(f"--bundle={config.bundle} was not trained: give a bundle of export.convert")
    dataset = datasets.load(
        dataset_flags.from_json(trained_on, data_dir=config.data_dir, download=False, processes=config.processes)
    )
    return compare(bundle, dataset, config.recipe, config.processes)


def compare(bundle: Bundle, dataset: Dataset, recipe: Recipe, processes: int | None = None) -> dict[str, Any]:
    """`measure` of a bundle and a dataset that are loaded already."""
    front_end = bundle.frontend_config
    recording = compose(dataset, recipe)
    frames = frames_of(recording.samples, front_end, processes=processes)
    # The first frame that lies in the clip: a frame's window ends with its hop.
    within = front_end.window_samples // front_end.hop_samples - 1
    firsts = recording.starts / front_end.hop_samples + within
    answers = _answers(bundle.model, frames, firsts)
    right = {name: answer == recording.labels[: len(answer)] for name, answer in answers.items()}
    first, stream = right[_ONE_SHOT], right[_STREAMING]
    return {
        "bundle": bundle.name,
        "model": bundle.model.sha256[:12],
        "recipe": recipe.to_json(),
        "words": len(stream),
        "accuracy": {name: float(answer.mean()) for name, answer in right.items()},
        "agreement": float((answers[_ONE_SHOT] == answers[_STREAMING]).mean()),
        "only_one_shot_right": int((first & ~stream).sum()),
        "only_streaming_right": int((stream & ~first).sum()),
    }


def _answers(model: IntegerModel, frames: np.ndarray, firsts: np.ndarray) -> dict[str, np.ndarray]:
    """The best class for each word whose clip begins at frame `firsts` (float), while the recording has its frames."""
    stream = StreamInterpreter(model)
    logits = logits_of(model, frames)
    starts = np.array([stream.window_start(step) for step in range(len(logits))])
    steps = np.abs(firsts[:, None] - starts).argmin(1)
    whole = firsts <= starts[-1]
    height = model.input_shape[0]
    windows = {_ONE_SHOT: starts[steps[whole]]}
    windows |= {f"one-shot every {hops} hops": np.rint(firsts[whole] / hops).astype(int) * hops for hops in HOPS}
    answers = {_STREAMING: logits[steps[whole]].argmax(1)}
    for name, first in windows.items():
        codes = np.stack([frames[start : start + height] for start in np.clip(first, 0, len(frames) - height)])
        answers[name] = interpreter.run(model, codes.reshape(-1, *model.input_shape), steps=float_steps.steps()).argmax(
            1
        )
    return answers


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    recipe = result["recipe"]
    lines = [
        f"{result['bundle']} {result['model']}: {result['words']} words of {recipe['hours']:g} h, {recipe['split']}, "
        f"seed {recipe['seed']}"
    ]
    lines += [f"{name:<24} {100 * accuracy:.2f} %" for name, accuracy in result["accuracy"].items()]
    lines.append(
        f"streaming and one-shot every step agree on {100 * result['agreement']:.2f} %; right is only streaming "
        f"{result['only_streaming_right']} times, only one-shot {result['only_one_shot_right']} times"
    )
    return "\n".join(lines)


def define_flags() -> None:
    """Defines this command's flags."""
    recipe = Recipe()
    command.define_required_flag("bundle", "The bundle to measure.")
    flags.DEFINE_string("data_dir", None, "Folder of the corpus that it was trained with.")
    flags.DEFINE_enum("split", recipe.split, SPLITS, "The split whose words are spoken.")
    flags.DEFINE_float("hours", recipe.hours, "Length of the recording.")
    flags.DEFINE_integer("seed", recipe.seed, "Seed of the recording.", lower_bound=0)
    flags.DEFINE_integer("processes", None, "Worker processes (default: one per core).", lower_bound=1)
    command.define_json_flag()


def _work(values: Any) -> None:
    recipe = Recipe(split=values.split, hours=values.hours, seed=values.seed)
    result = measure(WordAccuracyConfig(pathlib.Path(values.bundle), values.data_dir, recipe, values.processes))
    command.say(table(result), values.json)
    command.write_json(result, values.json)


def main() -> None:
    """The command `python -m kws.experiments.word_accuracy`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
