"""What a run is trained and measured on: enough of it, a batch that fits it, and the same when it is resumed."""

import dataclasses
import pathlib
from collections.abc import Callable

from kws import datasets
from kws.datasets import identity
from kws.datasets.clip import Dataset
from kws.datasets.sources import shares
from kws.datasets.survey import amounts
from kws.examples import extraction
from kws.examples.material import material
from kws.frontend import FrontEndConfig
from kws.training import run_folder
from kws.training.amounts import own_recordings
from kws.training.run_folder import RunFolder
from kws.training.settings import TrainConfig
from kws.training.training_error import TrainingError
from kws.training.transfer import bundle_start
from kws.training.transfer.bundle_start import BundleStart

# Fewer steps in an epoch hardly move the weights; a batch is made smaller until there are so many.
MIN_STEPS = 8


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """What a run is trained and measured on.

    Attributes:
      clips: the identity of the dataset's clips.
      frontend: calibrated on the training clips.
      batch_size: examples in a step.
      rounds: how often an epoch goes over the clips.
      start: the bundle that stage 1 starts from; None for random weights.
    """

    dataset: Dataset
    clips: identity.Identity
    frontend: FrontEndConfig
    batch_size: int
    rounds: int = 1
    start: BundleStart | None = None


def load(
    config: TrainConfig, begun: RunFolder | None, source: RunFolder | None, say: Callable[[str], None]
) -> TrainingData:
    """Loads the data of a run.

    Args:
      begun: the run that is gone on with; None for a new one.
      source: the run whose float model is taken over; None for none.
      say: is told what there is.

    Raises:
      DatasetError, TrainingError: the data can't be loaded, are not enough, or are not those of these two runs.
    """
    start = bundle_start.read(config.init, config.model) if config.init else None
    _check_start(begun, start)
    dataset = datasets.load(config.dataset)
    say(f"{dataset.name}: {', '.join(f'{len(clips)} {split}' for split, clips in dataset.splits.items())} clips")
    if mixed := shares.line(dataset):
        say(mixed)
    check_splits(dataset)
    if not begun and not config.allow_few:
        check_enough(dataset)
    clips = identity.identity(dataset)
    if not begun and dataset.name == "folder":
        own_recordings.check(dataset, clips)
    if begun:
        run_folder.check_clips(begun, clips, f"run_dir={begun.path}")
    if source:
        run_folder.check_clips(source, clips, f"float_run={source.path}")
    teachers = [RunFolder(pathlib.Path(path)) for path in (*config.float_teachers, *config.fixed_point_teachers)]
    frontend = _frontend(dataset, [folder for folder in (begun, source, *teachers) if folder], start)
    whole = material(dataset, frontend, config.dataset.seed).examples_per_epoch
    times = _rounds(config, whole, begun, source)
    if times > 1:
        say(f"few clips: each is drawn {times} times in an epoch, augmented afresh")
    limit = config.epoch_limit or None
    examples = material(dataset, frontend, config.dataset.seed, rounds=times, most=limit).examples_per_epoch
    if examples < whole:
        say(f"an epoch has epoch_limit={limit} of {whole} examples, another part each time")
    size = _batch_size(config, examples, begun, source)
    if size < config.batch_size:
        say(f"an epoch has {examples} examples: steps of {size}, not of batch_size={config.batch_size}")
    return TrainingData(dataset, clips, frontend, size, times, start)


def _check_start(begun: RunFolder | None, start: BundleStart | None) -> None:
    kept = begun.read_json(run_folder.SETTINGS).get(run_folder.INIT) if begun else None
    if begun and start and kept != start.to_json():
        raise TrainingError(f"init={start.path} is another bundle than the one that run_dir={begun.path} started from")


def _frontend(dataset: Dataset, earlier: list[RunFolder], start: BundleStart | None) -> FrontEndConfig:
    """The front end with the Q-format that training data choose, of the first of the earlier runs that has one, the
    teachers' among them, whose student hears what they hear; of the bundle that is started from; or calibrated now."""
    for folder in earlier:
        if folder.file(run_folder.FRONTEND).is_file():
            return FrontEndConfig.from_json(folder.read_json(run_folder.FRONTEND))
    clips = dataset.splits["training"]
    clip_samples = clips.samples.shape[1]
    if start:
        return dataclasses.replace(start.frontend, clip_samples=clip_samples)
    return extraction.calibrate_on_clips(clips.samples, FrontEndConfig(clip_samples=clip_samples), stored=clips.stored)


def _rounds(config: TrainConfig, examples: int, begun: RunFolder | None, source: RunFolder | None) -> int:
    """How often an epoch goes over the clips: what the run began with, or what suits a round of `examples`."""
    if begun:
        return run_folder.rounds(begun)
    found = rounds(examples, config.epoch_examples)
    if source and run_folder.rounds(source) != found:
        raise TrainingError(
            f"float_run={source.path} drew every clip {run_folder.rounds(source)} times in an epoch, this run draws it "
            f"{found} times: train it again"
        )
    return found


def rounds(examples: int, least: int) -> int:
    """How often an epoch goes over clips that give `examples` each time, so that it has `least`; once for none."""
    return max(1, -(-least // examples)) if examples >= MIN_STEPS else 1


def _batch_size(config: TrainConfig, examples: int, begun: RunFolder | None, source: RunFolder | None) -> int:
    """Examples in a step: what the run began with, or what fits. Runs of earlier versions took the settings' own."""
    if begun:
        size = run_folder.batch_size(begun)
        if size > examples:
            raise TrainingError(
                f"run_dir={begun.path} was begun with more than the {examples} examples of an epoch in a step, "
                f"batch_size={size}: start another run"
            )
        return size
    size = batch_size(examples, config.batch_size)
    if source and run_folder.batch_size(source) != size:
        raise TrainingError(
            f"float_run={source.path} was trained in steps of {run_folder.batch_size(source)} examples, this run has "
            f"steps of {size}: train it again"
        )
    return size


def batch_size(examples_per_epoch: int, largest: int) -> int:
    """The number of examples in a step: at most `largest`, and so few that an epoch has `MIN_STEPS` steps.

    Raises:
      TrainingError: there are not enough examples even for steps of one.
    """
    if examples_per_epoch < MIN_STEPS:
        raise TrainingError(
            f"an epoch of the training clips has {examples_per_epoch} examples, too few to train on: {MIN_STEPS} are "
            "the least, and some 20 clips of each word are a start"
        )
    return min(largest, examples_per_epoch // MIN_STEPS)


def check_enough(dataset: Dataset) -> None:
    """Raises `TrainingError` for a class of too few clips to train on, or of none to measure with."""
    if few := amounts.too_few(dataset):
        raise TrainingError(f"{few}: {amounts.REMEDY}, or give allow_few=true")


def check_splits(dataset: Dataset) -> None:
    """Raises `TrainingError` for a dataset of which no network could be trained, or none be measured."""
    keywords = {label for label, name in enumerate(dataset.labels) if not name.startswith("_")}
    for split, clips in dataset.splits.items():
        present = set(clips.labels.tolist())
        if not present & keywords:
            raise TrainingError(
                f"the {split} split has no clip of a keyword, of {len(clips)} in all: training, validation and testing "
                "need some each, of different speakers"
            )
        if split != "training" and present == keywords and len(keywords) == 1:
            raise TrainingError(
                f"the {split} split has clips of the one keyword alone: add others, such as _unknown_, to measure with"
            )
