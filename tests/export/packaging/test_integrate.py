"""docs/integrate.md says what packages are: figures and targets."""

import pathlib
import re

import packages
import pytest

from export.bundle import random_bundle
from export.bundle.random_bundle import RandomBundleConfig
from export.packaging import library, public_header, tflm
from export.packaging.package import TARGETS

DOCUMENT = (packages.ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("activation_bits", [8, 4])
def test_the_table_of_memory_is_the_headers(activation_bits: int, tmp_path: pathlib.Path) -> None:
    bundle = random_bundle.write(RandomBundleConfig(tmp_path / "b", weight_bits=4, activation_bits=activation_bits))
    member = library.member(bundle, "kws", profile="auto", version="1.0.0", label_names={}, recording=None)
    for variant in member.subject.variants:
        state = public_header.state_bytes(member.subject, variant.plan)
        scratch = public_header.scratch_bytes(member.subject, variant.plan)
        weights = sum(item.step.constant_bytes for item in variant.plan.steps)
        numbers = " | ".join(f"{number:,}" for number in (state, scratch, state + scratch, weights))
        assert re.search(
            rf"^\| W4A{activation_bits} \| \w+ \| `{variant.profile}` \| {re.escape(numbers)} \|$", DOCUMENT, re.M
        )
    assert f"{tflm.arena_bytes(bundle.tflite_path.read_bytes()):,} bytes for the default network" in DOCUMENT


def test_every_target_has_its_row() -> None:
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", DOCUMENT, re.MULTILINE)) >= set(TARGETS)
