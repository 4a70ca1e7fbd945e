"""Writes a bundle from a finished run. `python -m export.convert --run_dir=R --bundle=B`."""

import dataclasses
import pathlib
import sys
from collections.abc import Callable

import numpy as np
from absl import flags

from cli import command
from cli.command import UserError
from export import bundle, generated_c, lower, model_card, tflite, trained
from export.kernel_plan import FAST, PROFILES
from quant.training import model_file


@dataclasses.dataclass(frozen=True)
class ConvertConfig:
    """What to convert.

    Attributes:
      run_dir: a finished run.
      bundle: the folder to write.
      profile: kernels of the C, one of `export.kernel_plan.PROFILES`.
    """

    run_dir: pathlib.Path
    bundle: pathlib.Path
    profile: str = FAST


def convert(config: ConvertConfig, say: Callable[[str], None] = print) -> bundle.Bundle:
    """Lowers the trained graph and writes everything that follows from it.

    Raises:
      UserError: no finished run, a damaged one, or one whose accumulators can leave their declared width.
    """
    source = trained.read(config.run_dir)
    try:
        model = model_file.load_model(source.model)
    except (OSError, ValueError) as error:
        raise UserError(f"{source.model} can't be read ({error}): train the run again with kws.train") from error
    try:
        lowered = lower.lower(model, source.name, source.labels)
        generated_c.files(lowered, source.frontend, None, config.profile)  # raises before anything is written
    except ValueError as error:
        raise UserError(f"--run_dir={config.run_dir} can't be converted: {error}") from error
    say(f"lowered {lowered.name}: {len(lowered.layers)} layers, {lowered.macs:,} MAC")
    # In a fixed random order, any first few clips are a fair sample of all words.
    order = np.random.default_rng(0).permutation(len(source.clips))
    clips = tuple(source.clips[i] for i in order)
    golden = bundle.golden_vectors(lowered, clips, source.features[order], source.true_labels[order])
    say(f"golden vectors: {len(golden)} clips of the test split")
    written = bundle.write(
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


def define_flags() -> None:
    """Defines this command's flags."""
    flags.DEFINE_string("run_dir", None, "A finished run of kws.train.")
    flags.DEFINE_string("bundle", None, "Folder to write the bundle to.")
    flags.DEFINE_enum(
        "profile",
        FAST,
        list(PROFILES),
        "Kernels of the C: fewest instructions, least flash, plain C (the fastest on a core without the DSP extension, "
        "where the bench takes it by itself), vectors of a Cortex-M55.",
    )


def main() -> None:
    """The command `python -m export.convert`."""

    def work(values: flags.FlagValues) -> None:
        command.require(run_dir=values.run_dir, bundle=values.bundle)
        paths = {"run_dir": pathlib.Path(values.run_dir), "bundle": pathlib.Path(values.bundle)}
        convert(ConvertConfig(**paths, profile=values.profile), lambda text: print(text, file=sys.stderr))

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
