"""Axes of error rates: on the scale of normal deviates a Gaussian detector's trade-off is a straight line.

Source: A. Martin et al., "The DET curve in assessment of detection task performance", Eurospeech 1997.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from kws.figures import style

TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5)
"""Percent; those between an axis' ends are shown."""
_EDGE = 1e-6
_LOWEST, _HIGHEST = 0.05, 60.0
"""Percent. An axis reaches beyond where nothing lies between."""
_MOST_TICKS = 11


def deviate(percent: np.ndarray) -> np.ndarray:
    """The normal deviate of a rate in percent."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(np.asarray(percent, np.float64) / 100, _EDGE, 1 - _EDGE)))


def rate(deviates: np.ndarray) -> np.ndarray:
    """Percent, the inverse of `deviate`."""
    from scipy.special import ndtr

    return np.asarray(100 * ndtr(deviates))


def shown(percent: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """The ends of an axis on which these rates are seen: ticks around them."""
    values = np.asarray(percent, np.float64)
    values = values[np.isfinite(values) & (values > 0) & (values < 100)]
    if not len(values):
        return _LOWEST, _HIGHEST
    least, most = float(np.min(values)), float(np.max(values))
    most = most if least > _HIGHEST else min(most, _HIGHEST)
    low = _LOWEST if least <= _LOWEST else max(tick for tick in TICKS if tick < least)
    return low, most if most == _HIGHEST else min((tick for tick in TICKS if tick > max(most, low)), default=TICKS[-1])


def normal_deviate(axes: Axes, which: str, percent: Sequence[float] | np.ndarray) -> None:
    """Makes the axis `which`, "x" or "y", one of normal deviates on which these rates, in percent, are seen."""
    low, high = shown(percent)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axis = axes.xaxis if which == "x" else axes.yaxis
    getattr(axes, f"set_{which}scale")("function", functions=(deviate, rate))
    axis.set_major_locator(FixedLocator(ticks[:: 1 + len(ticks) // (_MOST_TICKS + 1)]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(style.plain))
    getattr(axes, f"set_{which}lim")(low, high)
