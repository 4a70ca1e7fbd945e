"""Writes a bundle from a finished run. `python -m export.convert --run_dir=R --bundle=B`."""

import pathlib
import sys

from absl import flags

from cli import command
from export.bundle.conversion import ConvertConfig, convert
from export.plan import FAST, PROFILES


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
