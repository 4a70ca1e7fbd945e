"""A folder of somebody's own recordings."""

import pathlib

import pytest
from corpus import write_wav
from own_recordings import tone


@pytest.fixture
def recordings(tmp_path: pathlib.Path) -> pathlib.Path:
    for word in ("lamp", "door"):
        for number in range(10):
            write_wav(tmp_path / word / f"{number}.wav", tone(0.4 + number / 100))
    write_wav(tmp_path / "_background_noise_" / "room.wav", tone(5))
    return tmp_path
