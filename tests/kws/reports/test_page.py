"""The page about bundles: one file, every section, figures as measured, and a line where nothing was."""

import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from export.bundle import random_bundle
from export.bundle.random_bundle import RandomBundleConfig
from export.plan import goals
from kws.reports import board_fit, charts, drawing, measured, mistakes, page, subject
from kws.reports.measured import Bench, Streaming
from kws.reports.report_error import ReportError
from kws.reports.subject import Subject

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
SECTIONS = (
    *("verdict", "accuracy", "confusion", "det", "false-alarms", "conditions", "boards", "costs", "proof", "formats"),
    *("weights", "training", "mistakes", "environment"),
)
MODEL = ROOT / "models" / "w4a4"


class _Reader(html.parser.HTMLParser):
    """What a page names: ids, addresses, and tags that are left open."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "br", "link", "img", "input", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A small bundle of random codes."""
    path = tmp_path_factory.mktemp("reports") / "small"
    random_bundle.write(RandomBundleConfig(path, channels=8, blocks=1, clips=2))
    return path


def sha256(path: pathlib.Path) -> str:
    return subject.bundles.load(path).model.sha256


def results(path: pathlib.Path) -> dict[str, dict]:
    """A result of every command, as they write it, of the bundle's model."""
    labels = list(subject.bundles.load(path).labels)
    model = sha256(path)
    names = [layer.name for layer in subject.bundles.load(path).model.layers]
    group = {"hours": 2.0, "false_alarms": 0, "per_hour": 0.0, "interval": [0.0, 1.8], "upper_bound": False}
    rates = {"false_reject_rate": [0.9, 0.2, 0.05, 0.0], "false_alarm_rate": [0.0, 0.01, 0.1, 1.0]}
    of_device = {
        "model_sha256": model,
        "board": "stm32f4",
        "profile": "fast",
        "compiler": "gcc",
        "emulator_version": "Q",
    }
    return {
        "verify": {
            "model_sha256": model,
            "inputs": 4,
            "mismatches": 0,
            "pairs": [{"implementation": "c_engine", "reference": "single", "codes": 1234, "mismatches": 0}],
            "skipped": {"keras": "none"},
        },
        "bench": {
            **of_device,
            "instructions_per_inference": 1_000_000,
            "estimated_cycles": 1_500_000,
            "layers": [
                {"name": name, "op": "conv2d", "instructions": 1000, "estimated_cycles": 1500} for name in names
            ],
            "ram_bytes": 8192,
            "ram_sections": {},
            "flash_bytes": 65536,
            "flash_sections": {},
            "mismatches": 0,
            "inferences": 3,
        },
        "streaming": {
            **of_device,
            "board": "mps2_an386",
            "instructions_per_second_of_audio": {"frontend": 1_000_000, "network": 3_000_000, "total": 4_000_000},
            "ram_bytes": 16384,
            "ram_sections": {},
            "flash_bytes": 65536,
            "mismatches": 0,
        },
        "clips": {
            "model_sha256": model,
            "dataset": "speech_commands",
            "split": "testing",
            "computed_by": "interpreter",
            "labels": labels,
            "clips": 100,
            "accuracy": 0.875,
            "recall": dict.fromkeys(labels, 0.5),
            "confusion": np.eye(len(labels), dtype=int).tolist(),
            "false_discovery_rate_at_false_reject_rate": {"0.05": 0.25},
            "det": rates,
            "intervals": {"accuracy": [0.85, 0.9], "false_discovery_rate": None},
            "float": {"accuracy": 0.9},
        },
        "always_on": {
            "bundle": "x",
            "model_sha256": model,
            "split": "testing",
            "negatives": {"all": group, "music": group},
            "words": {"quiet": {"spoken": 10, "miss_rate": 0.1, "interval": [0.0, 0.3]}},
            "curve": {"false_alarms_per_hour": {"all": [0.0, 0.5, 20.0]}, "miss_rate": {"quiet": [0.5, 0.2, 0.1]}},
        },
        "conditions": {
            "dataset": "speech_commands",
            "split": "testing",
            "models": ["float of small", "small"],
            "model_sha256": [None, model],
            "rows": [
                {"condition": condition, "clips": 10, "correct": [0.9, 0.8]}
                for condition in ("gain 1", "gain 0.1", "SNR 20 dB", "SNR 0 dB", "2 recorded rooms")
            ],
        },
    }


@pytest.fixture
def files(bundle: pathlib.Path, tmp_path: pathlib.Path) -> list[pathlib.Path]:
    """Each result in a file."""
    for name, result in results(bundle).items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    return sorted(tmp_path.glob("*.json"))


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
    assert "It fits, as far as is known, " in text and "Rows: spoken." in text
    assert "var(--s0)" in text and "#0072b2;" in text  # the page's own definition alone
    assert text.count("#0072b2") == 1
    assert "10^" not in text and "mathdefault" not in text


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
    assert "kws.train, its training&#x27;s data testing" in text


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


def subject_of(path: pathlib.Path, *measured_values: tuple[dict, type]) -> Subject:
    """A bundle with results, of which each is changed JSON of a command."""
    found = tuple(measured.shaped(values, kind, "m", "microcontroller.bench") for values, kind in measured_values)
    return Subject("small", subject.bundles.load(path), results=found)


def fits_of(one: Subject, *boards: board_fit.BoardToBuy) -> dict[str, board_fit.Fit]:
    return {fit.board.name: fit for fit in board_fit.fits(one, boards or None)}


def test_boards_take_shares_of_what_was_measured_on_their_core(bundle: pathlib.Path) -> None:
    found = results(bundle)
    fits = fits_of(subject_of(bundle, (found["bench"], Bench), (found["streaming"], Streaming)))
    nano = fits["Arduino Nano 33 BLE (nRF52840)"]
    assert (nano.ram, nano.flash, nano.answer, nano.at_least) == (1 / 16, 1 / 16, "yes", False)
    assert nano.milliseconds == pytest.approx(1.5e6 / 64e3)
    assert nano.listening == pytest.approx(1.25 * 4e6 * 1.5 / 64e6)
    assert nano.code.is_measured and nano.code.profile == "fast"
    assert all(re.match(r"[\w-]+/[\w-]+ (boards|dts)/", board.source) for board in board_fit.boards_to_buy())
    assert {board.core for board in board_fit.boards_to_buy()} >= {
        "cortex-m0plus",
        "cortex-m33",
        "rv32imc",
        "xtensa lx7",
    }


def test_a_board_is_judged_by_its_own_cores_code(bundle: pathlib.Path) -> None:
    """The Cortex-M4's code, which a Cortex-M0 can't run, takes more than it has."""
    found = results(bundle)
    streaming = found["streaming"] | {"ram_bytes": 17_000}
    one = subject_of(bundle, (found["bench"], Bench), (streaming, Streaming))
    name = "BBC micro:bit v1 (nRF51822)"
    first = fits_of(one)[name]
    assert (first.answer, first.code.profile, first.code.is_measured) == ("in memory", "packed", False)
    assert (first.milliseconds, first.listening) == (None, None) and 0 < first.ram < 1
    # Counted on its own kind of core: the least that it takes, as nobody estimates its cycles.
    m0 = {"board": "nrf51", "profile": "packed", "ram_bytes": 12_288, "estimated_cycles": None}
    own = (found["bench"] | m0, Bench), (streaming | m0, Streaming)
    first = fits_of(subject_of(bundle, *own, (found["bench"], Bench), (streaming, Streaming)))[name]
    assert (first.answer, first.at_least, first.code.is_measured, first.ram) == ("in memory", True, True, 0.75)
    assert (first.milliseconds, first.listening) == (pytest.approx(1e6 / 16e3), pytest.approx(4e6 / 16e6))
    slow = m0 | {"instructions_per_second_of_audio": {"total": 20_000_000}}
    assert fits_of(subject_of(bundle, (streaming | slow, Streaming)))[name].answer == "no"


def test_less_memory_is_taken_where_a_board_has_less(bundle: pathlib.Path) -> None:
    model = subject.bundles.load(bundle).model
    fast, least = (goals.needed(model, profile) for profile in ("fast", "ram"))
    assert least < 3 * 1024 < fast

    def board(core: str, ram_kb: int) -> board_fit.BoardToBuy:
        return board_fit.BoardToBuy(f"{core} {ram_kb}", core, 64, ram_kb, 512, "")

    asked = {("cortex-m4", 64): "fast", ("cortex-m4", 3): "ram", ("cortex-m3", 64): "packed", ("rv32imc", 64): "packed"}
    asked |= {("cortex-m55", 64): "helium", ("cortex-m0plus", 64): "packed", ("cortex-m7", 64): "fast"}
    fits = fits_of(subject_of(bundle), *(board(*each) for each in asked))
    assert {tuple(name.split()): fit.code.profile for name, fit in fits.items()} == {
        (core, str(ram_kb)): profile for (core, ram_kb), profile in asked.items()
    }
    assert {fit.answer for fit in fits.values()} == {"in memory"}
    assert fits["cortex-m4 3"].ram == least / 3 / 1024
    nothing = fits_of(subject_of(bundle), board("cortex-m4", 1))["cortex-m4 1"]
    assert (nothing.answer, nothing.code.profile, nothing.ram) == ("no", "ram", least / 1024)
    small = fits_of(subject_of(bundle, (results(bundle)["bench"], Bench)), board("cortex-m4", 3))["cortex-m4 3"]
    assert (small.code.profile, small.code.is_measured, small.milliseconds) == ("ram", False, None)


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


def run(*arguments: str) -> subprocess.CompletedProcess:
    line = [sys.executable, "-W", "error", "-m", "kws.report", *arguments]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_the_command_writes_a_page(bundle: pathlib.Path, files: list, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "deep" / "page.html"
    measured_files = ",".join(map(str, files))
    done = run(f"--bundle={bundle}", f"--measured={measured_files}", f"--page={target}")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"page: {target}\n", "")
    read(target.read_text())
    kept = files[0].read_text()
    done = run(f"--bundle={bundle}", f"--measured={measured_files}", f"--page={files[0]}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: --page={files[0]} exists and is no HTML page: give another path\n"
    assert files[0].read_text() == kept


def test_a_drawing_is_the_same_again_and_in_the_pages_colours() -> None:
    curve = measured.Det([0.5, 0.1, 0.0], [0.001, 0.01, 1.0])
    one, two = (drawing.svg("det", "A title", lambda: charts.det([("$x_", curve), ("b", curve)])) for _ in range(2))
    assert one == two
    assert "var(--s0)" in one and "var(--s1)" in one and "var(--ink)" in one and not re.search("#0072b2|#1a1a1a", one)
    assert "$x_" in one and 'aria-label="A title"' in one


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--bundle or --sweep_dir is required: give one of them (see --help)"),
        (["--bundle=b", "--sweep_dir=s"], "--bundle makes a page, --sweep_dir tables: give one of them"),
        (["--bundle=b", "--plots"], "--plots does not go with --bundle"),
        (["--sweep_dir=s", "--measured=x"], "--measured does not go with --sweep_dir"),
    ],
)
def test_flags_that_dont_go_together_are_one_line(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (2, f"error: {message}\n")


def luminance(colour: str) -> float:
    """Relative, of WCAG 2."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_text_and_lines_have_contrast_in_light_and_dark() -> None:
    style = (ROOT / "kws" / "reports" / "page.html").read_text()
    schemes = [
        dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in style.split("@media (prefers-color-scheme: dark)")
    ]
    assert len(schemes) == 2
    for colours in schemes:
        for name, least in {"ink": 7.0, "muted": 4.5, **{f"s{i}": 3.0 for i in range(7)}}.items():
            for ground in ("paper", "shade"):
                low, high = sorted((luminance(colours[name]), luminance(colours[ground])))
                assert (high + 0.05) / (low + 0.05) >= least, (name, ground)
