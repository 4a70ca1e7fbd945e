"""A page about bundles, or tables and plots of a sweep.

python -m kws.report --bundle=B --run_dir=R --data_dir=D --measured=bench.json,verify.json --page=report.html
python -m kws.report --sweep_dir=S --plots

The page is one HTML file: accuracy, confusion, trade-offs, Q-formats, instructions, memory, boards, training, mistakes.
What was measured by other commands it takes from their --json.

A sweep's figures are of the testing split unless a column says otherwise: mean +- standard deviation (of the sample,
n - 1) over seeds. Changes against float are taken seed by seed, each from the float model that the cell began with;
their 95 % intervals are of seeds and speakers (`kws.evaluation.bootstrap`).
"""

import dataclasses
import pathlib
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from kws.datasets import dataset_flags
from kws.datasets.clip import SPLITS
from kws.evaluation.bootstrap import FALSE_REJECT_RATE
from kws.sweeps import differences, results
from kws.sweeps.cell import MEASURED_SPLITS, POST_TRAINING
from kws.sweeps.shared_storage import is_url
from kws.training.run_folder import FIXED_POINT, FLOAT
from kws_cli import command
from kws_cli.table import padded

_OF_A_PAGE = ("bundle", "run_dir", "measured")


@dataclasses.dataclass(frozen=True)
class Spread:
    """Mean over seeds and standard deviation of the sample, None for a single seed."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)

    def text(self, scale: float = 100.0, signed: bool = False) -> str:
        mean = f"{scale * self.mean:{'+' if signed else ''}.2f}"
        return mean if self.deviation is None else f"{mean} ± {scale * self.deviation:.2f}"


def report(sweep_dir: str | pathlib.Path) -> dict[str, Any]:
    """The sweep's figures, all rates from 0 to 1.

    Returns:
      "rows": per configuration `name`, `variant`, `width`, `seeds`, `accumulator_bits_proved` (largest of the seeds),
      and as {mean, deviation}: `validation_accuracy`, `testing_accuracy`, `testing_accuracy_without_silence`,
      `change` (of testing accuracy against float), `post_training_accuracy`, `false_discovery_rate` (at 5 % false
      reject rate); `false_discovery_rate_change`, relative, of the means; `against_float`, split ->
      `kws.sweeps.differences.against_float`. "left_out": row -> reason; "missing": cells.

    Raises:
      SweepError: the sweep is empty or damaged.
    """
    found = results.read(sweep_dir)
    groups: dict[str, list[dict[str, Any]]] = {}
    for cell in found["cells"]:
        groups.setdefault(cell["name"], []).append(cell)
    rows = [_row(cells) for cells in groups.values()]
    for row, cells in zip(rows, groups.values(), strict=True):
        if row["width"]:
            found_of = {split: differences.against_float(sweep_dir, cells, split) for split in MEASURED_SPLITS}
            row["against_float"] = found_of
    return {"rows": rows, "left_out": found["left_out"], "missing": found["missing"]}


def _row(cells: list[dict[str, Any]]) -> dict[str, Any]:
    stage = FIXED_POINT if cells[0]["width"] else FLOAT

    def values(split: str, stage: str, measure: str) -> list[float]:
        return [cell[results.column(split, stage, measure)] for cell in cells]

    def spread(figures: Sequence[float | None]) -> dict[str, Any] | None:
        known = [figure for figure in figures if figure is not None]
        return dataclasses.asdict(Spread.of(known)) if len(known) == len(figures) else None

    accuracy, of_float = values("testing", stage, "accuracy"), values("testing", FLOAT, "accuracy")
    rates, float_rates = (values("testing", s, "false_discovery_rate") for s in (stage, FLOAT))
    row = {name: cells[0][name] for name in ("name", "variant", "width")}
    row |= {
        "seeds": [cell["seed"] for cell in cells],
        "validation_accuracy": spread(values("validation", stage, "accuracy")),
        "testing_accuracy": spread(accuracy),
        "testing_accuracy_without_silence": spread(values("testing", stage, "accuracy_without_silence")),
        "false_discovery_rate": spread(rates),
    }
    if stage == FIXED_POINT:
        row["change"] = spread([a - f for a, f in zip(accuracy, of_float, strict=True)])
        row["post_training_accuracy"] = spread(values("testing", POST_TRAINING, "accuracy"))
        row["false_discovery_rate_change"] = sum(rates) / sum(float_rates) - 1 if sum(float_rates) else None
        row["accumulator_bits_proved"] = max(cell["accumulator_bits_proved"] for cell in cells)
    return row


def markdown(result: dict[str, Any]) -> str:
    """The tables for a person, in Markdown."""
    parts = [_widths_table(result["rows"]), _rows_table(result["rows"])]
    parts.append(
        "Mean ± standard deviation over seeds, in percent; changes of accuracy in points, of the false discovery rate "
        "(FDR, at 5 % false reject rate) relative. PTQ: before fine-tuning. Bits: the widest accumulator proved."
    )
    parts += _differences_tables(result["rows"])
    if result["left_out"]:
        parts.append("Left out:\n\n" + "\n".join(f"- {row}: {reason}" for row, reason in result["left_out"].items()))
    if result["missing"]:
        parts.append("Not finished: " + "; ".join(result["missing"]))
    return "\n\n".join(part for part in parts if part)


def _widths_table(rows: list[dict[str, Any]]) -> str:
    """Testing accuracy, variants down and widths across; empty where no two rows share a variant."""
    fixed = [row for row in rows if row["width"]]
    cells = {(row["variant"], row["width"]): row for row in fixed}
    widths, variants = (list(dict.fromkeys(row[key] for row in fixed)) for key in ("width", "variant"))
    if len(variants) == len(fixed) or len(cells) < len(fixed):
        return ""
    table = [["testing accuracy", *widths]]
    table += [[row["name"], *[_text(row["testing_accuracy"])] * len(widths)] for row in rows if not row["width"]]
    for variant in variants:
        found = [cells.get((variant, width)) for width in widths]
        table.append([variant, *[_text(row["testing_accuracy"]) if row else "" for row in found]])
    return _table(table)


def _rows_table(rows: list[dict[str, Any]]) -> str:
    names = ("row", "seeds", "validation", "testing", "change", "without silence", "PTQ", "FDR", "FDR change", "bits")
    table = [list(names)]
    for row in rows:
        relative = row.get("false_discovery_rate_change")
        table.append(
            [
                row["name"],
                ", ".join(map(str, row["seeds"])),
                _text(row["validation_accuracy"]),
                _text(row["testing_accuracy"]),
                _text(row.get("change"), signed=True),
                _text(row["testing_accuracy_without_silence"]),
                _text(row.get("post_training_accuracy")),
                _text(row["false_discovery_rate"]),
                "" if relative is None else f"{100 * relative:+.1f} %",
                str(row.get("accumulator_bits_proved", "")),
            ]
        )
    return _table(table)


def _differences_tables(rows: list[dict[str, Any]]) -> list[str]:
    """Differences to float by split, with intervals, and what they are; nothing where no row has any."""
    parts = []
    for split in MEASURED_SPLITS:
        known = [(row["name"], row["seeds"], row["against_float"][split]) for row in rows if row.get("against_float")]
        known = [each for each in known if each[2]]
        if known:
            parts.append(_differences_table(split, known))
    if parts:
        parts.append(
            "Differences to float on the same clips, in points, per seed and their mean; FDR at "
            f"{100 * FALSE_REJECT_RATE:.0f} % false reject rate relative to float's. 95 % intervals: bootstrap over "
            "seeds and speakers."
        )
    return parts


def _differences_table(split: str, known: list[tuple[str, list[int], dict[str, Any]]]) -> str:
    table = [[f"{split} against float", "seeds", "by seed", "mean", "95 %", "FDR", "95 %"]]
    for name, seeds, found in known:
        accuracy, rate = found["accuracy"], found["false_discovery_rate"]
        relative = rate["relative_change"]
        table.append(
            [
                name,
                ", ".join(map(str, seeds)),
                ", ".join(f"{100 * value:+.2f}" for value in accuracy["by_seed"]),
                f"{100 * accuracy['difference']:+.2f}",
                _range(accuracy["interval"], 2),
                "" if relative is None else f"{100 * relative:+.1f} %",
                _range(rate["relative_interval"], 1),
            ]
        )
    return _table(table)


def _range(interval: list[float] | None, digits: int) -> str:
    return "" if interval is None else " to ".join(f"{100 * end:+.{digits}f}" for end in interval)


def _text(spread: dict[str, Any] | None, signed: bool = False) -> str:
    return "" if spread is None else Spread(**spread).text(signed=signed)


def _table(rows: list[list[str]]) -> str:
    """A Markdown table; the first row is its head, the first column text."""
    lines = padded(rows, left=1)
    text, *numbers = map(len, lines[0])
    lines.insert(1, ["-" * text, *("-" * (width - 1) + ":" for width in numbers)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def define_flags() -> None:
    """Defines this command's flags."""
    flags.DEFINE_list("bundle", [], "Bundles to write a page about, side by side.")
    flags.DEFINE_list("run_dir", [], "Their runs, in the same order, for curves of training.")
    flags.DEFINE_list("measured", [], "What export.verify, microcontroller.bench and kws.evaluate wrote with --json.")
    flags.DEFINE_enum("split", "testing", SPLITS, "With --data_dir: the split that the bundles are heard on.")
    flags.DEFINE_string("page", "report.html", "The HTML file to write.")
    flags.DEFINE_string("sweep_dir", None, "Folder, or URL, that kws.sweep wrote to, for its tables instead.")
    flags.DEFINE_bool("plots", False, "Also draw accuracy by width and the DET curves, into the folder's plots/.")
    command.define_json_flag()
    dataset_flags.define_machine_flags()


def write_page(values: flags.FlagValues) -> pathlib.Path:
    """Writes the page of the bundles that the flags name, and returns its path.

    Raises:
      UserError: the file can't be written, or is there and is no page.
    """
    from kws.reports import hearing, page, subject

    path = pathlib.Path(values.page)
    command.check_page(path, "page")
    bundles, runs, files = ([pathlib.Path(path) for path in values[name].value] for name in _OF_A_PAGE)
    subjects = subject.open_all(bundles, runs, files)
    if values["data_dir"].present:
        machine = dataset_flags.machine_settings(values)
        subjects = [hearing.heard(one, machine, values.split) for one in subjects]
    command.write_page(path, page.write(subjects, ["python", "-m", "kws.report", *sys.argv[1:]]), "page")
    return path


def _check(values: flags.FlagValues) -> None:
    """Raises `UserError` unless there are bundles or a sweep, not both, and no flag of the other one."""
    if not values.bundle and not values.sweep_dir:
        raise command.UserError("--bundle or --sweep_dir is required: give one of them (see --help)")
    if values.bundle and values.sweep_dir:
        raise command.UserError("--bundle makes a page, --sweep_dir tables: give one of them")
    others = ("plots", "json") if values.bundle else (*_OF_A_PAGE[1:], "page", "split", "data_dir")
    for name in others:
        if values[name].present:
            raise command.UserError(f"--{name} does not go with --{'bundle' if values.bundle else 'sweep_dir'}")


def main() -> None:
    """The command `python -m kws.report`."""

    def work(values: flags.FlagValues) -> None:
        _check(values)
        if values.bundle:
            print(f"page: {write_page(values)}")
            return
        if values.plots and is_url(values.sweep_dir):
            raise command.UserError(f"--plots needs a folder: copy {results.JSON} of {values.sweep_dir} into one first")
        result = report(values.sweep_dir)
        command.say(markdown(result), values.json)
        if values.plots:
            from kws.sweeps import plots

            cells = results.read(values.sweep_dir)["cells"]
            for path in plots.draw(result["rows"], cells, pathlib.Path(values.sweep_dir) / "plots"):
                command.say(f"\nplot: {path}", values.json)
        command.write_json(result, values.json)

    command.run(work, define_flags)


if __name__ == "__main__":
    main()
