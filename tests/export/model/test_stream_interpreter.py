"""The streaming network: the same for any division into steps, and the one-shot network's layers inside a recording."""

import dataclasses
import itertools

import numpy as np
import pytest

from export.model import interpreter, random_model
from export.model.integer_model import AVERAGE_POOL, DENSE, IntegerModel
from export.model.stream_interpreter import StreamInterpreter, rows_per_step, window_rows

SHAPE = dict(channels=8, blocks=2, classes=5)


def _frames(seed: int, count: int, width: int = 10) -> np.ndarray:
    return np.random.default_rng(seed).integers(-128, 128, (count, width), dtype=np.int8)


def _by_hand(model: IntegerModel, frames: np.ndarray) -> np.ndarray:
    """Every layer's rows on the whole recording behind zero rows, sum by sum, in Python integers."""
    rows = frames.reshape(-1, *model.input_shape[1:]).astype(object)
    for layer in model.layers:
        height, width = layer.kernel_size
        vertical, horizontal = layer.stride
        vertical = vertical if layer.output_shape[0] > 1 else 1
        left, right = layer.padding[1]
        seen = np.pad(rows, ((height - vertical, 0), (left, right), (0, 0)))
        kernel, out = layer.kernel.astype(object), []
        for r in range(len(rows) // vertical):
            columns = []
            for x in range(layer.output_shape[1]):
                window = seen[r * vertical : r * vertical + height, x * horizontal : x * horizontal + width]
                if layer.op == DENSE:
                    sums = window[0, 0] @ kernel
                elif kernel.ndim == 4:
                    sums = np.tensordot(window, kernel, 3)
                else:
                    sums = (window * kernel).sum((0, 1))
                codes = (sums + layer.bias + ((1 << layer.shift) >> 1)) >> layer.shift
                columns.append(np.clip(codes, layer.output_format.min_code, layer.output_format.max_code))
            out.append(columns)
        rows = np.array(out, object)
    return rows.reshape(len(rows), -1).astype(np.int8)


@pytest.mark.parametrize(("weight_bits", "activation_bits"), [(8, 8), (4, 8), (4, 4)])
def test_stream_equals_sums_by_hand(weight_bits: int, activation_bits: int) -> None:
    model = random_model.ds_cnn(3, weight_bits=weight_bits, activation_bits=activation_bits, **SHAPE)
    frames = _frames(1, 76)
    frames[:20] = 127
    frames[20:30] = -128
    np.testing.assert_array_equal(StreamInterpreter(model).run(frames), _by_hand(model, frames))


def test_any_division_into_steps_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model.ds_cnn(0, **SHAPE)
    frames = _frames(2, 140)
    whole = StreamInterpreter(model).run(frames)
    assert whole.shape == (70, 5) and whole.dtype == np.int8
    assert len(np.unique(whole, axis=0)) > 60
    steps = StreamInterpreter(model)
    np.testing.assert_array_equal([steps.step(pair) for pair in frames.reshape(-1, 2, 10)], whole)
    parts = StreamInterpreter(model)
    cuts = (0, 2, 2, 40, 94, 140)
    np.testing.assert_array_equal(np.concatenate([parts.run(frames[a:b]) for a, b in itertools.pairwise(cuts)]), whole)
    monkeypatch.setattr("export.model.stream_interpreter._STEPS_AT_ONCE", 7)
    np.testing.assert_array_equal(StreamInterpreter(model).run(frames), whole)


def test_reset_forgets_everything() -> None:
    stream = StreamInterpreter(random_model.ds_cnn(0, **SHAPE))
    frames = _frames(3, 80)
    first = stream.run(frames)
    again = stream.run(frames)
    stream.reset()
    np.testing.assert_array_equal(stream.run(frames), first)
    assert not np.array_equal(first, again)


def test_layers_equal_the_one_shot_network_inside_a_long_input() -> None:
    model = random_model.ds_cnn(1, input_shape=(200, 10, 1), **SHAPE)
    frames = _frames(4, 200)
    outputs = list(interpreter.run_layers(model, frames[None, :, :, None]))
    stream = StreamInterpreter(model)
    rows, edge, late = frames[:, :, None], 0, 0
    for i, (layer, codes) in enumerate(outputs):
        if layer.op == AVERAGE_POOL:
            break
        rows = stream._advance(i, rows)
        # Rows that padding reaches, at either end; and how much later the stream has the same row.
        height, stride, top = layer.kernel_size[0], layer.stride[0], layer.padding[0][0]
        edge = -(-(edge + max(top, height - 1 - top)) // stride)
        late = (late + height - stride - top) // stride
        inside = codes[0, edge : len(codes[0]) - edge]
        assert len(inside) > 80
        np.testing.assert_array_equal(rows[edge + late : edge + late + len(inside)], inside)


def test_a_step_decides_about_the_window_it_names() -> None:
    """Where a window's surroundings are what padding reads as, and layers keep it so, both networks agree."""
    model = random_model.ds_cnn(2, **SHAPE)
    layers = tuple(dataclasses.replace(layer, bias=np.zeros_like(layer.bias)) for layer in model.layers)
    model = dataclasses.replace(model, layers=layers)
    stream = StreamInterpreter(model)
    assert stream.frames_per_step == 2 and stream.delay_frames == 5 + 2 * 2
    assert rows_per_step(model) == [1] * len(model.layers)
    window = np.zeros((49, 10), np.int8)
    window[20:30] = _frames(5, 10)  # so that every layer's rows next to the window's edges are 0
    start = 60
    frames = np.zeros((200, 10), np.int8)
    frames[start : start + 49] = window
    logits = stream.run(frames)
    expected = interpreter.run(model, window[None, :, :, None])[0]
    (step,) = (step for step in range(len(logits)) if stream.window_start(step) == start)
    np.testing.assert_array_equal(logits[step], expected)
    assert expected.any()


def test_strides_behind_the_first_layer() -> None:
    layers = list(random_model.ds_cnn(5, input_shape=(48, 10, 1), first_stride=(1, 2), blocks=1, channels=8).layers)
    strided = random_model.ds_cnn(6, input_shape=(48, 5, 8), first_kernel=(3, 3), channels=8, blocks=1, classes=5)
    after = [dataclasses.replace(layer, name=f"after_{layer.name}") for layer in strided.layers]
    after[0] = dataclasses.replace(after[0], input_format=layers[2].output_format)
    model = IntegerModel("strided", strided.labels, (*layers[:3], *after))
    assert StreamInterpreter(model).frames_per_step == 2
    assert rows_per_step(model) == [2, 2, 2, 1, 1, 1, 1, 1]
    frames = _frames(7, 66)
    np.testing.assert_array_equal(StreamInterpreter(model).run(frames), _by_hand(model, frames))


def test_wrong_input_is_refused() -> None:
    model = random_model.ds_cnn(0, **SHAPE)
    stream = StreamInterpreter(model)
    assert [window_rows(layer) for layer in model.layers] == [10, 3, 1, 3, 1, 25, 1]
    assert stream.run(np.zeros((0, 10), np.int8)).shape == (0, 5)
    for frames in (np.zeros((2, 10), np.int16), np.zeros((2, 9), np.int8), np.zeros((2, 10, 1), np.int8)):
        with pytest.raises(ValueError, match=r"expected int8 \(n, 10\)"):
            stream.run(frames)
    with pytest.raises(ValueError, match="3 frames are no multiple of the 2"):
        stream.run(np.zeros((3, 10), np.int8))
    with pytest.raises(ValueError, match="4 frames, a step takes 2"):
        stream.step(np.zeros((4, 10), np.int8))


def test_a_window_that_skips_rows_is_refused() -> None:
    model = random_model.ds_cnn(0, first_kernel=(1, 4), first_stride=(2, 2), **SHAPE)
    with pytest.raises(ValueError, match="its window of 1 rows skips some at stride 2"):
        StreamInterpreter(model)
