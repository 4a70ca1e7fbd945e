"""The profiles of a package within so much memory: for each kind of core the fastest that fits."""

import functools

from export.bundle.folder import Bundle
from export.packaging import public_header, variants
from export.packaging.packaging_error import PackagingError
from export.packaging.public_header import Subject
from export.packaging.variants import Variant
from export.plan import CYCLES, FAST, PACKED, PORTABLE, SMALL
from export.plan.stream import StreamPlan

STACK_BYTES = 640
"""That a call takes of the stack at most: 308 to 552 were measured of front end, network and detector, most on a
Cortex-M0+, and 48 of the function that calls them.
"""
_PLAIN = (PACKED, PORTABLE)
_DSP = (FAST, CYCLES, SMALL, *_PLAIN)
_OTHERS = {"HELIUM": _DSP, "DSP": _DSP, "SCALAR": _PLAIN}
"""Kind of core -> profiles that it runs, too."""


def needed(subject: Subject, steps: StreamPlan) -> int:
    """Bytes of RAM that listening takes: state, working memory and stack."""
    return public_header.ram_bytes(subject, steps) + STACK_BYTES


def within(bundle: Bundle, subject: Subject, max_ram: int) -> list[Variant]:
    """The variants that fit: in the profile that a core has anyway, else in the one with the fewest instructions.

    Args:
      subject: of the bundle; its variants are not looked at.
      max_ram: bytes, as `needed` counts them.

    Raises:
      PackagingError: none fits on some kind of core, or the network can't be streamed.
    """
    planned = functools.cache(lambda profile: variants.planned(bundle, profile))
    found, least = {}, {}
    for core, own in variants.suited(bundle.profile).items():
        others = sorted(_OTHERS[core], key=lambda profile: planned(profile).instructions())
        sizes = {profile: needed(subject, planned(profile)) for profile in (own, *others)}
        least[core] = min(sizes, key=lambda profile: sizes[profile]), min(sizes.values())
        found[core] = next((profile for profile, size in sizes.items() if size <= max_ram), "")
    if "" in found.values():
        core, (profile, size) = max(least.items(), key=lambda item: item[1][1])
        raise PackagingError(
            f"max_ram={max_ram}: model {subject.name} needs {size} bytes at least, {STACK_BYTES} of them stack "
            f"(profile {profile} where the core is {core.lower()}): give as many, or a smaller network"
        )
    return variants.of_cores(bundle, found)
