"""Clips per CPU second of all that computes a bundle's codes exactly: `kws.experiments.inference_cost --bundle=B`.

The ways take turns in rounds, so that whatever else the machine does meets them all; each one's median counts. CPU
seconds are those of the process, all its threads together: `OPENBLAS_NUM_THREADS=1` has one.
"""

import dataclasses
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags

from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.host import float_steps
from export.host.engine import CEngine
from export.model import interpreter
from kws_cli import command
from kws_cli.table import aligned

DEFINITION = "interpreter, by its definition"


@dataclasses.dataclass(frozen=True)
class InferenceCostConfig:
    """What to measure.

    Attributes:
      bundle: path of the bundle.
      clips: inputs in a round, golden ones again and again.
      rounds: of each way.
    """

    bundle: pathlib.Path
    clips: int = 512
    rounds: int = 5


def measure(config: InferenceCostConfig) -> dict[str, Any]:
    """Clips per CPU second by way, and how many times the definition's that is.

    Raises:
      HostError: no C compiler, or C that does not compile.
    """
    bundle = bundles.load(config.bundle)
    golden = bundle.golden.features
    codes = golden[np.arange(config.clips) % len(golden)]
    with CEngine.build(bundle.c_folder) as engine:
        ways = _ways(bundle, engine)
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(config.rounds):
            for name, run in ways.items():
                started = time.process_time()
                run(codes)
                seconds[name].append(time.process_time() - started)
    speeds = {name: len(codes) / statistics.median(found) for name, found in seconds.items()}
    ratios = {name: speed / speeds[DEFINITION] for name, speed in speeds.items()}
    return {"bundle": bundle.name, "clips_per_cpu_second": speeds, "times_the_definition": ratios}


def _ways(bundle: Bundle, engine: CEngine) -> dict[str, Callable[[np.ndarray], Any]]:
    model = bundle.model
    return {
        DEFINITION: lambda codes: [None for _ in interpreter.run_layers(model, codes)],
        "interpreter": lambda codes: interpreter.run(model, codes),
        "interpreter, steps by C": lambda codes: interpreter.run(model, codes, steps=float_steps.steps()),
        "the same, double rounding": lambda codes: interpreter.run(model, codes, "double", float_steps.steps()),
        "engine": engine.run,
    }


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    speeds, ratios = result["clips_per_cpu_second"], result["times_the_definition"]
    rows = [(name, f"{speed:.0f}", f"{ratios[name]:.1f}") for name, speed in speeds.items()]
    return "\n".join(aligned([(result["bundle"], "clips per CPU second", "times the definition"), *rows], left=1))


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    command.define_required_flag("bundle", "The bundle whose model is run.")
    flags.DEFINE_integer("clips", InferenceCostConfig.clips, "Inputs in a round.", lower_bound=1)
    flags.DEFINE_integer("rounds", InferenceCostConfig.rounds, "Rounds of each way.", lower_bound=1)


def main() -> None:
    """The command `python -m kws.experiments.inference_cost`."""

    def work(values: flags.FlagValues) -> None:
        result = measure(InferenceCostConfig(pathlib.Path(values.bundle), values.clips, values.rounds))
        command.say(table(result), values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
