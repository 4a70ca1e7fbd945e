"""The page about bundles: one file, every section, figures as measured, and a line where nothing was."""

import json
import pathlib
import re
import shutil

import numpy as np
import pytest
from report_material import read, results

from kws.reports import charts, mistakes, page, subject
from kws.reports.report_error import ReportError

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
SECTIONS = (
    *("verdict", "accuracy", "confusion", "det", "false-alarms", "conditions", "boards", "costs", "proof", "formats"),
    *("weights", "training", "mistakes", "environment"),
)
MODEL = ROOT / "models" / "w4a4"


def test_a_page_has_every_section_and_needs_nothing_else(bundle: pathlib.Path, files: list[pathlib.Path]) -> None:
    text = page.write(subject.open_all([bundle], [], files), ["python", "-m", "kws.report"])
    reader = read(text)
    assert tuple(name for name in reader.ids if name in SECTIONS) == SECTIONS
    assert len(reader.ids) == len(set(reader.ids))
    assert all(address.startswith("#") for address in reader.addresses)
    assert "url(http" not in text and "@import" not in text
    assert len(text) < 500_000
    for figure in (
        "87.50 %",
        "85.00 to 90.00 %",
        "1,234",
        "1,500,000 estimated cycles",
        "4,000,000 instructions per second",
    ):
        assert figure in text, figure
    assert "Proved: all 1,234 codes compared equal" in text
    assert re.search(r"It fits \d+ of the \d+ boards below, and \d+ more in memory, for whose cores no cycles", text)
    assert "listening was not counted" not in text and "Rows: spoken." in text
    assert "var(--s0)" in text and "#0072b2;" in text  # the page's own definition alone
    assert text.count("#0072b2") == 1
    assert "10^" not in text and "mathdefault" not in text


def test_an_inference_alone_says_that_listening_was_not_counted(
    bundle: pathlib.Path, files: list[pathlib.Path]
) -> None:
    counted = [path for path in files if path.stem == "bench"]
    text = page.write(subject.open_all([bundle], [], counted), ["python"])
    assert "; an inference alone, for listening was not counted (microcontroller.bench --streaming)." in text


def test_what_was_not_measured_is_said_to_be_so(bundle: pathlib.Path) -> None:
    text = page.write(subject.open_all([bundle], [], []), ["python"])
    assert "Its accuracy was not measured." in text and "was not proved for this report" in text
    for what in ("The proof", "The trade-off", "False alarms per hour", "The worst mistakes", "Training curves"):
        assert f"{what}: not measured. " in text
    assert text.count('<p class="absent">') >= 8
    assert '<span class="flag">--data_dir=D</span>' in text and "Rows: spoken." not in text
    assert "No firmware was measured: its arena, stack and constants alone fit into the memory of" in text


def test_bundles_are_told_apart_and_are_given_once(bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    other = tmp_path / "older" / bundle.name
    shutil.copytree(bundle, other)
    opened = subject.open_all([bundle, other], [], [])
    assert [each.title for each in opened] == [f"{bundle.parent.name}/{bundle.name}", f"older/{bundle.name}"]
    with pytest.raises(ReportError, match=r"bundle=.* names .* twice: give each bundle once"):
        subject.open_all([bundle, bundle.parent / "." / bundle.name], [], [])


@pytest.mark.parametrize(
    "change",
    [{"accuracy": float("nan")}, {"accuracy": None}, {"confusion": []}, {"det": {}}],
    ids=["NaN", "null", "no confusion", "no trade-off"],
)
def test_an_accuracy_that_is_no_number_is_never_shown_as_one(change: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    (opened,) = subject.open_all([MODEL], [], [])
    kept = opened.bundle.metrics
    assert "are right" in page.verdict([opened])
    kept["fixed_point"]["testing"] |= change
    monkeypatch.setattr(type(opened.bundle), "metrics", kept)
    text = page.write([opened], ["python"])
    assert "Its accuracy is not known" in text and "are right" not in text
    assert not re.search(r"\bnan\b|NaN|inf\b", re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL))


def test_a_codes_difference_is_the_verdict(bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    result = results(bundle)["verify"] | {"mismatches": 7}
    (tmp_path / "v.json").write_text(json.dumps(result))
    text = page.write(subject.open_all([bundle], [], [tmp_path / "v.json"]), ["python"])
    assert "7 of 1,234 codes differ from the exact interpreter: do not use it." in text


def test_bundles_stand_side_by_side_with_what_they_were_trained_with(bundle: pathlib.Path, files: list) -> None:
    text = page.write(subject.open_all([bundle, MODEL], [], files), ["python"])
    read(text)
    assert "Report on small, w4a4" in text and text.count("<h3>w4a4</h3>") > 5
    assert "kws.train, the dataset it was trained with: testing" in text
    kept = subject.open_all([MODEL], [], [])[0].bundle.metrics["float"]["testing"]["accuracy"]
    [row] = re.findall(r"<tr>.{0,40}w4a4.*?kws\.train.*?</tr>", text, re.DOTALL)[:1]
    assert f"{100 * kept:.2f} %" in row


def test_texts_from_elsewhere_are_no_markup(
    bundle: pathlib.Path, files: list[pathlib.Path], tmp_path: pathlib.Path
) -> None:
    odd = tmp_path / "<script>{{sections}} & $x_1$"
    odd.symlink_to(bundle)
    (opened,) = subject.open_all([odd], [], files)
    renamed = subject.dataclasses.replace(opened, title=odd.name)
    text = page.write([renamed], ["python", "<b>"])
    read(text)
    assert "<script" not in text and "<b>" not in text


def test_results_of_two_boards_stand_beside_each_other(bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    bench = results(bundle)["bench"]
    files = [tmp_path / f"{name}.json" for name in ("m4", "m0", "again")]
    for path, board in zip(files, ("stm32f4", "nrf51", "nrf51"), strict=True):
        path.write_text(json.dumps(bench | {"board": board}))
    [one] = subject.open_all([bundle], [], files[:2])
    assert [result.board for result in one.results] == ["stm32f4", "nrf51"]
    with pytest.raises(
        ReportError, match=r"again.json is a second result of microcontroller.bench on nrf51 of one mod"
    ):
        subject.open_all([bundle], [], files)


def test_the_worst_mistakes_are_those_of_which_the_network_was_surest() -> None:
    logits = np.array([[5.0, 0.0], [0.0, 1.0], [0.0, 3.0], [2.0, 0.0]], np.float32)
    labels = np.array([0, 0, 0, 0])
    samples = np.arange(4 * 16000, dtype=np.int16).reshape(4, 16000)
    outcomes = mistakes.Outcomes(("a", "b", "c", "d"), ("",) * 4, labels, logits, None)
    clips = mistakes.Clips("testing", ("a", "b", "c", "d"), samples, labels, ("",) * 4)
    found = mistakes.worst(outcomes, clips, ("yes", "no"))
    assert [(one.name, one.label, one.taken_for) for one in found] == [("c", "yes", "no"), ("b", "yes", "no")]
    assert found[0].posterior > 0.9
    assert len(mistakes.worst(outcomes, clips, ("yes", "no"), most=1)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no result of export.verify"),
        ('{"pairs": [], "skipped": {}}', "is not as python -m export.verify writes it"),
    ],
)
def test_files_that_are_no_results_are_one_line(
    bundle: pathlib.Path, tmp_path: pathlib.Path, content: str, message: str
) -> None:
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(ReportError, match=f"measured=.*r.json {message}"):
        subject.open_all([bundle], [], [tmp_path / "r.json"])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("bench", {"instructions_per_inference": 0}),
        ("clips", {"det": {"false_reject_rate": [0.1], "false_alarm_rate": []}}),
        ("clips", {"confusion": [[1]]}),
        ("clips", {"accuracy": float("nan")}),
        ("clips", {"accuracy": 87.5}),
        ("clips", {"clips": 0}),
        ("clips", {"float": {"accuracy": float("nan")}}),
        ("always_on", {"words": {"quiet": {"spoken": 0, "miss_rate": float("nan"), "interval": [0.0, 1.0]}}}),
        ("always_on", {"negatives": {}}),
        ("always_on", {"words": {}}),
        ("always_on", {"curve": {"false_alarms_per_hour": {"all": [1.0]}, "miss_rate": {"quiet": []}}}),
        ("conditions", {"models": ["one"]}),
    ],
)
def test_results_that_contradict_themselves_are_one_line(
    bundle: pathlib.Path, tmp_path: pathlib.Path, name: str, change: dict
) -> None:
    (tmp_path / "r.json").write_text(json.dumps(results(bundle)[name] | change))
    with pytest.raises(ReportError, match=r"measured=.*r\.json is not as python -m .* writes it"):
        subject.open_all([bundle], [], [tmp_path / "r.json"])


def test_a_runs_history_is_drawn_or_damaged(bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "run.json").write_text('{"settings": {}}')
    assert subject.open_all([bundle], [tmp_path], [])[0].history == ()
    rows = [{"stage": "float", "loss": 1.5, "validation_accuracy": 0.5}, {"stage": "fixed_point", "loss": None}]
    (tmp_path / "history.json").write_text(json.dumps(rows))
    (opened,) = subject.open_all([bundle], [tmp_path], [])
    losses, accuracies = charts.training([("b", opened.history)]).axes
    assert losses.lines[0].get_ydata()[0] == 1.5 and accuracies.lines[0].get_ydata()[0] == 50.0
    (tmp_path / "history.json").write_text('[{"loss": "x"}]')
    with pytest.raises(ReportError, match=r"history\.json is damaged"):
        subject.open_all([bundle], [tmp_path], [])


def test_results_that_dont_belong_are_refused(bundle: pathlib.Path, files: list, tmp_path: pathlib.Path) -> None:
    with pytest.raises(ReportError, match="is of another model than w4a4: leave it out"):
        subject.open_all([MODEL], [], files)
    with pytest.raises(ReportError, match=r"is a second result of microcontroller\.bench on stm32f4 of one model"):
        subject.open_all([bundle], [], [tmp_path / "bench.json"] * 2)
    with pytest.raises(ReportError, match=r"run_dir=.*,.* names 2 runs for 1 bundles"):
        subject.open_all([bundle], [tmp_path, tmp_path], [])
    with pytest.raises(ReportError, match="names 9 bundles: give 8 at most"):
        subject.open_all([bundle] * 9, [], [])
    with pytest.raises(ReportError, match="can't be read: No such file or directory: give a file that"):
        subject.open_all([bundle], [], [tmp_path / "none.json"])


@pytest.mark.parametrize("name", ["bench", "streaming"])
def test_a_board_that_is_none_is_refused(bundle: pathlib.Path, tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / "r.json").write_text(json.dumps(results(bundle)[name] | {"board": "amiga"}))
    message = r"measured=.*r.json is of board 'amiga', which is none of m0plus_264k, .*: bench on one, or leave"
    with pytest.raises(ReportError, match=message):
        subject.open_all([bundle], [], [tmp_path / "r.json"])
