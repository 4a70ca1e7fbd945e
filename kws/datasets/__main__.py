"""A look at a dataset before it is trained on. `python -m kws.datasets --data_dir=D --report=F.html`.

By word and split: clips, speakers, level, an estimate of the signal-to-noise ratio; clips that are silent, clipped,
noisy, quiet or cut off; the same clip in two places; what was skipped and why. The report plays the suspicious ones.
"""

import dataclasses
import pathlib
from typing import Any

from absl import flags

from kws.datasets import DatasetConfig, dataset_flags
from kws.datasets.clip import SPLITS
from kws.datasets.survey import report, survey
from kws.datasets.survey.duplicates import KINDS
from kws.datasets.survey.survey import FAULTS, Row, Survey
from kws_cli import command
from kws_cli.command import UserError
from kws_cli.table import aligned

# Lines of a kind that are printed; all are in --json.
_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class SurveyConfig:
    """What to look at, and where a report goes; None for none."""

    dataset: DatasetConfig
    report: pathlib.Path | None = None


def write_report(found: Survey, path: pathlib.Path) -> None:
    """Writes the HTML file. Raises `UserError` where it can't be written, or is there and is no page."""
    command.write_page(path, report.page(found), "report")


def table(found: Survey) -> str:
    """The survey for a person."""
    head = ["word", "label", *SPLITS, "speakers", "seconds", "level dB", "SNR dB", *FAULTS]
    rows = [_cells(word, of_word) for word, of_word in _by_word(found.rows).items()]
    lines = aligned([head, *rows], left=2)
    lines.append("level, SNR (an estimate): median, and in brackets what 5 % of the clips are below")
    for kind in KINDS:
        same = [duplicate for duplicate in found.duplicates if duplicate.kind == kind]
        texts = [" = ".join(f"{place.name} ({place.split})" for place in each.places[:4]) for each in same]
        lines += _listed(f"the same clip, {kind}", texts)
    for fault in FAULTS:
        named = [finding for finding in found.findings if finding.faults[0] == fault]
        texts = [f"{each.place.name}: {each.level_db:.0f} dB, SNR {each.snr_db:.0f} dB" for each in named]
        lines += _listed(fault, texts)
    dataset = found.dataset
    lines += _listed("skipped", [f"{file}: {reason}" for file, reason in dataset.skipped])
    lines += _listed("cut into several clips", [f"{file}: {clips} clips" for file, clips in dataset.divided])
    lines += [f"problem: {line}" for line in found.problems]
    return "\n".join(_printable(line) for line in lines)


def _by_word(rows: tuple[Row, ...]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.word, {})[row.split] = row
    return found


def _cells(word: str, rows: dict[str, Row]) -> list[str]:
    whole = rows["all"]
    counts = [str(rows[split].clips) if split in rows else "-" for split in SPLITS]
    faults = [str(whole.faults[fault] or "-") for fault in FAULTS]
    level, ratio = (f"{values[1]:.0f} ({values[0]:.0f})" for values in (whole.level_db, whole.snr_db))
    return [word, whole.label, *counts, str(whole.speakers or "-"), f"{whole.seconds:.0f}", level, ratio, *faults]


def _listed(title: str, texts: list[str]) -> list[str]:
    if not texts:
        return []
    more = [f"  and {len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return [f"{title}: {len(texts)}", *(f"  {text}" for text in texts[:_SHOWN]), *more]


def _printable(line: str) -> str:
    """A file's name may hold a line break."""
    return line if line.isprintable() else line.encode("unicode_escape").decode()


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_json_flag()
    flags.DEFINE_string("report", None, "Also write an HTML file with the suspicious clips to listen to.")
    dataset_flags.define_flags()


def config_from_flags(values: flags.FlagValues) -> SurveyConfig:
    """The settings that the flags spell; a folder without the corpus' lists is one of the user's own recordings.

    Raises:
      UserError, DatasetError: no folder, or impossible settings.
    """
    if not values["dataset"].present:
        command.require(data_dir=values.data_dir)
        lists = ("validation_list.txt", "testing_list.txt")
        has_lists = all((pathlib.Path(values.data_dir) / name).is_file() for name in lists)
        values["dataset"].value = "speech_commands" if has_lists else "folder"
    return SurveyConfig(dataset_flags.config_from_flags(values), pathlib.Path(values.report) if values.report else None)


def main() -> None:
    """The command `python -m kws.datasets`."""

    def work(values: flags.FlagValues) -> None:
        config = config_from_flags(values)
        if config.report is not None:
            command.check_page(config.report, "report")
        found = survey.survey(config.dataset)
        command.say(table(found), values.json)
        command.write_json(_json(found, values), values.json)
        if config.report is not None:
            write_report(found, config.report)
        if found.problems:
            more = f" (and {len(found.problems) - 1} more, listed above)" if len(found.problems) > 1 else ""
            raise UserError(f"{found.problems[0]}{more}")

    command.run(work, define_flags)


def _json(found: Survey, values: flags.FlagValues) -> dict[str, Any]:
    return survey.to_json(found) | {"report": values.report}


if __name__ == "__main__":
    main()
