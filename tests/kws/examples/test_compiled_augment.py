"""Augmentation by C gives the bits of NumPy's, and a C that doesn't is noticed."""

import dataclasses
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from export.host import stand_in
from kws.examples import augment, compiled_augment
from kws.examples.compiled_augment import CAugment
from microcontroller.c_sources import CSources

ROOT = pathlib.Path(__file__).resolve().parents[3]
C = pathlib.Path(compiled_augment.__file__).with_name("augment.c")


@pytest.fixture(scope="module")
def library() -> CAugment:
    return CAugment.build(C.parent)


@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 16000])
def test_warped_clips(length: int, library: CAugment) -> None:
    rng = np.random.default_rng(length)
    for case in range(100):
        clip = rng.integers(-32768, 32768, length).astype(np.int16)
        speed = rng.choice([1.0, 0.25, 4.0, rng.uniform(0.85, 1.18)])
        shift = rng.choice([0.0, 3.0, -0.5, rng.uniform(-1600, 1600), rng.uniform(-90000, 90000)])
        expected = augment.warp(clip, speed, shift)
        assert library.warp(clip, speed, shift).tobytes() == expected.tobytes(), (case, speed, shift)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 16000])
@pytest.mark.parametrize("noisy", [False, True])
def test_mixed_clips(length: int, noisy: bool, library: CAugment) -> None:
    rng = np.random.default_rng(length)
    for gain in (1e-4, 0.5, 1.0, rng.uniform(0.2, 2), 1e4):
        speech = rng.uniform(-40000, 40000, length).astype(np.float32)
        noise = rng.standard_normal(length, dtype=np.float32) if noisy else None
        level = rng.uniform(0, 3000)
        np.testing.assert_array_equal(
            library.mix(speech, noise, level, gain), augment.mix(speech, noise, level, gain), strict=True
        )


def test_halves_go_to_even(library: CAugment) -> None:
    halves = np.arange(-32800.5, 32800, dtype=np.float32)
    np.testing.assert_array_equal(library.mix(halves, None, 0.0, 1.0), augment.mix(halves, None, 0.0, 1.0))


def test_speech_and_noise_are_left_as_they_are(library: CAugment) -> None:
    for steps in (augment.NUMPY, augment.Steps(library.warp, library.mix)):
        speech, noise = np.full((2, 100), 3, np.float32)
        steps.mix(speech, noise, 2.0, 2.0)
        assert (speech == 3).all() and (noise == 3).all()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("5 * b", "5.000001f * b"),
        ("* 0.5f", "* 0.4999999f"),
        (
            "(cubic * fraction + (2 * a - 5 * b + 4 * c - d)) * fraction + (c - a)",
            "fmaf(cubic * fraction + (2 * a - 5 * b + 4 * c - d), fraction, c - a)",
        ),
        ("value += *(const floats *)noise * level", "value += *(const floats *)noise * (level * 1.0000001f)"),
        ("memcpy(rest[1], noise + first", "memcpy(rest[1], noise"),
        ("memcpy(rest[0], speech + first", "memcpy(rest[0], speech"),
        ("value = value + UNIT - UNIT", "value = value + UNIT - UNIT + 0.5f"),
        ("12582912.0f", "12582911.0f"),
        ("replace(&beyond, INT16_MAX, &value)", "replace(&beyond, 32766, &value)"),
        ("lowest = 1 - ZEROS", "lowest = 0"),
        ("(double)count + 1", "(double)count - 1"),
        ("at->below[lane] - 1,", "at->below[lane],"),
    ],
)
def test_other_bits_are_noticed(right: str, wrong: str, tmp_path: pathlib.Path, library: CAugment) -> None:
    source = C.read_text()
    assert right in source
    (tmp_path / C.name).write_text("#include <math.h>\n" + source.replace(right, wrong))

    class Wrong(CAugment):
        definition = dataclasses.replace(CAugment.definition, part=lambda: CSources((), (), (), tmp_path))

    assert compiled_augment._is_equal(library)
    assert not compiled_augment._is_equal(Wrong.build(tmp_path))


def test_without_a_compiler_numpy_serves(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compiled_augment.steps() != augment.NUMPY
    monkeypatch.setenv("PATH", str(tmp_path))
    stand_in._say.cache_clear()
    assert compiled_augment.steps.__wrapped__() == augment.NUMPY
    assert capsys.readouterr().err.startswith("no C compiler: install gcc; Python does")


EPOCH = """
import sys
import numpy as np
from kws.examples.epoch_producer import EpochProducer
from kws.examples.epochs import EpochConfig
from kws.frontend import FrontEndConfig
clips = np.random.default_rng(0).integers(-999, 999, (80, 16000)).astype(np.int16)
config = EpochConfig(FrontEndConfig(offsets=(0,) * 10, shifts=(20,) * 10))
words = np.zeros(80, int)
with EpochProducer(clips, words, [], None, config, seed=0, processes=2, scratch_dir=sys.argv[1]) as producer:
    print(hash(producer.epoch(0)[0].tobytes()))
"""


def test_without_a_compiler_one_process_of_all_says_so(tmp_path: pathlib.Path) -> None:
    said = []
    for path in (os.environ["PATH"], str(tmp_path)):
        command = [sys.executable, "-c", EPOCH, str(tmp_path)]
        environment = {**os.environ, "PATH": path, "PYTHONHASHSEED": "0"}
        said.append(subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True))
    assert said[0].stdout == said[1].stdout != ""
    assert [found.stderr.count("\n") for found in said] == [0, 1]
    assert said[1].stderr.startswith("no C compiler")
