"""Every plot: plain ticks, axes that fit, and no legend for what is not drawn."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from kws.evaluation.streaming import plot
from kws.figures import error_axes, style


def tick_texts(figure: Figure, which: str) -> list[str]:
    """The numbers that stand at an axis of the only panel."""
    figure.canvas.draw()
    (axes,) = figure.axes
    labels = getattr(axes, f"get_{which}ticklabels")(which="both")
    return [text for label in labels if (text := label.get_text())]


def test_the_scale_of_normal_deviates_is_the_normal_distributions() -> None:
    assert error_axes.deviate(np.array([50.0, 2.275, 97.725])) == pytest.approx([0, -2, 2], abs=1e-3)
    percent = np.array([0.1, 5.0, 60.0])
    assert error_axes.rate(error_axes.deviate(percent)) == pytest.approx(percent)


@pytest.mark.parametrize(
    ("rates", "ends"),
    [
        ([0.0, 3.0, 17.0, 100.0], (2, 20)),
        ([0.001, 99.9], (0.05, 60)),
        ([70.0, 80.0], (60, 90)),
        ([5.0], (2, 10)),
        ([], (0.05, 60)),
        ([np.nan, 100.0], (0.05, 60)),
    ],
)
def test_an_axis_of_rates_fits_what_it_shows(rates: list[float], ends: tuple[float, float]) -> None:
    low, high = error_axes.shown(rates)
    assert low < high and (low, high) == ends


def composed(per_hour: float, missed: float) -> dict:
    curve = {"false_alarms_per_hour": [0.0, 0.3, 3.0, 90.0], "miss_rate": [0.9, 0.05, 0.02, 0.01]}
    own = {"false_alarms_per_hour": per_hour, "miss_rate": missed}
    return {"bundle": "b", "hours": 2.0, "recipe": {"split": "testing"}, "integer": {"detector": own, "det": curve}}


def test_a_curve_on_the_floor_is_seen_and_ticks_are_plain() -> None:
    figure = plot.figure(composed(1.0, 0.04))
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    assert 0 < low <= 1 and 5 < high <= 10
    for which in "xy":
        texts = tick_texts(figure, which)
        assert len(texts) >= 3
        assert all(text == style.plain(float(text.replace(",", ""))) for text in texts)
    assert axes.get_xlabel() == "false alarms per hour" and axes.get_ylabel() == "miss rate, %" and axes.get_title()


def test_a_detector_without_a_false_alarm_is_drawn_where_its_legend_says() -> None:
    (axes,) = plot.figure(composed(0.0, 0.04)).axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert drawn["the bundle's detector: no false alarm"] == [[0.5, 4.0]]
    silent = composed(0.0, 0.04)
    silent["integer"]["det"] = {"false_alarms_per_hour": [0.0], "miss_rate": [0.9]}
    (axes,) = plot.figure(silent).axes
    assert [line.get_label() for line in axes.lines] == ["the bundle's detector: no false alarm"]
    assert axes.get_legend() is None


def test_numbers_are_plain() -> None:
    assert [style.plain(value) for value in (90.0, 0.05, 3e0, 1e4, 1e6)] == ["90", "0.05", "3", "10,000", "1,000,000"]
    lines = [tuple(style.line(number).items()) for number in range(len(style.PALETTE))]
    assert len(set(lines)) == len(lines)


def luminance(colour: str) -> float:
    """Relative, of WCAG 2."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_colours_have_contrast() -> None:
    contrasts = [1.05 / (luminance(colour) + 0.05) for colour in style.PALETTE]
    assert min(contrasts) >= 3
    assert 1.05 / (luminance(style.INK) + 0.05) >= 7
