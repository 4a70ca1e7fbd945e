"""verify takes a model in memory: its C in every profile, its .tflite, and what of it differs."""

import dataclasses

import numpy as np
import pytest

from export.bundle import generated_c
from export.model import random_model
from export.plan import PROFILES
from export.proof.model_proof import verify
from export.proof.proof_error import ProofError
from quant.qformat import QFormat


def test_every_profile_and_the_tflite_are_compared(small_model) -> None:
    codes = random_model.codes(1, small_model, 5)
    result = verify(small_model, codes, random_codes=20)
    assert result.mismatches == 0, result.table()
    assert (result.clips, result.random_codes, result.skipped) == (5, 20, {})
    assert [pair.implementation for pair in result.pairs] == [*(f"C {profile}" for profile in PROFILES), "tflm"]
    outputs = sum(int(np.prod(layer.output_shape)) for layer in small_model.layers)
    assert {pair.codes for pair in result.pairs} == {25 * outputs}


def test_without_inputs_there_are_500_probes(small_model) -> None:
    result = verify(small_model, profiles=("portable",))
    assert (result.clips, result.inputs, result.mismatches) == (0, 500, 0)


def test_wrong_c_is_named(small_model, monkeypatch) -> None:
    kernel = small_model.layers[2].kernel.copy()
    kernel.flat[0] += 1 if kernel.flat[0] < 0 else -1
    layers = (
        *small_model.layers[:2],
        dataclasses.replace(small_model.layers[2], kernel=kernel),
        *small_model.layers[3:],
    )
    wrong = dataclasses.replace(small_model, layers=layers)
    files = generated_c.files
    monkeypatch.setattr(generated_c, "files", lambda model, *rest: files(wrong, *rest))
    result = verify(small_model, profiles=("small",), random_codes=40)
    assert result.pair("C small").first.layer == small_model.layers[2].name
    assert result.mismatches == result.pair("C small").mismatches > 0
    with pytest.raises(KeyError, match="C fast, single rounding, was not compared"):
        result.pair("C fast")


def test_what_a_tflite_cannot_say_is_skipped_with_the_reason(small_model) -> None:
    first, second, *rest = small_model.layers
    q = QFormat(4, first.output_format.fraction_bits)
    layers = (dataclasses.replace(first, output_format=q), dataclasses.replace(second, input_format=q), *rest)
    result = verify(dataclasses.replace(small_model, layers=layers), profiles=("portable",), random_codes=5)
    assert result.mismatches == 0 and result.skipped.keys() == {"tflm"}
    assert "tflm skipped: layer layer0_conv2d: .tflite can't clamp to s4" in result.table()


def test_inputs_of_another_shape_or_none_at_all_are_refused(small_model) -> None:
    with pytest.raises(ValueError, match=r"input int8 \(2, 3, 3, 1\), expected int8 \(n, 12, 6, 1\)"):
        verify(small_model, np.zeros((2, 3, 3, 1), np.int8))
    with pytest.raises(ValueError, match="input float32"):
        verify(small_model, np.zeros((2, 12, 6, 1), np.float32))
    with pytest.raises(ProofError, match="nothing to compare"):
        verify(small_model, random_codes=0)
