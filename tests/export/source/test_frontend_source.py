"""The front end's tables as C: they say what Python's say, and shapes without C are refused."""

import dataclasses
import re

import numpy as np
import pytest

from export.bundle import folder, random_bundle
from export.model.frontend_config import FrontEndConfig
from export.model.frontend_tables import Tables, make_tables, split_factors, twiddles
from export.source import frontend_source
from export.source.source_error import SourceError

CONFIG = FrontEndConfig(offsets=tuple(range(-5, 5)), shifts=(18,) * 10)


def _numbers(text: str, name: str) -> list[int]:
    body = re.search(rf"fxp_frontend_{name}(?:\[\d+\])+ = \{{(.*?)\}};", text, re.S)[1]
    return [int(number) for number in re.findall(r"-?\d+", body)]


@pytest.fixture(scope="module")
def source() -> str:
    return frontend_source.generate(CONFIG)[frontend_source.SOURCE]


def test_the_same_parameters_give_the_same_c() -> None:
    files = frontend_source.generate(CONFIG)
    assert files == frontend_source.of_bundle(CONFIG.to_json())
    header = files[frontend_source.HEADER]
    assert f'#define FXP_FRONTEND_CONFIG_SHA256 "{CONFIG.sha256}"' in header
    macros = dict(re.findall(r"#define FXP_FRONTEND_(\w+) (\d+)", header))
    expected = {"FRAMES": "49", "COEFFICIENTS": "10", "HOP_SAMPLES": "320", "WINDOW_SAMPLES": "640", "MEL_BANDS": "40"}
    assert expected.items() <= macros.items()
    assert all(text.isascii() and max(map(len, text.splitlines())) <= 120 for text in files.values())


def test_slopes_are_the_mel_filters() -> None:
    tables = make_tables(CONFIG)
    bands = [np.zeros(257, np.int64) for _ in range(42)]
    first = int(tables.mel_start[0])
    for number, slope in enumerate(frontend_source.slopes(tables)):
        bands[number][first : first + len(slope)] = slope[:, 0]
        bands[number + 1][first : first + len(slope)] = slope[:, 1]
        first += len(slope)
    assert not bands[0].any() and not bands[41].any()
    ends = np.cumsum(tables.mel_length)
    for band, start, length, end in zip(bands[1:41], tables.mel_start, tables.mel_length, ends, strict=True):
        np.testing.assert_array_equal(band[start : start + length], tables.mel_weights[end - length : end])
        assert np.count_nonzero(band) == np.count_nonzero(tables.mel_weights[end - length : end])


def test_bands_that_overlap_more_are_refused() -> None:
    tables = make_tables(CONFIG)
    wide = dataclasses.replace(
        tables,
        mel_start=np.array([1, 2, 3]),
        mel_length=np.array([4, 4, 4]),
        mel_weights=np.full(12, 10000),
    )
    assert isinstance(wide, Tables)
    with pytest.raises(ValueError, match="bin 3 is heard by bands that don't follow each other"):
        frontend_source.slopes(wide)


def test_offsets_hold_the_rounding_half(source: str) -> None:
    assert _numbers(source, "offsets") == [offset - 2**17 for offset in CONFIG.offsets]
    assert _numbers(source, "shifts") == [18] * 10


def test_steps_have_the_window_and_the_twiddles(source: str) -> None:
    table = np.array(_numbers(source, "steps")).reshape(64, 16)
    steps = table[[16 * (i % 4) + i // 4 % 4 * 4 + i // 16 for i in range(64)]]
    steps[:, 2:8] >>= 12
    window = steps[:, :10].reshape(64, 5, 2).transpose(1, 0, 2).reshape(640)
    np.testing.assert_array_equal(window, make_tables(CONFIG).window)
    # Those at the front serve the third stage, whose assembly knows them.
    turns = table[:4, 10:].reshape(4, 3, 2)
    assert turns[0].tolist() == [[2**31 - 1, 0]] * 3 and turns[2, 0].tolist() == [0, 2**31 - 1]
    q = turns[1, 0, 0]
    assert turns[1, 0].tolist() == turns[2, 1].tolist() == [q, q]
    assert turns[2, 2].tolist() == turns[3, 0].tolist() == [-q, q]
    assert turns[1, 2].tolist() == turns[3, 1].tolist()
    angles = np.outer(np.arange(64), [2, 1, 3]) * (2 * np.pi / 256)
    exact = np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(64, 6) * 2.0**31
    assert np.abs(steps[:, 10:] - exact).max() <= 1


def test_factors_are_within_a_step_of_exact_ones() -> None:
    angles = np.arange(256) * (np.pi / 256)
    exact = np.stack([(1 - np.sin(angles)) / 2, -np.cos(angles) / 2, (1 + np.sin(angles)) / 2], axis=-1) * 2.0**31
    assert np.abs(split_factors(256) - exact).max() <= 1
    turns = np.arange(192) * (2 * np.pi / 256)
    assert np.abs(twiddles(256) - np.stack([np.cos(turns), np.sin(turns)], axis=-1) * 2.0**31).max() <= 1
    # The C shares products between bins i and 256 - i.
    np.testing.assert_array_equal(split_factors(256)[1:] * [1, -1, 1], split_factors(256)[:0:-1])


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"offsets": (), "shifts": ()}, "isn't calibrated"),
        (
            {"fft_length": 1024},
            "fft_length=1024, window_samples=640, hop_samples=320: the C front end has fft_length=512, ",
        ),
        ({"hop_samples": 160}, "hop_samples=160: the C front end has fft_length=512, "),
        ({"window_samples": 512}, "window_samples=512"),
        ({"offsets": (2**30 - 1,) * 10, "shifts": (30,) * 10}, "coefficient 0 can leave 32 bits"),
    ],
)
def test_what_has_no_c_is_one_line(changed: dict, told: str) -> None:
    config = dataclasses.replace(CONFIG, **changed)
    with pytest.raises(ValueError, match=told):
        frontend_source.generate(config)
    with pytest.raises(SourceError, match=rf"{told}.*; train again with the default front end"):
        frontend_source.of_bundle(config.to_json())


def test_a_bundle_has_its_front_end_in_c(tmp_path) -> None:
    written = random_bundle.write(random_bundle.RandomBundleConfig(tmp_path / "bundle", channels=4, blocks=1, clips=2))
    for name, text in frontend_source.of_bundle(written.frontend).items():
        assert (written.path / folder.C_FOLDER / name).read_text() == text
