"""Writes a bundle of a random model: counts and proofs of any width without training. It recognizes nothing.

Its detector is `export.model.detector.default`, which nobody tuned.

python -m export.random_bundle --bundle=B --weight_bits=4 --activation_bits=4
"""

import dataclasses
import pathlib
import sys
from typing import Any

from absl import flags

from export.bundle.random_bundle import RandomBundleConfig, write
from export.plan import PROFILES
from kws_cli import command


def define_flags() -> None:
    """Defines this command's flags."""
    defaults = {field.name: field.default for field in dataclasses.fields(RandomBundleConfig)}
    command.define_required_flag("bundle", "Folder to write the bundle to.")
    flags.DEFINE_integer("seed", defaults["seed"], "Seed of the model's and the inputs' codes.")
    flags.DEFINE_integer("weight_bits", defaults["weight_bits"], "Width of weights.")
    flags.DEFINE_integer("activation_bits", defaults["activation_bits"], "Width of activations.")
    flags.DEFINE_integer("channels", defaults["channels"], "Channels of the DS-CNN.")
    flags.DEFINE_integer("blocks", defaults["blocks"], "Depthwise-separable blocks of the DS-CNN.")
    flags.DEFINE_integer("clips", defaults["clips"], "Golden inputs: extremes first, then noise.")
    flags.DEFINE_string("profile", defaults["profile"], f"Kernels of the C: {', '.join(PROFILES)}.")


def _work(values: Any) -> None:
    names = [field.name for field in dataclasses.fields(RandomBundleConfig) if field.name != "bundle"]
    config = RandomBundleConfig(pathlib.Path(values.bundle), **{name: getattr(values, name) for name in names})
    print(f"bundle: {write(config).path}", file=sys.stderr)


def main() -> None:
    """The command `python -m export.random_bundle`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
