"""Reports as a garbled line, a dying device or a hostile one sends them: read, or refused by the parser's own error.

FUZZED_REPORTS=1000000 python -m pytest tests/microcontroller/measurement/test_report_fuzz.py is the long run.
"""

import os
import random
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from microcontroller.measurement import protocol
from microcontroller.measurement.protocol import DeviceError
from microcontroller.streaming import protocol as stream_protocol

COUNT = int(os.environ.get("FUZZED_REPORTS", "6000"))
REPORT = """FXP board=mps2_an386 counter=x engine=fxp model=abc clips=2
CALIBRATION instructions=1000 ticks=2000 region=3 step_error=0 layer=5
WARMUP instructions=5
CLIP index=0 class=1 score=5 instructions=10 logits=00ff7f label=yes
CLIP index=1 class=2 score=-5 instructions=12 logits=00ff7f label=no way
LAYER index=0 instructions=5 inferences=2
LAYER index=1 instructions=5 inferences=2
SUMMARY clips=2 min=10 max=12 mean=11 total=22 arena=100 stack=20
END status=0""".splitlines()
STREAM_REPORT = """FXP board=b counter=x engine=fxp model=abc frontend=def hops=4
CALIBRATION instructions=1000 ticks=2000 region=3 step_error=0
STEP index=0 class=-1 logits=00ff7f
STEP index=1 class=2 logits=00ff7f label=no
PART name=frontend calls=4 instructions=10 most=3
PART name=network calls=2 instructions=10 most=3
PART name=detector calls=2 instructions=10 most=3
MEMORY frontend=1 network=2 detector=3 scratch=4 frames=5 stack=6
END status=0""".splitlines()
PARSERS: dict[str, tuple[Callable, list[str]]] = {
    "inference": (protocol.parse, REPORT),
    "stream": (stream_protocol.parse, STREAM_REPORT),
}
ODD = ["", "=", " ", "-", "-1", "0", "1" * 20, "9" * 20, "9" * 5000, "99999999999", "1e9", "0x10", "\u0663", "\u00b2"]
ODD += ["ff", "zz", "\x00", "\ufffd", "NaN", "label=", "END status=", "_1_0", "1_0", " index=", "+5", "2147483648"]
ODD += ["-9223372036854775809", "9223372036854775808", "4294967296", "-0"]


def garbled(lines: list[str], rng: random.Random) -> Iterator[str]:
    """One line: a field's value, some bytes, its end, or something else altogether."""
    line = rng.choice(lines) if lines else ""
    kind = rng.random()
    if kind < 0.5:
        fields = line.split(" ")
        place = rng.randrange(len(fields))
        name, _, value = fields[place].partition("=")
        odd = rng.choice(ODD)
        fields[place] = rng.choice([f"{name}={odd}", f"{odd}={value}", name, odd, f"{name}={value}{odd}"])
        yield " ".join(fields)
    elif kind < 0.8 and line:
        content = bytearray(line.encode())
        for _ in range(rng.choice([1, 1, 3])):
            content[rng.randrange(len(content))] = rng.randrange(256)
        yield content.decode(errors="replace")
    elif kind < 0.9:
        yield line[: rng.randrange(len(line) + 1)]
    else:
        yield bytes(rng.randrange(256) for _ in range(rng.randrange(60))).decode(errors="replace")


def mutated(lines: list[str], rng: random.Random) -> list[str]:
    """A report with one to ten changes: lines lost, doubled, shuffled or garbled."""
    lines = list(lines)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 10])):
        place, kind = rng.randrange(len(lines) + 1), rng.random()
        if kind < 0.1:
            del lines[place : place + 1]
        elif kind < 0.2:
            lines[place:place] = lines[place - 1 : place]
        elif kind < 0.25:
            rng.shuffle(lines)
        else:
            lines[place : place + 1] = garbled(lines[place : place + 1], rng)
    return lines if rng.random() < 0.5 else [*lines, "END status=0"]


@pytest.mark.parametrize("name", PARSERS)
def test_any_report_is_read_or_refused(name: str) -> None:
    parse, lines = PARSERS[name]
    parse(lines)
    rng = random.Random(0)
    refused = 0
    tracemalloc.start()
    for _ in range(COUNT // 2):
        report = mutated(lines, rng)
        try:
            parse(report)
        except DeviceError as error:
            refused += 1
            assert "\n" not in str(error) and len(str(error)) < 500, report
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()
    assert COUNT / 4 < refused < COUNT / 2


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("inference", "SUMMARY clips=2", "SUMMARY clips=99999999999"),
        ("inference", "SUMMARY clips=2", "SUMMARY clips=" + "9" * 5000),
        ("inference", "total=22", "total=\u0662\u0662"),
        ("inference", "END status=0", "END status=" + "9" * 5000),
        ("inference", "score=5", "score=129"),
        ("stream", "class=2", "class=2147483648"),
        ("stream", "detector calls=2", "detector calls=99999999999"),
    ],
)
def test_a_number_that_no_device_means_takes_no_memory(name: str, old: str, new: str) -> None:
    parse, lines = PARSERS[name]
    assert any(old in line for line in lines)
    tracemalloc.start()
    with pytest.raises(DeviceError):
        parse([line.replace(old, new) for line in lines])
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
