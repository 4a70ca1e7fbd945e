"""Writes a bundle from a finished run, or from a Keras model of your own.

python -m export.convert --run_dir=R --bundle=B
python -m export.convert --keras_model=F --calibration=X.npy --labels=yes,no --bundle=B
"""

import pathlib
import sys
from typing import Any

from absl import flags

from export.bundle.conversion import ConvertConfig, convert
from export.bundle.keras_conversion import KerasSource, convert_keras
from export.plan import FAST, PROFILES
from export.plan.goals import GOALS, profile_for
from kws_cli import command, setting_flags
from kws_cli.command import UserError
from kws_cli.settings import settings_of


def define_flags() -> None:
    """Defines this command's flags."""
    flags.DEFINE_string("run_dir", None, "A finished run of kws.train.")
    command.define_required_flag("bundle", "Folder to write the bundle to.")
    flags.DEFINE_enum(
        "profile",
        FAST,
        list(PROFILES),
        "Kernels of the C: fewest instructions, least flash, plain C (the fastest on a core without the DSP extension, "
        "where the bench takes it by itself), vectors of a Cortex-M55, fewest cycles on a Cortex-M4, least RAM.",
    )
    flags.DEFINE_enum("optimize", None, list(GOALS), "Instead of --profile: what the kernels are chosen for.")
    flags.DEFINE_integer(
        "max_ram", None, "Bytes of arena and stack that an inference may take: row by row (profile ram) where it must."
    )
    flags.DEFINE_bool("allow_chance", False, "Convert a network that is hardly better than guessing (--run_dir).")
    setting_flags.define_flags(KerasSource)


def check_source(values: Any) -> None:
    """Raises `UserError` unless there is a run or a Keras model, not both, and no flag of the other one."""
    if not values.keras_model and not values.run_dir:
        raise UserError("--run_dir or --keras_model is required: give one of them (see --help)")
    if not values.keras_model:
        for setting in settings_of(KerasSource):
            if values[setting.flag].present:
                raise UserError(f"--{setting.flag} goes with --keras_model, not with --run_dir: leave one of them out")
    elif values.run_dir:
        raise UserError(f"--run_dir={values.run_dir} and --keras_model={values.keras_model}: give one of them")
    else:
        command.require(calibration=values.calibration, labels=",".join(values.labels))


def _work(values: Any) -> None:
    check_source(values)
    if values.keras_model:
        source = setting_flags.from_flags(KerasSource, values)
        convert_keras(source, values.bundle, _profile(values), _say, values.max_ram)
    else:
        paths = {"run_dir": pathlib.Path(values.run_dir), "bundle": pathlib.Path(values.bundle)}
        profile = _profile(values)
        config = ConvertConfig(**paths, profile=profile, allow_chance=values.allow_chance, max_ram=values.max_ram)
        convert(config, _say)


def _profile(values: Any) -> str:
    if values.max_ram is not None and values["profile"].present:
        raise UserError(f"--max_ram={values.max_ram} and --profile={values.profile}: give one of them")
    if values.optimize is None:
        return values.profile
    if values["profile"].present:
        raise UserError(f"--optimize={values.optimize} and --profile={values.profile}: give one of them")
    return profile_for(values.optimize)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def main() -> None:
    """The command `python -m export.convert`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
