"""The Q-format of a tensor by least squared error."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from quant.qformat import MAX_BITS, QFormat, activation_format

# How far around the format that just avoids saturation the search goes.
_FINER, _COARSER = 6, 2
_CHUNK = 2**17

Tensors = Mapping[str, np.ndarray]
"""Real-valued tensors by name."""


def squared_error(values: np.ndarray, q: QFormat) -> float:
    """Mean squared error of quantizing real `values` (any shape) to `q`."""
    # `qformat.quantize` in one array, whose floats are its integers.
    error = np.multiply(values, 2.0**q.fraction_bits, dtype=np.float64)
    error += 0.5
    np.floor(error, out=error)
    np.clip(error, q.min_code, q.max_code, out=error)
    error *= q.lsb
    error -= values
    return float(np.mean(np.square(error, out=error)))


def best_fraction_bits(values: np.ndarray, q: QFormat) -> int:
    """The fraction bits, with `q`'s other properties, of least mean squared error on `values`; of equals the fewest.

    The search starts at the finest format that does not saturate, which the least-error one rarely is at low widths.
    """
    return best_of_batches(lambda: [{"values": values}], {"values": q})["values"]


def best_of_batches(batches: Callable[[], Iterable[Tensors]], formats: Mapping[str, QFormat]) -> dict[str, int]:
    """`best_fraction_bits` of tensors that come in parts, which are gone through twice and never kept.

    Args:
      batches: gives the same parts in every call.
      formats: by tensor; their fraction bits don't matter.
    """
    peaks = dict.fromkeys(formats, 0.0)
    for batch in batches():
        for name in formats:
            peaks[name] = float(np.maximum(peaks[name], _peak(batch[name])))
    errors = {name: SquaredErrors(peak, formats[name]) for name, peak in peaks.items() if peak}
    for batch in batches():
        for name, found in errors.items():
            found.add(batch[name])
    return {name: errors[name].best() if name in errors else q.bits - 1 for name, q in formats.items()}


class SquaredErrors:
    """What the squared errors in all formats of a search need of the values, from one look at each.

    A bin is half a step of the finest format wide, so that in every format the values of a bin have one code (or two
    that are as far away, at a tie). With m the bin's edge nearest to 0, d = value - m and c the value of the code, the
    n values of a bin have the errors `sum (d + m - c)**2 = sum d**2 + 2 (m - c) sum d + n (m - c)**2`: a bin keeps n
    and both sums, in float64. Zeros have no error and are left out.
    """

    def __init__(self, peak: float, q: QFormat) -> None:
        """No values yet.

        Args:
          peak: the largest magnitude that values will have, above 0.
          q: the format; its fraction bits don't matter.
        """
        start = int(np.floor(np.log2(q.max_code / peak)))
        self._q, self._candidates = q, range(start - _COARSER, start + _FINER + 1)
        self._bins = 2.0 ** (start + _FINER + 1)
        self._last = int(peak * self._bins)
        self._count, self._sum, self._squares = np.zeros((3, 2 * self._last + 1))

    def add(self, values: np.ndarray) -> None:
        """Counts real values of any shape."""
        flat = values.reshape(-1)
        for start in range(0, flat.size, _CHUNK):
            chunk = flat[start : start + _CHUNK]
            distances = np.multiply(chunk[chunk != 0], self._bins, dtype=np.float64)
            edges = np.trunc(distances)
            distances -= edges
            bins = edges.astype(np.intp) + self._last
            self._count += np.bincount(bins, minlength=self._count.size)
            self._sum += np.bincount(bins, distances, self._count.size)
            self._squares += np.bincount(bins, distances * distances, self._count.size)

    def total(self, fraction_bits: int) -> float:
        """Sum of the squared errors in one of the search's formats, in units of a bin's width squared."""
        step = self._bins * 2.0**-fraction_bits
        edges = np.arange(-self._last, self._last + 1)
        codes = np.floor((edges + np.sign(edges) / 2) / step + 0.5)
        away = edges - np.clip(codes, self._q.min_code, self._q.max_code) * step
        return float((self._squares + 2 * away * self._sum + away * away * self._count).sum())

    def best(self) -> int:
        """The fraction bits of least error, of equals the fewest."""
        return min(self._candidates, key=self.total)


def _peak(values: np.ndarray) -> float:
    return float(max(values.max(), -values.min())) if values.size else 0.0


def input_format(features: np.ndarray) -> QFormat:
    """The 8-bit signed format of a network's input, with the fraction bits of least error on real inputs."""
    q = activation_format(MAX_BITS, 0, relu=False)
    return dataclasses.replace(q, fraction_bits=best_fraction_bits(features, q))
