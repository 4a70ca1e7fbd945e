"""Trains a keyword-spotting model: in float, then in fixed point. `python -m kws.train --help`.

Stage 1 trains a float DS-CNN with batch normalization. Stage 2 folds the normalization, equalizes, chooses a
power-of-two format for every tensor and fine-tunes in fixed point through tfmot.
"""

import pathlib

from absl import flags

from kws.datasets import dataset_flags
from kws.training import devices, run, run_folder
from kws.training.settings import TrainConfig
from kws_cli import command, setting_flags
from kws_cli.cores import usable_cores
from kws_cli.settings import spelled

_MANY_CORES = 4


def define_flags() -> None:
    """Defines this command's flags."""
    setting_flags.define_flags(TrainConfig)
    command.define_required_flag("run_dir", "Folder to write the run to.")
    flags.DEFINE_string("float_run", None, "Take stage 1 from this run, which must agree in all its settings.")
    flags.DEFINE_bool("keep_epochs", False, "Keep augmented epochs beside --run_dir, for other runs on the same data.")
    flags.DEFINE_enum("device", devices.AUTO, devices.DEVICES, "auto: a GPU where TensorFlow finds one, else the CPU.")
    flags.DEFINE_bool("resume", False, "Go on with the interrupted run in --run_dir, with its own settings.")


def main() -> None:
    """The command `python -m kws.train`."""

    def work(values: flags.FlagValues) -> None:
        config = resumed_config(values) if values.resume else setting_flags.from_flags(TrainConfig, values)
        devices.prepare(config.threads, values.device)
        from kws.training.workers import worker_group

        group = worker_group.join()
        if not values.resume and not group:
            advise(config, usable_cores())
        with worker_group.own_folder(group, values.run_dir) as run_dir:
            folder = run.run(
                config,
                run_dir,
                resume=values.resume,
                float_run=values.float_run,
                keep_epochs=values.keep_epochs,
                cache_dir=pathlib.Path(values.run_dir).parent / "feature_cache",
                group=group,
            )
        if group and group.rank:
            return
        then = spelled("python -m export.convert", {"run_dir": folder.path, "bundle": folder.path / "bundle"})
        print(f"the run is in {folder.path}; next: {then}")

    command.run(work, define_flags)


def advise(config: TrainConfig, cores: int) -> None:
    """Says on a machine of many cores how a single training uses them."""
    if config.step_parts == 1 and cores >= _MANY_CORES and devices.name() == "CPU":
        print(
            f"of {cores} cores a step keeps little more than one busy: --step_parts={cores // 2} computes it on "
            "half of them, with other last bits"
        )


def resumed_config(values: flags.FlagValues) -> TrainConfig:
    """The interrupted run's own settings. Raises `UserError` where a flag was given that contradicts them."""
    _, saved = run_folder.open_run(values.run_dir)
    settings = saved["settings"]
    dataset = dataset_flags.from_json(settings["dataset"], **dataset_flags.machine_settings(values))
    config = TrainConfig.from_json(settings, dataset)
    setting_flags.check_agreement(config, values)
    return config


if __name__ == "__main__":
    main()
