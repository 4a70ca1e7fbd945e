"""docs/integrate.md says what packages are: figures and targets."""

import pathlib
import re

import numpy as np
import packages
import pytest

from export.bundle import detector_file, random_bundle
from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.bundle.random_bundle import RandomBundleConfig
from export.host.frontend import CFrontEnd
from export.packaging import library, memory, public_header, self_test_clip, spoken_words, tflm, variants
from export.packaging.package import TARGETS
from export.packaging.public_header import Subject

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


def subject_of(bundle: Bundle) -> Subject:
    return Subject(bundle.name, "", bundle.labels, (), bundle.frontend_config, detector_file.of_bundle(bundle), (), "")


def test_what_max_ram_prints_is_so() -> None:
    bundle = bundles.load_hearing(packages.MODELS / "w8a8")
    subject = subject_of(bundle)
    [least] = {memory.needed(subject, variants.planned(bundle, profile)) for profile in ("helium", "packed")}
    printed = {int(text.replace(",", "")) for text in re.findall(r"profile \w+\): ([\d,]+) bytes of RAM", DOCUMENT)}
    assert printed == {least - memory.STACK_BYTES} and f"needs {least} bytes at least" in DOCUMENT
    assert [variant.profile for variant in memory.within(bundle, subject, 15100)] == ["helium", "packed"]


def test_the_memory_of_two_models_is_said() -> None:
    state = []
    for name in ("w4a8", "marvin_w4a4"):
        bundle = bundles.load_hearing(packages.MODELS / name)
        subject, plan = subject_of(bundle), variants.planned(bundle, "fast")
        state.append(public_header.state_bytes(subject, plan))
        scratch = public_header.scratch_bytes(subject, plan)
    shared = f"{state[0]:,} and {state[1]:,} bytes of state and {scratch:,} of scratch memory for both, "
    assert f"{shared}{sum(state) + scratch:,}; {sum(state) + 2 * scratch:,} with one each" in DOCUMENT


def seconds_after_the_word(bundle: Bundle) -> list[float]:
    """From the end of each kept word, to a twentieth of its peak, to the report of it, where it is heard."""
    found, rate, detector = [], spoken_words.SAMPLE_RATE, detector_file.of_bundle(bundle)
    with CFrontEnd.build(bundle.c_folder) as front_end:
        host = self_test_clip._Host(bundle, detector, front_end)
        for label, name in enumerate(detector.labels):
            for word in spoken_words.renderings(name):
                clip = host.clip(self_test_clip._placed(word, 8000))
                if clip.label == label:
                    end = np.flatnonzero(np.abs(word) > np.abs(word).max() / 20)[-1] + 1
                    found.append(clip.step * host.step_samples / rate - self_test_clip._SECONDS_BEFORE - end / rate)
    return found


@pytest.mark.slow
def test_how_long_after_a_word_it_is_reported() -> None:
    after = {
        name: seconds_after_the_word(bundles.load_hearing(packages.MODELS / name))
        for name in ("w8a8", "w4a8", "w4a4", "marvin_w4a4")
    }
    for name, seconds in after.items():
        print(name, "".join(f" {value:.2f}" for value in sorted(seconds)), "s after the word")
    every = [value for values in after.values() for value in values]
    assert f"{min(every):.2f} to {max(every):.2f} s after the word ended" in DOCUMENT
