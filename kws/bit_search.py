"""Chooses widths by layer: what each loses is measured on training examples, what it costs is the plan's and counted.

python -m kws.bit_search --run_dir=R --data_dir=D
python -m kws.bit_search --run_dir=R --data_dir=D --max_flash=40000 --plot=front.png
"""

import dataclasses
import pathlib
import sys
from typing import Any

from absl import flags

from export.plan import FAST, PROFILES
from kws.datasets import dataset_flags
from kws.training import run_folder
from kws_cli import command
from kws_cli.command import UserError
from kws_cli.table import aligned
from microcontroller import bench, emulator
from quant.qformat import MAX_BITS, MIN_BITS

BITS = (2, 3, 4, 6, 8)
_LIMITS = ("max_instructions", "max_flash", "max_ram")


@dataclasses.dataclass(frozen=True)
class BitSearchConfig:
    """What to search.

    Attributes:
      run_dir: a run with a finished float model.
      machine: the dataset's settings of this machine, as `kws.datasets.dataset_flags` names them.
      bits: the widths that a layer may have.
      examples: of training, on which losses are measured.
      max_instructions, max_flash, max_ram: limits, in instructions and bytes; None for none.
      profile, board, emulator: as `microcontroller.bench` takes them.
      count: whether costs are counted in the emulator; the plan's estimates if not.
      points: at most so many of the front.
      plot: a picture to write; None for none.
    """

    run_dir: pathlib.Path
    machine: dict[str, Any] = dataclasses.field(default_factory=dict)
    bits: tuple[int, ...] = BITS
    examples: int = 2048
    max_instructions: float | None = None
    max_flash: float | None = None
    max_ram: float | None = None
    profile: str = FAST
    board: str = bench.DEFAULT_BOARD
    emulator: str = emulator.AUTO
    count: bool = True
    points: int = 8
    plot: pathlib.Path | None = None

    def __post_init__(self) -> None:
        if not self.bits or any(not MIN_BITS <= each <= MAX_BITS for each in self.bits):
            given = ",".join(map(str, self.bits))
            raise UserError(f"--bits={given}: give widths from {MIN_BITS} to {MAX_BITS}, such as 2,4,8")
        if self.profile not in PROFILES:
            raise UserError(f"--profile={self.profile} is unknown: choose one of {', '.join(PROFILES)}")
        for name, least in (("examples", 1), ("points", 2), *((limit, 1) for limit in _LIMITS)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"--{name}={value:g}: give {least} or more")


def search(config: BitSearchConfig) -> dict[str, Any]:
    """The front, and the point within the limits.

    Returns:
      `run_dir`, `model`, `profile`, `board`, `examples`, `counted`; `layers`, the names of those with weights;
      `sensitivity`, nats by layer and width for `weights` and `outputs`; `front` and `chosen` (None without limits), of
      which a point has `weight_bits`, `activation_bits`, `flags`, `loss` (the sum of single layers' divergences),
      `joint_loss` (measured with all of them), `same_class_as_float` (a share), `instructions`, `estimated_cycles`,
      `flash_bytes`, `ram_bytes` (arena and stack) and `measured_ram_bytes` (None where not counted).

    Raises:
      UserError, BitsError, TrainingError: no such run, limits that can't be kept, no emulator to count with.
    """
    from kws.bits import choice, costs  # these import TensorFlow
    from kws.bits import search as searching
    from kws.bits.material import material
    from kws.bits.networks import Widths

    found = material(config.run_dir, config.machine, config.bits, config.examples)
    finder = searching.Search(found.networks, found.sensitivity(), config.profile)
    points = finder.points()
    how = costs.Counting(config.profile, config.board, config.emulator)
    kept: dict[Widths, dict[str, Any]] = {}

    def costs_of(point: searching.Point) -> dict[str, Any]:
        if point.widths not in kept:
            model = found.networks.model(point.widths)
            kept[point.widths] = (
                costs.counted(model, found.codes, how) if config.count else costs.estimated(point.costs)
            )
        return kept[point.widths]

    def row(point: searching.Point) -> dict[str, Any]:
        weights, outputs = point.widths.weights, point.widths.outputs
        about = {"weight_bits": list(weights), "activation_bits": list(outputs), "flags": point.widths.flags()}
        return {**about, "loss": point.loss, **found.together(point.widths), **costs_of(point)}

    limits = {cost: getattr(config, name) for cost, name in choice.SETTINGS.items() if getattr(config, name)}
    chosen = row(choice.choose(finder, points, limits, costs_of)) if limits else None
    front = [row(point) for point in searching.thinned(searching.front(points), config.points)]
    result = {
        "run_dir": str(config.run_dir),
        "model": found.model,
        "profile": config.profile,
        "board": config.board,
        "examples": len(found.codes),
        "counted": config.count,
        "layers": found.networks.names,
        "sensitivity": finder.sensitivity.to_json(),
        "front": front,
        "chosen": chosen,
    }
    if config.plot:
        from kws.bits import plot

        kind = "counted" if config.count else "estimated costs, flash of constants alone"
        title = f"{found.model}: widths by layer, profile {config.profile} ({kind})"
        plot.draw(title, front, chosen, config.plot)
    return result


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    sensitivity = result["sensitivity"]
    examples = f"{result['examples']:,} training examples"
    lines = [f"divergence of the logits where one layer alone has so many bits, in millinats, on {examples}:"]
    widths = list(next(iter(sensitivity["weights"].values())))
    rows = [["layer", *(f"w{bits}" for bits in widths), *(f"a{bits}" for bits in widths)]]
    for name in result["layers"]:
        values = [sensitivity[part].get(name, {}).get(bits) for part in ("weights", "outputs") for bits in widths]
        rows.append([name, *("-" if value is None else f"{1e3 * value:.1f}" for value in values)])
    lines += [*aligned(rows, left=1), ""]
    costs = "counted" if result["counted"] else "estimated: instructions of the plan, flash of constants alone"
    lines.append(f"front, from little loss to low costs ({costs}; profile {result['profile']}):")
    header = ["weights", "outputs", "sum", "together", "same class", "instructions", "est. cycles", "flash", "RAM"]
    chosen = [result["chosen"]] if result["chosen"] else []
    lines += aligned([header, *map(_cells, result["front"] + chosen)], left=2)
    if chosen:
        convert = "" if result["profile"] == FAST else f", convert it with --profile={result['profile']}"
        lines += ["", f"chosen (the last line); train it with: {chosen[0]['flags']}{convert}"]
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> list[str]:
    bits = ["".join(map(str, row[name])) for name in ("weight_bits", "activation_bits")]
    losses = [f"{1e3 * row['loss']:.1f}", f"{1e3 * row['joint_loss']:.1f}", f"{100 * row['same_class_as_float']:.1f} %"]
    cycles = "-" if row["estimated_cycles"] is None else f"{row['estimated_cycles']:,}"
    return [*bits, *losses, f"{row['instructions']:,}", cycles, f"{row['flash_bytes']:,}", f"{row['ram_bytes']:,}"]


def define_flags() -> None:
    """Defines this command's flags."""
    defaults = {field.name: field.default for field in dataclasses.fields(BitSearchConfig)}
    dataset_flags.define_machine_flags()
    command.define_json_flag()
    command.define_required_flag("run_dir", "A run of kws.train with a finished float model.")
    flags.DEFINE_list("bits", [str(bits) for bits in BITS], "Widths that a layer may have.")
    flags.DEFINE_integer("examples", defaults["examples"], "Training examples on which losses are measured.")
    flags.DEFINE_float("max_instructions", None, "At most so many instructions per inference.")
    flags.DEFINE_float("max_flash", None, "At most so many bytes of flash, as microcontroller.bench weighs them.")
    flags.DEFINE_float("max_ram", None, "At most so many bytes of arena and stack, as export.inspect has them.")
    flags.DEFINE_string("profile", defaults["profile"], f"Kernels of the C: {', '.join(PROFILES)}.")
    flags.DEFINE_string("board", defaults["board"], "The board that costs are counted on.")
    flags.DEFINE_string("emulator", defaults["emulator"], "auto, qemu or renode.")
    flags.DEFINE_boolean("count", defaults["count"], "Count costs in the emulator; if not, the plan's estimates.")
    flags.DEFINE_integer("points", defaults["points"], "At most so many points of the front.")
    flags.DEFINE_string("plot", None, "Also draw the front, to this file.")


def config_from_flags(values: flags.FlagValues) -> BitSearchConfig:
    """The search that the flags ask for. Raises `UserError` for an impossible one."""
    if wrong := [text for text in values.bits if not text.strip().isdigit()]:
        raise UserError(f"--bits={','.join(values.bits)}: {wrong[0]!r} is no width; give numbers, such as 2,4,8")
    same = ("examples", *_LIMITS, "profile", "board", "emulator", "count", "points")
    return BitSearchConfig(
        pathlib.Path(values.run_dir),
        dataset_flags.machine_settings(values),
        tuple(sorted({int(text) for text in values.bits})),
        plot=pathlib.Path(values.plot) if values.plot else None,
        **{name: getattr(values, name) for name in same},
    )


def work(values: flags.FlagValues) -> None:
    """The command with parsed flags."""
    config = config_from_flags(values)
    run_folder.open_run(config.run_dir)
    result = search(config)
    command.say(table(result), values.json)
    command.say_if_fewer("examples", config.examples, result["examples"], "training examples", values.json)
    command.write_json(result, values.json)
    if config.plot:
        print(f"plot: {config.plot}", file=sys.stderr)


def main() -> None:
    """The command `python -m kws.bit_search`."""
    command.run(work, define_flags)


if __name__ == "__main__":
    main()
