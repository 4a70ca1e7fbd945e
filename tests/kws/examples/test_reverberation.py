"""Rooms: convolution with a response that is checked by its own properties."""

import numpy as np
import pytest

from kws.examples.reverberation import ROOMS, impulse_response, reverberate


@pytest.mark.parametrize("room", [0, 1, ROOMS - 1])
@pytest.mark.parametrize("count", [1, 100, 4480, 16000])
def test_it_is_the_convolution(room: int, count: int) -> None:
    samples = np.random.default_rng(room).integers(-20000, 20000, count).astype(np.float32)
    heard = reverberate(samples, room)
    assert (heard.dtype, heard.shape) == (np.float32, samples.shape)
    exact = np.convolve(samples.astype(np.float64), impulse_response(room))[:count]
    np.testing.assert_allclose(heard, exact, atol=np.abs(exact).max() * 1e-5)


def test_rooms_begin_with_the_direct_sound_and_decay() -> None:
    responses = np.array([impulse_response(room) for room in range(ROOMS)])
    assert responses.shape == (ROOMS, 4480)
    assert (responses[:, 0] == 1).all() and not responses[:, 1:32].any()
    energy = np.square(responses[:, 200:]).reshape(ROOMS, 4, -1).sum(-1)
    assert (energy[:, 0] > energy[:, 3]).all()
    tails_db = 10 * np.log10(np.square(responses[:, 1:]).sum(1))
    assert tails_db.min() >= -14.01 and tails_db.max() <= 2.01 and tails_db.std() > 3
    assert len(np.unique(responses[:, 1000])) == ROOMS
