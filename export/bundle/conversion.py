"""Writes a bundle from a finished run. `python -m export.convert --run_dir=R --bundle=B`."""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from export.bundle import folder, generated_c, model_card, tflite, trained
from export.bundle.bundle_error import BundleError
from export.plan import FAST


@dataclasses.dataclass(frozen=True)
class ConvertConfig:
    """What to convert.

    Attributes:
      run_dir: a finished run.
      bundle: the folder to write.
      profile: kernels of the C, one of `export.plan.PROFILES`.
    """

    run_dir: pathlib.Path
    bundle: pathlib.Path
    profile: str = FAST


def convert(config: ConvertConfig, say: Callable[[str], None] = print) -> folder.Bundle:
    """Lowers the trained graph and writes everything that follows from it.

    Raises:
      BundleError: no finished run, a damaged one, or one whose accumulators can leave their declared width.
    """
    from export.model import lower  # these import TensorFlow
    from quant.training import model_file

    source = trained.read(config.run_dir)
    try:
        model = model_file.load_model(source.model)
    except (OSError, ValueError) as error:
        raise BundleError(f"{source.model} can't be read ({error}): train the run again with kws.train") from error
    try:
        lowered = lower.lower(model, source.name, source.labels)
        generated_c.files(lowered, source.frontend, None, config.profile)  # raises before anything is written
    except ValueError as error:
        raise BundleError(f"run_dir={config.run_dir} can't be converted: {error}") from error
    say(f"lowered {lowered.name}: {len(lowered.layers)} layers, {lowered.macs:,} MAC")
    # In a fixed random order, any first few clips are a fair sample of all words.
    order = np.random.default_rng(0).permutation(len(source.clips))
    clips = tuple(source.clips[i] for i in order)
    golden = folder.golden_vectors(lowered, clips, source.features[order], source.true_labels[order])
    say(f"golden vectors: {len(golden)} clips of the test split")
    written = folder.write(
        config.bundle,
        model=lowered,
        tflite=tflite.to_tflite(lowered),
        golden=golden,
        frontend=source.frontend,
        keras_model=source.model,
        card=model_card.of_trained(lowered, source.metrics, source.frontend, source.training),
        metrics=source.metrics,
        profile=config.profile,
        training=source.training,
    )
    say(f"bundle: {written.path}")
    return written
