"""The profiles of a package within so much memory."""

import pathlib

import packages
import pytest

from export.bundle import detector_file
from export.bundle import folder as bundles
from export.bundle.folder import Bundle
from export.packaging import memory, package, variants
from export.packaging.package import PackageConfig
from export.packaging.packaging_error import PackagingError
from export.packaging.public_header import Subject
from export.plan import FAST, HELIUM, PACKED, PORTABLE

WORDS = packages.MODELS / "w8a8"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return bundles.load_hearing(WORDS)


@pytest.fixture(scope="module")
def subject(bundle: Bundle) -> Subject:
    detector = detector_file.of_bundle(bundle)
    return Subject(bundle.name, "", bundle.labels, (), bundle.frontend_config, detector, (), "")


def profiles(bundle: Bundle, subject: Subject, max_ram: int) -> dict[str, str]:
    """Kind of core -> profile."""
    found = memory.within(bundle, subject, max_ram)
    return {core: variant.profile for variant in found for core in variant.serves}


def test_profiles_are_the_fastest_that_fit_to_the_byte(bundle: Bundle, subject: Subject) -> None:
    needed, calls = {}, {}
    for profile in (FAST, PACKED, PORTABLE, HELIUM):
        steps = variants.planned(bundle, profile)
        needed[profile], calls[profile] = memory.needed(subject, steps), steps.instructions()
    # Two of equal memory, of which one is faster.
    assert needed[FAST] > needed[PACKED] == needed[PORTABLE] and calls[FAST] < calls[PACKED] < calls[PORTABLE]
    anyway = {"helium": HELIUM, "dsp": FAST, "scalar": PACKED}
    assert profiles(bundle, subject, needed[FAST]) == anyway
    for max_ram in (needed[FAST] - 1, needed[PACKED]):
        assert profiles(bundle, subject, max_ram) == anyway | {"dsp": PACKED}
    least = max(needed[PACKED], needed[HELIUM])
    with pytest.raises(PackagingError, match=rf"^max_ram={least - 1}: model \w+ needs {least} bytes at least, 640 of"):
        memory.within(bundle, subject, least - 1)


def test_cores_of_one_profile_share_its_c(bundle: Bundle, subject: Subject) -> None:
    found = memory.within(bundle, subject, memory.needed(subject, variants.planned(bundle, PACKED)))
    assert [(variant.core, variant.serves) for variant in found] == [
        ("HELIUM", ("helium",)),
        ("SCALAR", ("dsp", "scalar")),
    ]
    assert "#if defined(__ARM_FEATURE_MVE)" in variants.choice(found) and "FEATURE_DSP" not in variants.choice(found)


@pytest.mark.slow
def test_a_core_with_the_dsp_extension_hears_the_clip_in_little_memory(tmp_path: pathlib.Path) -> None:
    root, [member] = packages.made_with_members(tmp_path, [WORDS], "cmake", max_ram=15100)
    lines = packages.heard_on("stm32f4", root, tmp_path / "device", root / "examples" / "clip.c", ["-Os"])
    [least] = [variant for variant in member.subject.variants if variant.profile == PACKED]
    assert lines[0].endswith(f", profile packed, {packages.ram_bytes(member.subject, least)} bytes of RAM")
    assert lines[-2].endswith(": equal to the host's") and lines[-1] == "END status=0"


def test_a_profile_and_a_limit_exclude_each_other(tmp_path: pathlib.Path) -> None:
    config = PackageConfig((WORDS,), "cmake", tmp_path / "a.zip", profile=FAST, max_ram=20000)
    with pytest.raises(PackagingError, match=r"^max_ram=20000 and profile=fast: give one of them$"):
        package.write(config)
