"""What a step in parts costs, and how long it would take on more cores. `python -m kws.experiments.part_cost`.

Measured are steps of a batch in one part and in several, and of a batch as small as a part is. What the parts together
take of CPU time beyond their own is what they add: statistics that they share, and gradients added up. With a core for
each part a step is projected to take as long as that of a small batch does here, and behind it all that is added, as if
no two cores could share it. Ways take turns in rounds, and medians count. Times are this machine's; ratios to a step in
one part are what can be compared.
"""

import dataclasses

from absl import flags

from kws.experiments import step_cost
from kws.experiments.step_cost import StepCostConfig
from kws.models import MODELS
from kws.training import devices
from kws.training.run_folder import FIXED_POINT, FLOAT
from kws_cli import command, setting_flags
from kws_cli.settings import setting
from kws_cli.table import aligned


@dataclasses.dataclass(frozen=True)
class PartCostConfig:
    """What to measure, and how."""

    model: str = setting("ds_cnn_mlperf", "Architecture.", choices=sorted(MODELS))
    batch_size: int = setting(64, "Examples in a step.", lowest=2)
    parts: tuple[int, ...] = setting((2, 4, 8, 16), "Numbers of parts.", item="a number of parts from 2", lowest=2)
    rounds: int = setting(5, "Rounds of ten steps of each way.", lowest=1)


@dataclasses.dataclass(frozen=True)
class PartCost:
    """What a step costs in so many parts.

    Attributes:
      stage: FLOAT or FIXED_POINT, the latter in 4 bits with SWD and ACosR.
      examples: of a part.
      seconds, cpu_seconds: of a step here, elapsed and of all threads.
      projected_seconds: of a step, with a core for each part.
      ratio, cpu_ratio, projected_ratio: of these to the step in one part.
    """

    stage: str
    parts: int
    examples: int
    seconds: float
    cpu_seconds: float
    projected_seconds: float
    ratio: float
    cpu_ratio: float
    projected_ratio: float


def measure(config: PartCostConfig) -> list[PartCost]:
    """The cost of a step of each stage in one part and in each of `config.parts`; call `devices.prepare` before."""
    wholes = {(config.batch_size, parts) for parts in (1, *config.parts)}
    ways = sorted(wholes | {(config.batch_size // parts, 1) for parts in config.parts})
    rounds = {
        (stage, *way): take for way in ways for stage, take in step_cost.rounds_of(_of_step(config, *way)).items()
    }
    spent = step_cost.in_turns(rounds, config.rounds)
    found = {key: step_cost.per_step(each) for key, each in spent.items()}
    return [
        _cost(found, stage, config.batch_size, parts) for stage in (FLOAT, FIXED_POINT) for parts in (1, *config.parts)
    ]


def _of_step(config: PartCostConfig, batch_size: int, parts: int) -> StepCostConfig:
    return StepCostConfig(
        model=config.model, batch_size=batch_size, step_parts=parts, rounds=config.rounds, rivals=False
    )


def _cost(found: dict[tuple[str, int, int], tuple[float, float]], stage: str, batch_size: int, parts: int) -> PartCost:
    """Args:
    found: seconds and CPU seconds of a step by (stage, batch size, parts).
    """
    one, one_cpu = found[stage, batch_size, 1]
    seconds, cpu_seconds = found[stage, batch_size, parts]
    alone, alone_cpu = found[stage, batch_size // parts, 1]
    added = max(0.0, cpu_seconds - parts * alone_cpu)
    projected = alone + added
    ratios = seconds / one, cpu_seconds / one_cpu, projected / one
    return PartCost(stage, parts, batch_size // parts, seconds, cpu_seconds, projected, *ratios)


def table(costs: list[PartCost], config: PartCostConfig) -> str:
    """The costs for a person."""
    names = {FLOAT: "float", FIXED_POINT: "fixed point, 4 bits"}
    head = (f"{config.model}, batch of {config.batch_size}, {devices.description()}", "parts", "examples of each")
    rows = [
        (
            names[cost.stage],
            str(cost.parts),
            str(cost.examples),
            *(f"{1e3 * cost.seconds:.1f} ms", f"{cost.ratio:.2f}"),
            *(f"{1e3 * cost.cpu_seconds:.1f} ms", f"{cost.cpu_ratio:.2f}"),
            *(f"{1e3 * cost.projected_seconds:.1f} ms", f"{cost.projected_ratio:.2f}"),
        )
        for cost in costs
    ]
    columns = ("a step here", "of one part's", "its CPU time", "of one part's", "projected", "of one part's")
    return "\n".join(aligned([(*head, *columns), *rows], left=1))


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    setting_flags.define_flags(PartCostConfig)


def main() -> None:
    """The command `python -m kws.experiments.part_cost`."""

    def work(values: flags.FlagValues) -> None:
        import tensorflow as tf

        config = setting_flags.from_flags(PartCostConfig, values)
        for parts in config.parts:
            if config.batch_size % parts:
                raise command.UserError(f"--parts={parts}: give numbers that divide --batch_size={config.batch_size}")
        devices.prepare(1, devices.CPU)
        tf.config.experimental.enable_op_determinism()
        costs = measure(config)
        command.say(table(costs, config), values.json)
        command.write_json(
            {**dataclasses.asdict(config), "steps": [dataclasses.asdict(cost) for cost in costs]}, values.json
        )

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
