"""A small network and what it reads."""

import networks
import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope="module")
def model() -> tf.keras.Model:
    """A small DS-CNN with batch normalization."""
    return networks.small()


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    """Its inputs, values on the grid of 1/32."""
    return networks.inputs(1).astype(np.float32) / 32
