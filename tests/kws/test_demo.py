"""The demonstration, made small."""

import pathlib
import shlex

import pytest

from export.bundle.training import trained
from kws import demo
from kws.training import run, training_data


@pytest.mark.slow
@pytest.mark.usefixtures("small_network")
def test_the_whole_way_ends_in_a_table(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An epoch of what few clips give once, which learns next to nothing.
    monkeypatch.setattr(training_data, "rounds", lambda *_: 1)
    monkeypatch.setattr(run, "check_chance", lambda *_: None)
    monkeypatch.setattr(trained, "near_chance", lambda _: None)
    config = demo.DemoConfig(
        tmp_path / "run", float_epochs=1, fixed_point_epochs=1, emulator="qemu", clips=20, clips_per_word=20
    )
    result = demo.demo(config)
    assert result["parity"]["mismatches"] == 0
    assert result["device"]["mismatches"] == 0
    assert result["device"]["instructions_per_inference"] > 0
    assert (tmp_path / "run" / "bundle" / "bundle.json").is_file()
    text = demo.table(result)
    assert (result["detector"] is None) == ("without a detector" in text) != ("python -m export.package" in text)
    for word in ("accuracy on synthetic test speech, fixed point", "instructions per inference", "spoken"):
        assert word in text
    again = demo.DemoConfig(tmp_path / "run", 1, 1, "qemu", 20, clips_per_word=20)
    assert demo.demo(again)["fixed_point_accuracy"] == result["fixed_point_accuracy"]


def test_it_ends_with_the_commands_that_go_on(tmp_path: pathlib.Path) -> None:
    clip = "left/espeak_" + "x" * 60 + "_nohash_0.wav"
    device = {
        "emulator": "qemu",
        "board": "mps2_an386",
        **dict.fromkeys(("instructions_per_inference", "arena_bytes", "stack_bytes", "ram_bytes", "flash_bytes"), 1),
        "mismatches": 0,
        "predictions": [{"spoken": "left", "expected": "left", "label": "left", "clip": clip}],
    }
    result = {
        "float_accuracy": 0.9,
        "fixed_point_accuracy": 0.9,
        "parity": {"inputs": 1, "mismatches": 0},
        "weight_bytes": 1,
        "tflite_bytes": 1,
        "device": device,
        "detector": {},
        "seconds": 1,
        "bundle": str(tmp_path / "my run" / "bundle"),
    }
    lines = demo.table(result).splitlines()
    assert any(line.startswith(f"{clip}  left ") for line in lines)
    bundle = f"--bundle={tmp_path}/my run/bundle"
    typed = [shlex.split(line, comments=True) for line in lines[-3:]]
    assert [words[:4] for words in typed] == [
        ["python", "-m", module, bundle] for module in ("kws.stream", "microcontroller.web_page", "export.package")
    ]
    assert all(word.startswith("--") for words in typed for word in words[3:])
    assert demo.table(result | {"detector": None}).splitlines()[-1].startswith("next: train for longer")
