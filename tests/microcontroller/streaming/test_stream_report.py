"""Reading the streaming firmware's report."""

import pytest

from microcontroller.measurement.protocol import DeviceError
from microcontroller.streaming import protocol

REPORT = """FXP board=mps2_an386 counter=fpgaio engine=fxp model=abc frontend=def hops=5
CALIBRATION instructions=100000 ticks=640000 region=4 step_error=0
STEP index=0 class=-1 logits=80fd
STEP index=1 class=1 logits=7f00 label=two words
PART name=frontend calls=5 instructions=500 most=120
PART name=network calls=2 instructions=2000 most=1001
PART name=detector calls=2 instructions=30 most=20
MEMORY frontend=10 network=20 detector=30 scratch=40 frames=50 stack=60
END status=0""".splitlines()


def test_report() -> None:
    report = protocol.parse(REPORT)
    assert (report.model_sha256, report.frontend_sha256, report.hops) == ("abc", "def", 5)
    assert (report.calibration_instructions, report.calibration_ticks, report.step_error) == (100000, 640000, 0)
    assert report.logits.tolist() == [[-128, -3], [127, 0]]
    assert (report.classes.tolist(), report.labels) == ([-1, 1], ("two words",))
    network = report.parts["network"]
    assert (network.calls, network.instructions, network.most) == (2, 2000, 1001)
    assert sum(report.memory.values()) == 210


@pytest.mark.parametrize("missing", range(len(REPORT) - 1))
def test_every_line_is_needed(missing: int) -> None:
    with pytest.raises(DeviceError, match="garbled"):
        protocol.parse(REPORT[:missing] + REPORT[missing + 1 :])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hops=5", "hops=6"),
        ("index=1", "index=2"),
        ("7f00", "7f0"),
        ("7f00", "7f0000"),
        ("name=network", "name=frontend"),
        ("most=1001", "most="),
        (" stack=60", ""),
        (" label=two words", ""),
        ("ticks=", "tick"),
    ],
)
def test_garbled_lines(old: str, new: str) -> None:
    with pytest.raises(DeviceError, match="garbled"):
        protocol.parse([line.replace(old, new) for line in REPORT])


def test_the_firmware_gave_up() -> None:
    with pytest.raises(DeviceError, match="kind=BusFault"):
        protocol.parse([*REPORT[:3], "FAULT kind=BusFault pc=0x00000100", "END status=1"])
    with pytest.raises(DeviceError, match="status=3: the image of clips arrived damaged"):
        protocol.parse(["END status=3"])
