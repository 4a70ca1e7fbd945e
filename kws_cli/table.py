"""Text in columns, for a person."""

from collections.abc import Sequence

Row = Sequence[str]


def padded(rows: Sequence[Row], left: int | None = None) -> list[list[str]]:
    """The cells of a table, each as wide as its column: the first `left` columns flush left, all where it is None."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = len(widths) if left is None else left
    return [
        [
            cell.ljust(width) if i < texts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]


def aligned(rows: Sequence[Row], left: int | None = None) -> list[str]:
    """A line per row of `padded`, two spaces between columns."""
    return ["  ".join(row).rstrip() for row in padded(rows, left)]
