"""The demonstration, made small."""

import pathlib

import pytest

from kws import demo


@pytest.mark.slow
def test_the_whole_way_ends_in_a_table(tmp_path: pathlib.Path) -> None:
    config = demo.DemoConfig(
        tmp_path / "run", float_epochs=1, fixed_point_epochs=1, emulator="qemu", clips=20, clips_per_word=20
    )
    result = demo.demo(config)
    assert result["parity"]["mismatches"] == 0
    assert result["device"]["mismatches"] == 0
    assert result["device"]["instructions_per_inference"] > 0
    assert (tmp_path / "run" / "bundle" / "bundle.json").is_file()
    text = demo.table(result)
    for word in ("accuracy on synthetic test speech, fixed point", "instructions per inference", "spoken"):
        assert word in text
    again = demo.DemoConfig(tmp_path / "run", 1, 1, "qemu", 20, clips_per_word=20)
    assert demo.demo(again)["fixed_point_accuracy"] == result["fixed_point_accuracy"]
