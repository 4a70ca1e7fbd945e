"""Writes a bundle from a finished run. `python -m export.convert --run_dir=R --bundle=B`."""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from export.bundle import detector_file, folder, generated_c, model_card, tflite
from export.bundle.bundle_error import BundleError
from export.bundle.training import trained
from export.model import float_model, integer_model
from export.model.integer_model import IntegerModel
from export.plan import FAST, goals
from export.plan.plan_error import PlanError
from quant.method import UNIFORM_SHIFT

# What `microcontroller.streaming.recording` composes its sound of.
_SPOKEN_WORDS = "words.json"


@dataclasses.dataclass(frozen=True)
class ConvertConfig:
    """What to convert.

    Attributes:
      run_dir: a finished run.
      bundle: the folder to write.
      profile: kernels of the C, one of `export.plan.PROFILES`.
      allow_chance: convert a network that is hardly better than guessing, too.
      max_ram: bytes of arena and stack; where `profile` takes more, it is the one of least memory. None for no limit.
    """

    run_dir: pathlib.Path
    bundle: pathlib.Path
    profile: str = FAST
    allow_chance: bool = False
    max_ram: int | None = None


def convert(config: ConvertConfig, say: Callable[[str], None] = print) -> folder.Bundle:
    """Lowers the trained graph and writes everything that follows from it, and the weights of its float model.

    Raises:
      PlanError: the model needs more memory than `max_ram`.
      BundleError: no finished run, a damaged one, one near chance (unless that is allowed), one whose accumulators can
        leave their declared width, or one that was trained for one shift and has several.
    """
    from export.model import lower  # imports TensorFlow

    source = trained.read(config.run_dir)
    _check_chance(source, config, say)
    model = _loaded(source.model)
    try:
        lowered = lower.lower(model, source.name, source.labels)
        if trained.qformat(source) == UNIFORM_SHIFT:
            integer_model.prove_one_shift(lowered)
        weights = _float_weights(source.float_model, lowered)
        profile = goals.profile_within(lowered, config.profile, config.max_ram)
        generated_c.files(lowered, source.frontend, None, profile)  # raises before anything is written
    except PlanError:
        raise
    except ValueError as error:
        raise BundleError(f"run_dir={config.run_dir} can't be converted: {error}") from error
    say(f"lowered {lowered.name}: {len(lowered.layers)} layers, {lowered.macs:,} MAC")
    if config.max_ram is not None:
        say(goals.chosen_within(lowered, profile, config.max_ram))
    # In a fixed random order, any first few clips are a fair sample of all words.
    order = np.random.default_rng(0).permutation(len(source.clips))
    clips = tuple(source.clips[i] for i in order)
    golden = folder.golden_vectors(lowered, clips, source.features[order], source.true_labels[order])
    say(f"golden vectors: {len(golden)} clips of the test split")
    kept = _kept_texts(config.bundle, lowered, say)
    written = folder.write(
        config.bundle,
        model=lowered,
        tflite=tflite.to_tflite(lowered),
        golden=golden,
        frontend=source.frontend,
        keras_model=source.model,
        card=model_card.of_trained(lowered, source.metrics, source.frontend, source.training),
        metrics=source.metrics,
        profile=profile,
        training=source.training,
        float_weights=weights,
        texts=kept,
    )
    say(f"bundle: {written.path}")
    return written


def _check_chance(source: trained.Trained, config: ConvertConfig, say: Callable[[str], None]) -> None:
    """Raises `BundleError` for a network that is hardly better than guessing, or says so where that is allowed."""
    found = trained.near_chance(source.metrics.get("fixed_point", {}).get("validation", {}))
    if not found:
        return
    if not (config.allow_chance or source.training.get("settings", {}).get("allow_chance", False)):
        raise BundleError(
            f"run_dir={config.run_dir} has learned next to nothing (on validation {found}): train it on more "
            "recordings or longer, or give allow_chance=true"
        )
    say(f"warning: the network has learned next to nothing (on validation {found}); its card says so")


def _kept_texts(path: pathlib.Path, lowered: IntegerModel, say: Callable[[str], None]) -> dict[str, str]:
    """Of a bundle that is replaced, its detector, where it is one for the new model's labels; and its spoken words."""
    try:
        before = folder.load(path)
        kept = detector_file.adopted(before, lowered)
    except ValueError:
        return {}  # none there, a damaged one, or one without a detector
    if kept is None:
        say(f"the detector of the bundle that was in {path} is for other labels or steps, and is not kept")
        return {}
    say(
        f"kept: the detector of the bundle that was in {path}, for the labels are the same; it was tuned for that "
        "network, python -m kws.tune_detector chooses it anew"
    )
    words = [name for name in (_SPOKEN_WORDS,) if name in before.manifest["files"]]
    return {**kept, **{name: (path / name).read_text(encoding="utf-8") for name in words}}


def _loaded(path: pathlib.Path) -> Any:
    """The Keras model in a file. Raises `BundleError` where it can't be read."""
    from quant.training import model_file  # imports TensorFlow

    try:
        return model_file.load_model(path)
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} can't be read ({error}): train the run again with kws.train") from error


def _float_weights(path: pathlib.Path | None, lowered: IntegerModel) -> dict[str, np.ndarray] | None:
    """The folded weights of the float model in a file; None for no file.

    Raises:
      BundleError: the file can't be read.
      ValueError: they are another network's.
    """
    if path is None:
        return None
    from quant.folding import keras_chain

    weights = float_model.weights_of(keras_chain.fold(_loaded(path)))
    float_model.FloatModel(lowered, weights)
    return weights
