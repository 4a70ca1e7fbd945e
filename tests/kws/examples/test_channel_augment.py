"""Channel augmentation: a constant per coefficient and example, of the given deviation, decided by the seed."""

import numpy as np
import pytest

from kws.examples.channel_augment import recolour


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((400, 49, 10, 1), np.float32)


def test_a_constant_for_every_coefficient_of_an_example(features: np.ndarray) -> None:
    added = recolour(features, 1, 0.5) - features
    assert added.dtype == np.float32
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1], added.shape), atol=1e-5)
    constants = added[:, 0, :, 0]
    np.testing.assert_allclose(constants.std(0), 0.5, rtol=0.15)
    np.testing.assert_allclose(np.corrcoef(constants.T), np.eye(10), atol=0.2)


def test_a_seed_decides_all(features: np.ndarray) -> None:
    np.testing.assert_array_equal(recolour(features, 1), recolour(features, 1))
    assert (recolour(features, 2) != recolour(features, 1)).all(axis=(1, 2, 3)).mean() > 0.9


def test_none_changes_nothing(features: np.ndarray) -> None:
    np.testing.assert_array_equal(recolour(features, 1, 0.0), features)


def test_bad_arguments_are_refused(features: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected float32 \[n, frames, coefficients, 1\]"):
        recolour(features[..., 0], 1)
    with pytest.raises(ValueError, match="expected 0 or more"):
        recolour(features, 1, -0.1)
