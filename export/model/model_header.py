"""The JSON header of an integer model's file: which types stand where. What they may be, `IntegerModel` checks."""

import msgspec

from kws_cli import json_file


class Format(msgspec.Struct, forbid_unknown_fields=True):
    bits: int
    fraction_bits: int
    signed: bool
    symmetric: bool


class LayerHeader(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    op: str
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    input_format: Format
    weight_format: Format
    output_format: Format
    accumulator_bits: int


class Header(msgspec.Struct, forbid_unknown_fields=True):
    format_version: int
    name: str
    labels: tuple[str, ...]
    layers: tuple[LayerHeader, ...]


def parse(content: bytes) -> Header:
    """Reads a header. Raises `ValueError`, which names the place that is of another type."""
    return json_file.parse(content, Header)
