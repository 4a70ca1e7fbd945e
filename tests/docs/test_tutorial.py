"""Every command of docs/tutorial.md, on recordings that espeak-ng makes, with a training that is over at once."""

import pathlib
import re
import shlex
import subprocess
import sys
import wave

import documented
import numpy as np
import pytest

from kws.datasets.synthetic import espeak
from kws.datasets.synthetic.utterance import resample

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ("docs/tutorial.md",)
VOICES = {"anna": "en-us+f3", "ben": "en+m1", "cem": "en-us+m7"}
# Appended to a command: a training that is over at once, and hardly learns.
SHORT = {
    "kws.train": ["--float_epochs=1", "--fixed_point_epochs=1", "--epoch_examples=64", "--allow_chance"],
    "export.convert": ["--allow_chance"],
    "kws.evaluate": ["--allow_chance"],
    "kws.tune_detector": ["--false_alarms_per_hour=100000"],
}
# Some seconds of spoken negatives instead of minutes.
PROGRAM = """
import runpy, sys
from kws.datasets.negatives import spoken
spoken.MINUTES = dict.fromkeys(spoken.MINUTES, 0.1)
spoken.NOISE_MINUTES = 0.1
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def record(root: pathlib.Path) -> None:
    """Four recordings of each word by each of three voices."""
    for word in ("lamp", "door", "stop it"):
        for speaker, voice in VOICES.items():
            folder = root / word / speaker
            folder.mkdir(parents=True)
            for number in range(1, 5):
                raw = espeak.speak(word, voice, rate=150, pitch=40 + 5 * number, pitch_range=50, seed=number)
                samples = np.pad(resample(raw.astype(np.float64)), 800).astype("<i2")
                with wave.open(str(folder / f"{number}.wav"), "wb") as file:
                    file.setparams((1, 2, 16000, 0, "NONE", ""))
                    file.writeframes(np.pad(samples, (0, max(0, 16000 - len(samples)))).tobytes())


@pytest.mark.slow
def test_every_command_of_the_tutorial_runs(tmp_path: pathlib.Path) -> None:
    record(tmp_path / "own")
    (tmp_path / "models").symlink_to(ROOT / "models")
    found = [shlex.split(command.text) for command in documented.commands(*DOCUMENTS)]
    assert [line[2] for line in found] == [
        "kws.record",
        "kws.datasets",
        "kws.train",
        "export.convert",
        "kws.tune_detector",
        "kws.evaluate",
        "kws.evaluate",
        "kws.stream",
    ]
    for line in found:
        assert line[:2] == ["python", "-m"]
        arguments = [sys.executable, "-c", PROGRAM, *line[2:], *SHORT.get(line[2], [])]
        environment = {"PYTHONPATH": str(ROOT), "KWS_CACHE_DIR": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(line)}\n{done.stdout}\n{done.stderr}"
        if line[2] == "kws.train":
            assert re.search(r"next: python -m export\.convert --run_dir=\S+ --bundle=\S+$", done.stdout, re.MULTILINE)
    assert (tmp_path / "bundles" / "own" / "detector.json").is_file()
    assert '"stop it"' in (tmp_path / "bundles" / "own" / "words.json").read_text()
