"""Reading the firmware's report."""

import pytest

from microcontroller.measurement import protocol
from microcontroller.measurement.protocol import DeviceError

REPORT = """FXP board=stm32f4 counter=tim2 engine=fxp model=abc clips=2
CALIBRATION instructions=100000 ticks=100001 region=5 layer=16 step_error=3
WARMUP instructions=90
CLIP index=0 class=1 score=-3 instructions=100 logits=80fd label=two words
CLIP index=1 class=0 score=127 instructions=102 logits=7f00 label=one
LAYER index=0 instructions=150 inferences=2
LAYER index=1 instructions=50 inferences=2
SUMMARY clips=2 min=100 max=102 mean=101 total=202 arena=64 stack=300
END status=0""".splitlines()


def test_report() -> None:
    report = protocol.parse(REPORT)
    assert (report.board, report.counter, report.engine, report.model_sha256) == ("stm32f4", "tim2", "fxp", "abc")
    assert (report.calibration_instructions, report.calibration_ticks, report.step_error) == (100000, 100001, 3)
    first, second = report.clips
    assert (first.label, first.score, first.instructions, first.logits.tolist()) == ("two words", -3, 100, [-128, -3])
    assert (second.label, second.logits.tolist()) == ("one", [127, 0])
    assert (report.layer_instructions, report.layer_inferences) == ((150, 50), 2)
    assert (report.arena_bytes, report.stack_bytes) == (64, 300)


def test_fewer_clips_may_be_observed() -> None:
    report = protocol.parse([line.replace("inferences=2", "inferences=1") for line in REPORT])
    assert report.layer_inferences == 1


@pytest.mark.parametrize("missing", range(len(REPORT) - 1))
def test_every_line_is_needed(missing: int) -> None:
    lines = REPORT[:missing] + REPORT[missing + 1 :]
    if REPORT[missing].startswith(("WARMUP", "LAYER index=1")):
        protocol.parse(lines)  # the warm-up is for people; the model's number of layers is the bench's to check
        return
    with pytest.raises(DeviceError, match="garbled"):
        protocol.parse(lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("index=1", "index=2"),
        ("inferences=2", "inferences=3"),
        ("inferences=2", "inferences=0"),
        ("=50 inferences=2", "=50 inferences=1"),
        ("=102 ", "=103 "),
        ("7f00", "7f0"),
        ("ticks=", "tick"),
    ],
)
def test_garbled_lines(old: str, new: str) -> None:
    with pytest.raises(DeviceError, match="garbled"):
        protocol.parse([line.replace(old, new) for line in REPORT])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["FXP", "CLIP index=0 cla", "FAULT kind=BusFault pc=0x08000100", "END status=1"], "kind=BusFault pc=0x08000"),
        (["END status=2"], "status=2: no clips in the mailbox"),
        (["END status=3"], "status=3: the image of clips arrived damaged"),
        (["END status=4"], "status=4: the stack was used up"),
        (["END status=99"], "status=99: an unknown reason"),
        (["FXP"], "no END line"),
        ([], "no END line"),
    ],
)
def test_the_firmware_gave_up(lines: list[str], message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        protocol.parse(lines)
