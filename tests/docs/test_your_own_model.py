"""The program of docs/your_own_model.md runs as it stands there, and its C is equal in every profile."""

import pathlib
import re
import runpy

import numpy as np
import pytest

import export
from export.source import model_source

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/your_own_model.md"
MOST_LINES = 32


def program() -> str:
    """The document's only block of Python."""
    (block,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return block


def test_the_program_is_short() -> None:
    lines = [line for line in program().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) <= MOST_LINES


@pytest.mark.slow
def test_the_program_runs_and_every_implementation_agrees(tmp_path: pathlib.Path, monkeypatch, capsys) -> None:
    script = tmp_path / "own_model.py"
    script.write_text(program())
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path(str(script))
    proof, model, codes = names["proof"], names["model"], names["codes"]
    compared = {pair.implementation for pair in proof.pairs}
    assert compared == {"keras", "tflm", *(f"C {profile}" for profile in export.PROFILES)}
    assert proof.mismatches == 0
    assert len(np.unique(export.interpret(model, codes), axis=0)) > 10
    written = {path.name for path in (tmp_path / "own_model").iterdir()}
    assert {model_source.HEADER, model_source.SOURCE, "own_model.tflite"} <= written
    assert capsys.readouterr().out.startswith("[[")
