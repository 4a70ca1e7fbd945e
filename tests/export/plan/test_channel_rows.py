"""Kernels on a stream's channel rows: each row equals the interpreter's, up to the last sums that lanes hold."""

import ctypes
import dataclasses
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest
from crafted import NO_PADDING, S8, U4, U7, crafted

from export.host import compiler
from export.model import interpreter
from export.model.integer_model import DEPTHWISE_CONV2D, Layer
from export.model.stream_interpreter import step_layer
from export.plan.kernel import Kernel
from export.plan.kernels.four_bit.row_lanes import Lanes
from export.plan.kernels.stream import conv2d_s8_to_channel_rows_dsp_lanes as convolution
from export.plan.kernels.stream import depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes as depthwise
from export.plan.kernels.stream import pointwise_conv2d_position_pairs_dsp_lanes as pointwise
from export.plan.kernels.stream import pointwise_conv2d_position_pairs_dsp_lanes_outer as outer
from export.plan.kernels.stream import pointwise_conv2d_s16_rows_dsp_lanes
from export.plan.kernels.stream.channel_rows import CHANNEL_ROWS
from export.plan.layout import S8 as BYTES
from export.plan.layout import S16, ActivationLayout, padded
from export.plan.steps import Step, Tensor
from export.source import c_text
from microcontroller import c_sources
from quant.qformat import QFormat

SIDES = ((0, 0), (1, 1))
CALLS = """
void begin_{name}(void *kept);
void call_{name}(const void *input, void *output, void *kept);
void begin_{name}(void *kept) {{
    (void)kept;
    {begin}
}}
void call_{name}(const void *input, void *output, void *kept) {{
    (void)kept;
    {function}(&{name}_args, input, output{kept});
}}
"""


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _depthwise(width: int, channels: int, x: QFormat = U4, peak: int = 7, seed: int = 0, **fields) -> Layer:
    kernel = _rng(seed).integers(-peak, peak + 1, (3, 3, channels))
    return crafted(kernel, (3, width), x, padding=SIDES, **({"shift": 5, "bits": 4, "weight_bits": 4} | fields))


def _alike(weight: int, bias: int) -> Layer:
    """Sums from -945 to 0, or from 0 to 945, and the bias."""
    return crafted(np.full((3, 3, 4), weight), (3, 5), U4, shift=4, bits=4, weight_bits=4, bias=bias - 8, padding=SIDES)


def _both_signs(shift: int, bits: int, seed: int) -> Layer:
    """Sums of both signs side by side, whose lanes borrow from each other in every way."""
    kernel = _rng(seed).choice([-7, -1, 0, 1, 7], (3, 3, 12))
    bias = _rng(seed).integers(-8, 8, 12) - ((1 << shift) >> 1)
    return crafted(kernel, (3, 5), U4, shift=shift, bits=bits, weight_bits=4, bias=bias, padding=SIDES)


def _pointwise(width: int, depth: int, channels: int) -> Layer:
    kernel = _rng(0).integers(-7, 8, (1, 1, depth, channels))
    return crafted(kernel, (1, width), U4, shift=4, bits=4, weight_bits=4)


def _seven_bits(width: int, depth: int, channels: int, weight: int | None = None) -> Layer:
    """Codes of seven bits; of one weight alone, or of noise."""
    kernel = _rng(0).integers(-7, 8, (1, 1, depth, channels))
    kernel = kernel if weight is None else np.full_like(kernel, weight)
    bias = _rng(1).integers(-900, 900, channels)
    return crafted(kernel, (1, width), U7, shift=6, bits=7, weight_bits=4, bias=bias)


def _taken_out() -> Layer:
    kernel = np.full((1, 1, 40, 4), 7)
    kernel[:, :, 20:] = -7
    return crafted(kernel, (1, 5), U4, shift=4, bits=4, weight_bits=4)


def _first(width: int, taps: tuple[int, int], channels: int, peak: int = 7, **fields) -> Layer:
    """A convolution over a window's rows, with a stride of 2 and padding on both sides."""
    kernel = _rng(width).integers(-peak, peak + 1, (*taps, 1, channels))
    sizes = dict(stride=(min(2, taps[0]), 2), padding=((0, 0), (1, taps[1] - 3 + width % 2)))
    given = dict(shift=6, bits=4, weight_bits=4, bias=np.arange(channels) * 40 - 90) | sizes | fields
    return crafted(kernel, (taps[0], width), S8, **given)


def _first_alike(weight: int, bias: int) -> Layer:
    """Eight weights: sums of 1016 and -1024 times the weight, and the bias."""
    fields = dict(shift=6, bits=7, weight_bits=4, stride=(1, 2), padding=((0, 0), (1, 1)))
    return crafted(np.full((2, 4, 1, 4), weight), (2, 10), S8, bias=bias - 32, **fields)


TO_ROWS, TO_S16 = (pointwise.kernel(layout) for layout in (CHANNEL_ROWS, S16))
OUTER_TO_ROWS, OUTER_TO_S16 = (outer.kernel(layout) for layout in (CHANNEL_ROWS, S16))
LAST = 2**15


def _depth_of_eight_bits() -> Layer:
    return crafted(np.full((1, 1, 4, 4), 100), (1, 5), U7, shift=6, bits=7)


DEPTHWISE = {
    **{f"width {w}, {x}": _depthwise(w, c, x, bias=_rng(1).integers(-900, 900, c))
       for w in (2, 3, 4, 5) for c, x in ((6, U4), (9, U7))},
    **{f"both signs, {shift}, {bits}, {seed}": _both_signs(shift, bits, seed)
       for shift, bits in ((0, 4), (1, 7), (8, 4), (8, 7), (11, 4)) for seed in range(3)},
    "most channels": _depthwise(5, 252),
    "greatest with a sign": _alike(7, 4095 - 945),
    "beyond it": _alike(7, 4096 - 945),
    "least with a sign": _alike(-7, 945 - 4095),
    "below it": _alike(-7, 945 - 4096),
    "greatest": _alike(7, LAST - 1 - 945),
    "least": _alike(-7, 945 - LAST),
}  # fmt: skip
POINTWISE = {
    "five columns": _pointwise(5, 12, 8),
    "two columns": _pointwise(2, 9, 5),
    "three columns": _pointwise(3, 64, 12),
    "thirty columns": _pointwise(30, 4, 4),
    "lanes taken out": _taken_out(),
}
SEVEN_BITS = {
    "five columns": _seven_bits(5, 12, 8),
    "two columns": _seven_bits(2, 9, 5),
    "three columns": _seven_bits(3, 64, 12),
    "thirty columns": _seven_bits(30, 4, 4),
    "lanes at their last sum": _seven_bits(5, 16, 4, 7),
    "lanes taken out": _seven_bits(5, 20, 4, -7),
}
FIRST = {
    **{f"{w} columns": _first(w, (10, 4), 8) for w in range(3, 11)},
    **{f"{w} columns, three taps": _first(w, (1, 3), 5) for w in range(3, 11)},
    "most rows": _first(10, (40, 4), 4, 1),
    "greatest": _first_alike(7, LAST - 1 - 8 * 7 * 127),
    "least": _first_alike(7, 8 * 7 * 128 - LAST),
}
CASES: dict[str, tuple[Layer, Kernel]] = {
    **{f"depthwise: {name}": (layer, depthwise.KERNEL) for name, layer in DEPTHWISE.items()},
    **{f"to channel rows: {name}": (layer, TO_ROWS) for name, layer in POINTWISE.items()},
    **{f"to int16: {name}": (layer, TO_S16) for name, layer in POINTWISE.items()},
    **{f"outer to channel rows: {name}": (layer, OUTER_TO_ROWS) for name, layer in SEVEN_BITS.items()},
    **{f"outer to int16: {name}": (layer, OUTER_TO_S16) for name, layer in SEVEN_BITS.items()},
    **{f"first: {name}": (layer, convolution.KERNEL) for name, layer in FIRST.items()},
}


def _named(index: int, layer: Layer) -> Layer:
    return dataclasses.replace(step_layer(layer), name=f"layer{index}")


def _step(layer: Layer, kernel: Kernel) -> Step:
    source, target = (Tensor(shape, kernel.input_layout, "") for shape in (layer.input_shape, layer.output_shape))
    return Step(layer, kernel, (), source, target, None, kernel.constants(layer), kernel.instances(layer))


def _text(steps: list[Step]) -> str:
    headers = {instance.header for step in steps for instance in step.instances.values()}
    parts = [f'#include "{header}"\n' for header in ("fxp_engine.h", "stdalign.h", *sorted(headers))]
    parts += [*c_text.instances(steps), *map(c_text.constants, steps)]
    for step in steps:
        name, kernel = step.layer.name, step.kernel
        begin = f"{kernel.begin}(kept, &{name}_args);" if kernel.begin else ""
        kept = ", kept" if kernel.kept_bytes or kernel.scratch_bytes else ""
        parts.append(CALLS.format(name=name, function=kernel.function, begin=begin, kept=kept))
    return "\n".join(parts)


@pytest.fixture(scope="module", name="library")
def _library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """All cases, compiled once."""
    folder = tmp_path_factory.mktemp("rows")
    steps = [_step(_named(i, layer), kernel) for i, (layer, kernel) in enumerate(CASES.values())]
    (folder / "layers.c").write_text(_text(steps))
    names = {f"{kernel.function}.c" for _, kernel in CASES.values()} | {"fxp_keep_rows.c"}
    engine = c_sources.engine()
    files = [folder / "layers.c", *(path for path in engine.files if path.name in names)]
    flags = [
        *compiler.C_FLAGS,
        "-fsanitize=undefined",
        "-fno-sanitize-recover=all",
        "-fPIC",
        "-shared",
    ]
    command = [compiler.path(), *flags, *c_sources.include_flags(engine), *files, "-o", folder / "layers.so"]
    subprocess.run([str(part) for part in command], check=True)
    return ctypes.CDLL(str(folder / "layers.so"))


def _packed(rows: np.ndarray, layout: ActivationLayout) -> np.ndarray:
    """Codes int8 [rows, width, channels] in a layout, a row of bytes for each."""
    count, width, channels = rows.shape
    if layout == BYTES:
        return rows.reshape(count, -1).copy()
    wide = np.zeros((count, width, padded(channels)), np.int16)
    wide[:, :, :channels] = rows
    if layout == CHANNEL_ROWS:
        wide = np.pad(wide, ((0, 0), (0, width % 2), (0, 0))).transpose(0, 2, 1)
    elif layout != S16:
        even = wide[:, : width // 2 * 2].reshape(count, width // 2, 2, -1, 2).transpose(0, 1, 3, 2, 4)
        wide = np.concatenate([even.reshape(count, -1), wide[:, width // 2 * 2 :].reshape(count, -1)], axis=1)
    return wide.reshape(count, -1).copy().view(np.int8)


def _run(library: ctypes.CDLL, layer: Layer, kernel: Kernel, rows: np.ndarray) -> np.ndarray:
    """What the C writes for each row of a stream, and what lies behind it."""
    new, size = layer.stride[0], kernel.output_layout.size((1, *layer.output_shape[1:]))
    own_bytes = kernel.kept_bytes or kernel.scratch_of
    kept = np.zeros(own_bytes(layer) + 4, np.int8)
    pointer = ctypes.c_void_p
    library[f"begin_{layer.name}"](kept.ctypes.data_as(pointer))
    outputs = np.full((len(rows) // new, size + 8), 0x5A, np.int8)
    for i, output in enumerate(outputs):
        codes = _packed(rows[i * new : (i + 1) * new], kernel.input_layout)
        library[f"call_{layer.name}"](*(array.ctypes.data_as(pointer) for array in (codes, output, kept)))
    assert (outputs[:, size:] == 0x5A).all() and (kept[-4:] == 0).all()
    return outputs[:, :size]


def _expected(layer: Layer, rows: np.ndarray) -> np.ndarray:
    """The layer's rows, int8, of a stream that begins behind rows of zeros."""
    before = np.zeros((layer.kernel_size[0] - layer.stride[0], *rows.shape[1:]), np.int8)
    whole = step_layer(layer, len(rows) // layer.stride[0])
    return interpreter.run_layer(whole, np.concatenate([before, rows])[None])[0]


def _streams(layer: Layer, count: int) -> Iterator[np.ndarray]:
    """Noise; extremes alone, mixed, and such that a depthwise layer's sums are the greatest and the least ones."""
    rng, q = _rng(0), layer.input_format
    shape = (count * layer.stride[0], *layer.input_shape[1:])
    yield rng.integers(q.min_code, q.max_code + 1, shape, dtype=np.int8)
    yield rng.choice([q.min_code, q.max_code], shape).astype(np.int8)
    for one, other in ((q.min_code, q.max_code), (q.max_code, q.min_code)):
        yield np.full(shape, one, np.int8)
        if layer.op == DEPTHWISE_CONV2D:
            wanted = np.where(layer.kernel > 0, one, other)
            yield wanted[np.arange(shape[0]) % 3][:, np.arange(shape[1]) % 3].astype(np.int8)


@pytest.mark.parametrize("name", CASES)
def test_every_row_equals_the_interpreter_s(library: ctypes.CDLL, name: str) -> None:
    layer, kernel = CASES[name]
    layer = _named(list(CASES).index(name), layer)
    assert not kernel.refusal(layer)
    assert kernel.instructions(layer) > 0
    for rows in _streams(layer, 9):
        written = _run(library, layer, kernel, rows)
        np.testing.assert_array_equal(written, _packed(_expected(layer, rows), kernel.output_layout))


def test_depthwise_lanes_have_a_sign_as_long_as_their_sums_are_small() -> None:
    for name, flip in {"greatest with a sign": 0, "beyond it": 1, "least with a sign": 0, "below it": 1}.items():
        assert depthwise.lanes(step_layer(DEPTHWISE[name])) == (Lanes(0, 1, 4) if flip else Lanes(3, 0, 7))


def test_lanes_that_are_taken_out_cost() -> None:
    for kernel in (TO_ROWS, TO_S16, pointwise_conv2d_s16_rows_dsp_lanes.KERNEL):
        often, never = _taken_out(), _pointwise(5, 40, 4)
        assert kernel.instances(often)["loop"].arguments[:2] == (10, 4) and not kernel.refusal(never)
        assert kernel.instances(never)["loop"].arguments[:2] == (10, 10)
        assert kernel.instructions(often) == kernel.instructions(never) + 2 * 32 + 13


def test_sums_one_beyond_the_lanes_are_refused() -> None:
    for layer in (_alike(7, LAST - 945), _alike(-7, 944 - LAST)):
        assert depthwise.KERNEL.refusal(step_layer(layer)).endswith("don't fit 16-bit lanes")
    for layer in (_first_alike(7, LAST - 8 * 7 * 127), _first_alike(7, 8 * 7 * 128 - LAST - 1)):
        assert convolution.KERNEL.refusal(step_layer(layer)).endswith("don't fit 16 bits")


def test_a_layer_that_a_kernel_can_t_run_says_why() -> None:
    reasons = {
        "6 columns": (depthwise, _depthwise(6, 4)),
        "stride (1, 1), padding": (depthwise, crafted(np.ones((3, 3, 4)), (3, 5), U4, shift=5, bits=4)),
        "256 channels are more": (depthwise, _depthwise(5, 256)),
        "input": (depthwise, _depthwise(5, 4, S8)),
        "output": (depthwise, _depthwise(5, 4, relu=False)),
        "shift of 9": (depthwise, _depthwise(5, 4, shift=9, bits=7)),
        "7 columns": (convolution, _first(14, (3, 4), 4)),
        "don't fit 16 bits": (convolution, _first(10, (10, 4), 4, 127, weight_bits=8, weight_fraction_bits=7)),
        "a window of 41 rows": (convolution, _first(10, (41, 4), 4, 1)),
        "output ": (convolution, _first(10, (3, 4), 4, relu=False)),
        "more than 15 bits": (convolution, _first(10, (3, 4), 4, shift=9, bits=7)),
        "to the left": (convolution, _first(10, (3, 4), 4, padding=NO_PADDING)),
        "11 columns, it reads 10": (convolution, _first(11, (3, 4), 4, padding=((0, 0), (1, 0)))),
    }
    for reason, (module, layer) in reasons.items():
        assert reason in module.KERNEL.refusal(step_layer(layer)), module.KERNEL.refusal(step_layer(layer))
    for to_rows, to_s16 in ((TO_ROWS, TO_S16), (OUTER_TO_ROWS, OUTER_TO_S16)):
        assert "31 columns are more" in to_rows.refusal(_pointwise(31, 4, 4))
        assert not to_s16.refusal(_pointwise(31, 4, 4))
    assert "fit a word" in OUTER_TO_ROWS.refusal(_depth_of_eight_bits())
