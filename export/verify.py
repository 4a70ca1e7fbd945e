"""Proves a bundle: every implementation's codes, in every layer, against the exact interpreter.

    Keras fixed-point graph   = interpreter, single rounding
    C engine on the host      = interpreter, single rounding
    .tflite in TFLite Micro   = interpreter, double rounding
    golden logits             = interpreter, both
    front end in C            = its definition, every code
    streaming network in C    = stream interpreter, every step
    detector in C             = its definition, every step

Run: python -m export.verify --bundle=B. Exit code 1 where a code differs; the first one is named.
"""

import pathlib
import sys
from typing import Any

from absl import flags

from export.bundle import folder as bundles
from export.proof.bundle_proof import COMPARED, VerifyConfig, verify_bundle
from kws_cli import command

MISMATCH_EXIT_CODE = 1


def define_flags() -> None:
    """Flags of `python -m export.verify`."""
    command.define_required_flag("bundle", "Folder that export.convert wrote.")
    flags.DEFINE_integer("clips", None, "Golden clips to compare, at most (default: all).")
    flags.DEFINE_integer("random_codes", None, "Probes beside them (default: 64, or as many as make 500 inputs).")
    flags.DEFINE_list("implementations", list(COMPARED), "What to compare with the interpreter.")
    flags.DEFINE_integer("seed", 0, "Seed of the probes.")
    command.define_json_flag()


def work(values: Any) -> None:
    """The command with parsed flags."""
    config = VerifyConfig(values.clips, values.random_codes, tuple(values.implementations), values.seed)
    bundle = bundles.load(pathlib.Path(values.bundle))
    result = verify_bundle(bundle, config)
    command.say(result.table(), values.json)
    command.say_if_fewer("clips", values.clips, result.clips, "golden clips in the bundle", values.json)
    command.write_json({"bundle": str(bundle.path), **result.as_dict()}, values.json)
    if result.mismatches:
        sys.exit(MISMATCH_EXIT_CODE)


def main() -> None:
    """Entry point of `python -m export.verify` and `kws-verify`."""
    command.run(work, define_flags)


if __name__ == "__main__":
    main()
