"""A C that gives other codes than NumPy's steps is noticed; test_float_interpreter.py compares all that it computes."""

import dataclasses
import pathlib

import pytest

from export.host import float_steps, stand_in
from export.host.float_steps import CFloatSteps
from export.model.float_interpreter import NUMPY
from microcontroller.c_sources import CSources

C = pathlib.Path(float_steps.__file__).with_name("float_steps.c")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("larger(-first, 0)", "larger(-first, 1)"),
        ("larger(-left, 0)", "larger(-left, 1)"),
        ("layer->height - first", "layer->height - 1 - first"),
        ("layer->width - left", "layer->width - 1 - left"),
        ("i * layer->kernel_width + j", "j * layer->kernel_height + i"),
        ("row * layer->vertical_stride", "row * layer->horizontal_stride"),
        ("column * layer->horizontal_stride", "column * layer->vertical_stride % 7"),
        ("- layer->top", "- layer->left"),
        ("- layer->left", "- layer->top"),
        ("sum3 += tap * seen[3]", "sum3 += tap * seen[2]"),
        ("sums[2] = sum2", "sums[2] = sum1"),
        ("(whole) += (value) <", "(whole) += (value) <="),
        ("* halves + 0.5F", "* halves + 0.4F"),
        ("code = value < 0", "code = value < 1"),
        ("1 << (of->shift - 1)", "1 << of->shift"),
        ("code < of->lowest", "code < of->lowest - 1"),
        ("code > of->highest", "code > of->highest + 1"),
        ("bias[channel], values, y)", "bias[0], values, y)"),
    ],
)
def test_other_codes_are_noticed(right: str, wrong: str, tmp_path: pathlib.Path) -> None:
    source = C.read_text()
    assert right in source
    (tmp_path / C.name).write_text(source.replace(right, wrong))

    class Wrong(CFloatSteps):
        definition = dataclasses.replace(CFloatSteps.definition, part=lambda: CSources((), (), (), tmp_path))

    with Wrong.build(tmp_path) as library:
        assert not float_steps._is_equal(library)


def test_c_serves_and_numpy_without_a_compiler(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert float_steps.steps() != NUMPY
    monkeypatch.setenv("PATH", str(tmp_path))
    stand_in._say.cache_clear()
    assert float_steps.steps.__wrapped__() == NUMPY
    assert capsys.readouterr().err.startswith("no C compiler: install gcc; Python does")
