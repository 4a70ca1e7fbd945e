"""Places of activations and scratch memory in the arena."""

import dataclasses
import itertools
from collections.abc import Sequence

ALIGNMENT = 16
"""Bytes; FXP_ALIGNMENT of fxp_engine.h, which the generated C asserts to be the same."""


@dataclasses.dataclass(frozen=True)
class Need:
    """What one call of the schedule needs.

    Attributes:
      output_bytes: of its output in the arena; None where it writes to the caller.
      scratch_bytes: used during the call only.
      in_place: the output begins where the input does.
    """

    output_bytes: int | None
    scratch_bytes: int = 0
    in_place: bool = False


@dataclasses.dataclass(frozen=True)
class Place:
    """Offsets in bytes from the arena's start; `output` is None where a call writes to the caller."""

    output: int | None
    scratch: int


def place(needs: Sequence[Need]) -> tuple[int, list[Place]]:
    """Places a chain of calls, each of which reads what the one before it wrote (the first one reads the caller's).

    Outputs of calls that work in place share one buffer, as large as the largest of them. Buffers lie at the two ends
    of the arena in turns, scratch memory between them; so the arena is as small as the call with the largest sum.

    Returns:
      The arena's bytes, at least `ALIGNMENT` so that it can be declared, and each call's place.
    """
    buffers: list[int] = []
    buffer_of: list[int | None] = []
    for need in needs:
        if need.output_bytes is None:
            buffer_of.append(None)
            continue
        if not (need.in_place and buffers):
            buffers.append(0)
        buffers[-1] = max(buffers[-1], _aligned(need.output_bytes))
        buffer_of.append(len(buffers) - 1)
    live = [
        {index for index in pair if index is not None} for pair in itertools.pairwise([None, *buffer_of])
    ]  # of each call: its input's and its output's buffer
    scratch = [_aligned(need.scratch_bytes) for need in needs]
    sums = [sum(buffers[index] for index in used) + size for used, size in zip(live, scratch, strict=True)]
    total = max([ALIGNMENT, *sums])
    offsets = [total - size if index % 2 else 0 for index, size in enumerate(buffers)]
    places = []
    for used, index in zip(live, buffer_of, strict=True):
        behind = max((buffers[i] for i in used if i % 2 == 0), default=0)
        places.append(Place(None if index is None else offsets[index], behind))
    return total, places


@dataclasses.dataclass(frozen=True)
class Window:
    """What one call of a schedule by rows needs.

    Attributes:
      before: bytes ahead of what the call before it writes: rows that are fetched just before this call.
      arriving: bytes that the call before it writes.
      scratch_bytes: used during the call only.
      in_place: the output may begin where the input does.
    """

    before: int
    arriving: int
    scratch_bytes: int = 0
    in_place: bool = False


@dataclasses.dataclass(frozen=True)
class WindowPlace:
    """Offsets in bytes: of the call's input, with what is fetched, and of its scratch memory."""

    input: int
    scratch: int


def place_windows(windows: Sequence[Window]) -> tuple[int, list[WindowPlace]]:
    """Places a chain of calls, each of which reads what the one before it wrote and some rows ahead of that.

    Each input lies as far ahead as it can; the last call writes to the caller.

    Returns:
      Bytes in all, and each call's place.
    """
    places: list[WindowPlace] = []
    at, total = 0, 0
    for window, following in itertools.zip_longest(windows, windows[1:]):
        used = [(at, at + window.before + window.arriving)]
        after = 0
        if following is not None:
            over = window.in_place and at >= following.before
            after = at - following.before if over else _first_gap(used, following.before, following.arriving)
            start = after + following.before
            used.append((start, start + following.arriving))
        scratch = _first_gap(used, 0, window.scratch_bytes)
        places.append(WindowPlace(at, scratch))
        total = max([total, scratch + window.scratch_bytes, *(end for _, end in used)])
        at = after
    return _aligned(total), places


def _first_gap(used: Sequence[tuple[int, int]], before: int, size: int) -> int:
    """The least aligned offset from which, behind `before` bytes, `size` bytes overlap nothing that is used."""
    at = 0
    while any(at + before < end and start < at + before + size for start, end in used):
        at += ALIGNMENT
    return at


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
