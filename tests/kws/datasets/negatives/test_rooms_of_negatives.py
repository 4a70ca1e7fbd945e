"""Impulse responses: where one begins and ends, which split has it, and what it makes of sound."""

import corpus
import numpy as np
import pytest

from kws.datasets import negatives
from kws.datasets.clip import SPLITS
from kws.datasets.dataset_error import DatasetError
from kws.datasets.negatives import rooms

RT60 = (0.2, 0.3, 0.4, 0.5)


def _responses() -> list[np.ndarray]:
    """Exponential decays, each after 50 ms of nothing and in the faint noise of a measurement."""
    rng = np.random.default_rng(0)
    found = []
    for rt60 in RT60:
        time = np.arange(16000) / 16000
        decay = 20000 * rng.choice((-1, 1), 16000) * 10 ** (-3 * time / rt60)
        found.append(np.concatenate([np.zeros(800), decay]) + rng.normal(0, 2, 16800))
    return found


def test_responses_are_cut_where_the_level_rises(tmp_path):
    corpus.write_wav(tmp_path / "room_impulse_responses.wav", np.concatenate(_responses()))
    found = {split: negatives.impulse_responses(tmp_path, split) for split in SPLITS}
    assert [len(found[split]) for split in SPLITS] == [2, 1, 1]
    order = [*found["training"][:1], *found["validation"], *found["testing"], *found["training"][1:]]
    assert [response.name.rpartition("/")[2] for response in order] == ["0", "1", "2", "3"]
    for response, rt60 in zip(order, RT60, strict=True):
        assert np.sum(np.square(response.samples)) == pytest.approx(1)
        assert np.argmax(np.abs(response.samples)) < 32
        assert response.rt60_seconds == pytest.approx(rt60, rel=0.1)
        # 34 of 60 dB.
        assert len(response.samples) / 16000 == pytest.approx(rt60 * 34 / 60, abs=0.03)


def test_responses_are_cut_where_the_list_says(tmp_path):
    corpus.write_wav(tmp_path / "room_impulse_responses.wav", np.concatenate(_responses()))
    rows = ["file,start_seconds,seconds", "speech,0,9", "room_impulse_responses,1.05,1.05"]
    (tmp_path / "sources.csv").write_text("\n".join(rows))
    (response,) = negatives.impulse_responses(tmp_path, "training")
    assert response.rt60_seconds == pytest.approx(RT60[1], rel=0.1)
    assert negatives.impulse_responses(tmp_path, "testing") == []
    (tmp_path / "sources.csv").write_text("\n".join([*rows, "room_impulse_responses,here,1"]))
    with pytest.raises(DatasetError, match=r"sources\.csv can't be read .*expected columns file"):
        negatives.impulse_responses(tmp_path, "training")


def test_a_damaged_file_of_responses_is_one_line(tmp_path):
    (tmp_path / "room_impulse_responses.wav").write_bytes(b"RIFF")
    with pytest.raises(DatasetError, match=r"room_impulse_responses\.wav can't be used"):
        negatives.impulse_responses(tmp_path, "training")


def test_a_synthetic_room_has_the_rt60_that_it_names():
    for rt60 in RT60:
        response = negatives.synthetic(np.random.default_rng(1), rt60)
        assert response.rt60_seconds == pytest.approx(rt60, rel=0.05) and f"{rt60:g} s" in response.name
        assert np.sum(np.square(response.samples)) == pytest.approx(1)
    again = [negatives.synthetic(np.random.default_rng(1), 0.3).samples for _ in range(2)]
    assert np.array_equal(*again)


def test_reverberation_is_a_convolution():
    response = rooms.ImpulseResponse("echo", np.array([0.8, 0.0, 0.6]))
    heard = negatives.reverberate(np.array([100, -50, 0, 0], np.int16), response)
    assert heard == pytest.approx([80, -40, 60, -30, 0, 0], abs=1e-9)
