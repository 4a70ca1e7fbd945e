"""The figures of a report; each is as wide as a narrow screen."""

import re
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from export.model.integer_model import IntegerModel
from kws.figures import error_axes, style
from kws.reports.measured import AlwaysOn, Conditions, Det, Epoch

WIDTH = 4.6
"""Inches."""
_IN_A_ROW = 2
_FLOAT_STAGE = "float"
_NUMBER = r"(\d+(?:\.\d+)?)\b"


def det(curves: Sequence[tuple[str, Det]]) -> Figure:
    """Misses over false alarms of all keywords' trials, both on the scale of normal deviates."""
    figure = style.figure(WIDTH, 4.2)
    axes = figure.subplots()
    for number, (title, curve) in enumerate(curves):
        alarms, rejected = 100 * np.array(curve.false_alarm_rate), 100 * np.array(curve.false_reject_rate)
        axes.plot(alarms, rejected, label=title, **style.line(number))
    for which, name in (("x", "false_alarm_rate"), ("y", "false_reject_rate")):
        rates = np.concatenate([getattr(curve, name) for _, curve in curves])
        error_axes.normal_deviate(axes, which, 100 * rates)
    axes.set(xlabel="false alarm rate, %", ylabel="false reject rate, %", title="Detection error trade-off")
    style.grid(axes)
    style.legend(axes)
    return figure


def always_on(results: Sequence[tuple[str, AlwaysOn]]) -> Figure:
    """Misses in quiet over false alarms per hour on all negatives, with each bundle's own detector."""
    figure = style.figure(WIDTH, 4.2)
    axes = figure.subplots()
    missed, rates = [], []
    for number, (title, result) in enumerate(results):
        condition, misses = next(iter(result.curve.miss_rate.items()))
        points = [
            (rate, 100 * miss)
            for rate, miss in zip(result.curve.false_alarms_per_hour["all"], misses, strict=True)
            if rate > 0
        ]
        everywhere = result.negatives["all"]
        least = 1 / everywhere.hours
        own = max(everywhere.per_hour, least), 100 * result.words[condition].miss_rate
        look = style.line(number)
        axes.plot([x for x, _ in points], [y for _, y in points], label=f"{title}, {condition}", **look)
        axes.plot(*own, "o" if everywhere.per_hour else "<", color=look["color"], label=f"{title}, its detector")
        missed += [own[1], *[y for _, y in points]]
        rates += [own[0], *[x for x, _ in points]]
    axes.set(xscale="log", xlabel="false alarms per hour", ylabel="miss rate, %", title="Kept switched on")
    style.plain_logarithmic(axes.xaxis, min(rates), max(rates))
    error_axes.normal_deviate(axes, "y", missed)
    style.grid(axes)
    style.legend(axes)
    return figure


def conditions(result: Conditions) -> Figure:
    """Accuracy by gain and by signal-to-noise ratio, a line for each model."""
    figure = style.figure(WIDTH, 5.2)
    panels = figure.subplots(2, 1)
    for axes, prefix, label in zip(
        panels, ("gain ", "SNR "), ("gain of the clips", "signal-to-noise ratio, dB"), strict=True
    ):
        found = [(re.match(prefix + _NUMBER, row.condition), row.correct) for row in result.rows]
        rows = [(float(at[1]), correct) for at, correct in found if at]
        for number, title in enumerate(result.models):
            values = [100 * correct[number] for _, correct in rows]
            axes.plot([at for at, _ in rows], values, label=title, **style.line(number, marked=True))
        axes.set(xlabel=label, ylabel="right, %")
        if prefix == "gain " and rows:
            axes.set_xscale("log")
            style.plain_logarithmic(axes.xaxis, min(at for at, _ in rows), max(at for at, _ in rows))
        style.plain_linear(axes.yaxis)
        style.grid(axes)
    panels[0].set_title("Accuracy by gain and noise")
    style.legend(panels[0])
    return figure


def weight_codes(model: IntegerModel) -> Figure:
    """How often each layer with weights has each code."""
    layers = [layer for layer in model.layers if layer.weight_bytes]
    rows = -(-len(layers) // _IN_A_ROW)
    figure = style.figure(WIDTH, 0.5 + 1.15 * rows)
    panels = figure.subplots(rows, _IN_A_ROW, squeeze=False).ravel()
    for axes, layer in zip(panels, layers, strict=False):
        codes, counts = np.unique(layer.kernel, return_counts=True)
        axes.bar(codes, 100 * counts / counts.sum(), width=1.0, color=style.PALETTE[0])
        half = 1 << (layer.weight_format.bits - 1)
        axes.set_xlim(-half - 0.5, half - 0.5)
        axes.set_xticks([-half, 0, half - 1])
        axes.set_title(f"{layer.name}, {layer.weight_format}", fontsize="small")
        style.plain_linear(axes.yaxis)
        axes.tick_params(labelsize="small")
    for axes in panels[len(layers) :]:
        axes.remove()
    figure.suptitle("Weight codes", fontsize="medium")
    figure.supxlabel("code", fontsize="small")
    figure.supylabel("share of the layer's weights, %", fontsize="small")
    return figure


def training(histories: Sequence[tuple[str, Sequence[Epoch]]]) -> Figure:
    """Loss and validation accuracy by epoch; stage 2 follows stage 1, its first epoch at a mark."""
    figure = style.figure(WIDTH, 5.2)
    losses, accuracies = figure.subplots(2, 1, sharex=True)
    for number, (title, history) in enumerate(histories):
        look = style.line(number)
        epochs = range(1, len(history) + 1)
        start = next((i for i, epoch in enumerate(history) if epoch.stage != _FLOAT_STAGE), None)
        for axes, values in (
            (losses, [epoch.loss for epoch in history]),
            (accuracies, [_percent(epoch.validation_accuracy) for epoch in history]),
        ):
            axes.plot(epochs, np.array(values, np.float64), label=title, **look)
            if start:
                axes.axvline(start + 0.5, color=look["color"], linestyle=":", linewidth=1)
    losses.set(ylabel="training loss", title="Training; dotted: fixed point begins")
    accuracies.set(xlabel="epoch", ylabel="validation accuracy, %")
    for axes in (losses, accuracies):
        style.plain_linear(axes.yaxis)
        style.grid(axes)
    style.legend(losses)
    return figure


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def layer_costs(title: str, names: Sequence[str], thousands: Sequence[float]) -> Figure:
    """Bars of each layer's share of an inference."""
    figure = style.figure(WIDTH, 0.9 + 0.24 * len(names))
    axes = figure.subplots()
    axes.barh(range(len(names)), thousands, color=style.PALETTE[0])
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="thousands per inference", title=title)
    style.plain_linear(axes.xaxis)
    axes.grid(axis="x", color=style.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure
