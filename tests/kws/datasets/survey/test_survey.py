"""The look at a dataset: what is wrong with its clips is found, named and can be listened to."""

import html
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from corpus import write_wav

from kws import datasets
from kws.datasets import DatasetConfig
from kws.datasets import __main__ as survey_command
from kws.datasets.clip import Clips
from kws.datasets.survey import measures, report, survey
from kws.datasets.survey.duplicates import TWICE, TWO_SPLITS, TWO_WORDS
from kws_cli.command import UserError

ROOT = pathlib.Path(__file__).resolve().parents[4]


def _word(level: float, noise: float, seed: int, seconds: float = 0.4) -> np.ndarray:
    """float [16000]: a tone of an RMS of `level` in the middle, in noise of an RMS of `noise`; full scale is 32768."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, noise, 16000) if noise else np.zeros(16000)
    count = round(16000 * seconds)
    start = (16000 - count) // 2
    tone = np.sin(2 * np.pi * rng.uniform(300, 600) * np.arange(count) / 16000)
    samples[start : start + count] += level * np.sqrt(2) * tone
    return samples


def _measured(*clips: np.ndarray) -> measures.Measures:
    samples = np.stack([np.clip(np.rint(clip), -32768, 32767) for clip in clips]).astype(np.int16)
    names = tuple(f"lamp/{number}" for number in range(len(clips)))
    return measures.measure(Clips("training", names, samples, np.zeros(len(clips), np.int64), ("",) * len(clips)))


@pytest.mark.parametrize("ratio", [6, 10, 20, 30, 40])
def test_the_signal_to_noise_ratio_is_estimated(ratio: int) -> None:
    found = _measured(*(_word(3000, 3000 / 10 ** (ratio / 20), seed) for seed in range(20)))
    assert np.mean(found.snr_db) == pytest.approx(ratio, abs=1.5)
    assert np.all(np.abs(found.snr_db - ratio) < 3)


def test_padding_is_no_quiet_room() -> None:
    padded = _word(3000, 300, 1)
    padded[:3000] = padded[-3000:] = 0
    assert _measured(padded).snr_db[0] == pytest.approx(20, abs=3)


def test_a_microphones_offset_is_neither_level_nor_noise() -> None:
    word = _word(3000, 30, 1)
    found = _measured(word, word + 3000, np.full(16000, 3000.0))
    assert found.snr_db[:2] == pytest.approx(40, abs=3) and found.snr_db[1] == pytest.approx(found.snr_db[0], abs=0.1)
    assert found.level_db == pytest.approx([found.level_db[0], found.level_db[0], -100], abs=0.1)


def test_levels_are_of_the_word() -> None:
    found = _measured(_word(3276.8, 3, 1), _word(32.768, 0, 2), np.zeros(16000))
    assert found.level_db == pytest.approx([-20, -60, -100], abs=0.5)


def test_clipping_is_seen_at_full_scale_and_below() -> None:
    loud = _word(40000, 10, 1)
    limited = np.clip(_word(18000, 0, 3), -20000, 20000)
    full_but_whole = _word(3000, 10, 4) * 32767 / np.abs(_word(3000, 10, 4)).max()
    found = _measured(loud, limited, _word(8000, 10, 2), full_but_whole)
    assert np.all(found.clipped[:2] > 0.05) and np.all(found.clipped[2:] <= survey.CLIPPED_ABOVE)


@pytest.fixture(name="corpus")
def _corpus(tmp_path: pathlib.Path) -> pathlib.Path:
    """Two words of four speakers, with one of each fault."""
    root = tmp_path / 'it\'s "mine" & <b>'
    for seed, (word, person, number) in enumerate(
        (word, person, number)
        for word in ("lamp", "tür")
        for person in ("anna", "ben", "cem", "dora")
        for number in (1, 2)
    ):
        write_wav(root / word / f"{person}__{number}.wav", _word(3000, 100, seed))
    write_wav(root / "lamp" / "anna__silent.wav", np.random.default_rng(0).integers(-1, 2, 16000))
    write_wav(root / "lamp" / "anna__loud.wav", np.clip(_word(40000, 10, 90), -32768, 32767))
    write_wav(root / "lamp" / "anna__noisy.wav", _word(1000, 1000, 91))
    write_wav(root / "lamp" / "anna__far.wav", _word(100, 1, 92))
    write_wav(root / "lamp" / "anna__late.wav", np.roll(_word(3000, 30, 93), 5500))
    write_wav(root / "lamp" / "ben__<script>alert(1)<.wav", np.roll(_word(3000, 30, 94), 5500))
    (root / "lamp" / "anna__broken.m4a").write_bytes(b"no sound")
    write_wav(root / "_background_noise_" / "room.wav", np.random.default_rng(1).normal(0, 100, 80000))
    return root


def _config(root: pathlib.Path) -> DatasetConfig:
    return DatasetConfig(dataset="folder", data_dir=str(root))


def test_each_fault_is_found_and_nothing_else(corpus: pathlib.Path) -> None:
    found = survey.survey(_config(corpus))
    named = {finding.place.name: finding.faults for finding in found.findings}
    assert named == {
        "lamp/anna__silent.wav": ("silent",),
        "lamp/anna__loud.wav": ("clipped",),
        "lamp/anna__noisy.wav": ("noisy",),
        "lamp/anna__far.wav": ("quiet",),
        "lamp/anna__late.wav": ("cut off",),
        "lamp/ben__<script>alert(1)<.wav": ("cut off",),
    }
    assert found.problems == () and found.duplicates == ()
    rows = {(row.word, row.split): row for row in found.rows}
    assert (rows["lamp", "all"].clips, rows["lamp", "all"].speakers, rows["lamp", "all"].seconds) == (14, 4, 14.0)
    assert sum(rows["lamp", split].clips for split in datasets.clip.SPLITS) == 14
    assert rows["tür", "all"].level_db[1] == pytest.approx(20 * np.log10(3000 / 32768), abs=0.5)
    assert [pathlib.Path(file).name for file, _ in found.dataset.skipped] == ["anna__broken.m4a"]


def test_the_same_clip_in_two_places(corpus: pathlib.Path) -> None:
    content = (corpus / "lamp" / "anna__1.wav").read_bytes()
    (corpus / "lamp" / "anna__again.wav").write_bytes(content)
    found = survey.survey(_config(corpus))
    assert [each.kind for each in found.duplicates] == [TWICE] and found.problems == ()
    for person in ("ben", "cem", "dora"):
        (corpus / "lamp" / f"{person}__again.wav").write_bytes(content)
    assert [each.kind for each in survey.survey(_config(corpus)).duplicates] == [TWO_SPLITS]
    (corpus / "tür" / "anna__again.wav").write_bytes(content)
    found = survey.survey(_config(corpus))
    assert [each.kind for each in found.duplicates] == [TWO_WORDS]
    (line,) = found.problems
    assert line.startswith("1 clip lies under two words (lamp/") and "remove the file" in line


def test_a_word_that_is_silent_or_clipped_throughout_is_a_problem(corpus: pathlib.Path) -> None:
    for number, path in enumerate(sorted((corpus / "tür").iterdir())):
        write_wav(path, np.random.default_rng(number).integers(-2, 3, 16000))
    assert survey.survey(_config(corpus)).problems == (
        "all 8 clips of 'tür' are silent: record it again, nearer or at a higher level",
    )


def test_what_training_would_not_take_is_looked_at_all_the_same(corpus: pathlib.Path) -> None:
    (corpus / "_background_noise_" / "room.wav").unlink()
    found = survey.survey(_config(corpus))
    assert len(found.problems) == 1 and "no recordings in _background_noise_" in found.problems[0]
    assert sum(row.clips for row in found.rows if row.split == "all") == 22


def test_a_word_of_too_few_recordings_is_a_problem(corpus: pathlib.Path) -> None:
    write_wav(corpus / "cup" / "anna__1.wav", _word(3000, 100, 99))
    (line,) = survey.survey(_config(corpus)).problems
    assert line.startswith("too few ") and "cup 0" in line and "record more" in line


def test_the_report_plays_what_is_suspicious_and_runs_nothing(corpus: pathlib.Path) -> None:
    text = report.page(survey.survey(_config(corpus)))
    assert "<script" not in text and html.escape("ben__<script>alert(1)<.wav") in text
    assert html.escape(str(corpus)) in text and "anna__broken.m4a" in text
    assert text.count("<audio ") == text.count("data:audio/wav;base64,UklGR") == 6
    assert not re.search(r"(src|href)=\"(?!data:)", text)


def test_the_report_is_bounded(corpus: pathlib.Path) -> None:
    found = survey.survey(_config(corpus))
    findings = found.findings * 500
    skipped = tuple((f"{'x' * 200}{number}", "no sound") for number in range(10_000))
    dataset = datasets.Dataset(**vars(found.dataset) | {"skipped": skipped})
    many = survey.Survey(**vars(found) | {"findings": findings, "dataset": dataset})
    text = report.page(many)
    assert len(text) < 5_500_000 and "and 9,800 more" in text
    assert "Silent (500, 1" in text


def _run(*flags: str, root: pathlib.Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kws.datasets", *flags]
    return subprocess.run(command, cwd=root, env=os.environ, capture_output=True, text=True, check=False)


def test_the_command_prints_a_table_and_ends_with_2_where_labels_are_wrong(
    corpus: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (corpus / "tür" / "anna__again.wav").write_bytes((corpus / "lamp" / "anna__1.wav").read_bytes())
    done = _run(f"--data_dir={corpus}", f"--report={tmp_path / 'r.html'}", f"--json={tmp_path / 'r.json'}")
    assert done.returncode == 2, done.stderr
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: 1 clip lies under two words (")
    assert re.search(r"^lamp +lamp +\d+ +\d+ +\d+ +4 +14 ", done.stdout, re.MULTILINE)
    assert "the same clip, two words: 1\n  lamp/anna__1.wav" in done.stdout
    assert done.stdout.count("anna__broken.m4a: not a WAV") == 1 and done.stderr.count("skipped " + str(corpus)) == 1
    found = json.loads((tmp_path / "r.json").read_text())
    assert {"rows", "findings", "duplicates", "skipped", "cut", "problems"} <= set(found)
    assert (tmp_path / "r.html").stat().st_size > 100_000
    with pytest.raises(UserError, match=r"can't write --report=.*: "):
        survey_command.write_report(survey.survey(_config(corpus)), tmp_path)


def test_an_empty_folder_is_one_line(tmp_path: pathlib.Path) -> None:
    with pytest.raises(datasets.DatasetError, match=r"no folder of a word|no recordings in _background_noise_"):
        survey.survey(_config(tmp_path))
