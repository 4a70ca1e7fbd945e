"""SpecAugment: what is masked, how wide, and that a seed decides it."""

import hashlib

import numpy as np
import pytest

from kws.examples import spec_augment
from kws.examples.spec_augment import SpecAugmentConfig, mask


@pytest.fixture(scope="module")
def ones() -> np.ndarray:
    return np.ones((300, 49, 10, 1), np.float32)


@pytest.fixture(scope="module")
def masked(ones: np.ndarray) -> np.ndarray:
    return mask(ones, 7, SpecAugmentConfig(time_frames=8, coefficients=2))


def test_masks_whole_rows_and_columns_of_bounded_width(masked: np.ndarray) -> None:
    zero = masked[..., 0] == 0
    frames, coefficients = zero.all(2), zero.all(1)
    np.testing.assert_array_equal(zero, frames[:, :, None] | coefficients[:, None, :])
    assert set(frames.sum(1)) == set(range(9))
    assert set(coefficients.sum(1)) == {0, 1, 2}
    edges = np.diff(np.pad(frames.astype(int), ((0, 0), (1, 1))), axis=1)
    assert ((edges == 1).sum(1) <= 1).all()


def test_examples_get_masks_of_their_own(masked: np.ndarray) -> None:
    assert len({example.tobytes() for example in masked}) > 200


def test_a_seed_decides_all(ones: np.ndarray, masked: np.ndarray) -> None:
    config = SpecAugmentConfig(time_frames=8, coefficients=2)
    np.testing.assert_array_equal(mask(ones, 7, config), masked)
    assert (mask(ones, 8, config) != masked).any()
    np.testing.assert_array_equal(mask(ones[:5], 7, config), masked[:5])


@pytest.mark.parametrize(
    ("seed", "config", "sha256"),
    [
        (7, None, "92fc4cc14f870a9a93e44a4750393b8e166c97de0423c01f8a80be270c6c0229"),
        (123456, SpecAugmentConfig(5, 3), "a19c568346b641da703e9e7592d2588bddced816d483f3266108a732ec1217b0"),
    ],
)
@pytest.mark.parametrize("library", ["tensorflow_io", "tensorflow"])
def test_masks_are_the_same_bits_with_and_without_tensorflow_io(
    seed: int, config: SpecAugmentConfig | None, sha256: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library == "tensorflow":
        monkeypatch.setattr(spec_augment, "tfio", None)
    elif spec_augment.tfio is None:
        pytest.skip("tensorflow-io has no wheel for this Python")
    features = np.random.default_rng(5).normal(size=(500, 49, 10, 1)).astype(np.float32)
    assert hashlib.sha256(mask(features, seed, config).tobytes()).hexdigest() == sha256


def test_the_global_seed_is_left_alone(ones: np.ndarray) -> None:
    import tensorflow as tf

    tf.random.set_seed(3)
    before = [float(tf.random.uniform(())) for _ in range(2)]
    tf.random.set_seed(3)
    first = float(tf.random.uniform(()))
    mask(ones[:3], 1)
    assert [first, float(tf.random.uniform(()))] == before


def test_width_zero_masks_nothing(ones: np.ndarray) -> None:
    np.testing.assert_array_equal(mask(ones, 7, SpecAugmentConfig(time_frames=0, coefficients=0)), ones)


@pytest.mark.parametrize("features", [np.ones((2, 49, 10), np.float32), np.ones((2, 49, 10, 1), np.int8)])
def test_other_shapes_and_dtypes_are_refused(features: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected float32 \[n, frames, coefficients, 1\]"):
        mask(features, 0)


def test_negative_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="time_frames=-1"):
        SpecAugmentConfig(time_frames=-1)
