"""The streaming network's C for every kind of core: the compiler's macros say which of them is compiled.

A variant is a profile of the plan for cores with vectors (Helium), with the DSP extension, or with neither.
"""

import dataclasses
from collections.abc import Mapping

from export.bundle.folder import Bundle
from export.packaging.packaging_error import PackagingError
from export.plan import CYCLES, FAST, HELIUM, PACKED, PROFILES, RAM, SMALL
from export.plan.schedule import NoKernelError
from export.plan.stream import StreamPlan, plan
from export.source import stream_source

AUTO = "auto"
CHOICES = (AUTO, *PROFILES)
HEADER = stream_source.HEADER
# Macros of the compiler that tell of the core, in the order in which they are asked for.
_CORES = {
    "HELIUM": "defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)",
    "DSP": "defined(__ARM_FEATURE_DSP)",
    "SCALAR": "",
}
_CORE_OF = {HELIUM: "HELIUM", FAST: "DSP", SMALL: "DSP", CYCLES: "DSP", RAM: "DSP"}


@dataclasses.dataclass(frozen=True)
class Variant:
    """One profile's C.

    Attributes:
      core: "HELIUM", "DSP" or "SCALAR", the end of its macro.
      profile: of `export.plan`.
      plan: of the streaming network.
      header, source: texts of the generated C.
      serves: kinds of cores that get it, in lower case: its own last, before it those whose variant would be the same.
    """

    core: str
    profile: str
    plan: StreamPlan
    header: str
    source: str
    serves: tuple[str, ...] = ()

    @property
    def header_name(self) -> str:
        return f"fxp_stream_model_{self.core.lower()}.h"

    @property
    def source_name(self) -> str:
        return f"fxp_stream_model_{self.core.lower()}.c"

    def files(self) -> dict[str, str]:
        """Header and source, which compile to nothing where the variant is not chosen."""
        guard = f"#if FXP_KWS_PROFILE == FXP_KWS_PROFILE_{self.core}"
        source = self.source.replace('#include "fxp_stream_model.h"', f'#include "{self.header_name}"', 1)
        text = f'#include "fxp_kws.h"\n\n{guard}\n\n{source}\n#endif\n'
        return {self.header_name: self.header, self.source_name: text}


def of_bundle(bundle: Bundle, profile: str = AUTO) -> list[Variant]:
    """The variants of a bundle's streaming network, in the order in which the compiler's macros are asked.

    Args:
      profile: `AUTO` for one for each kind of core, in the bundle's profile where it is of that kind; else a profile
        for all cores.

    Raises:
      PackagingError: an unknown profile, or a network that can't be streamed.
    """
    if profile not in CHOICES:
        raise PackagingError(f"profile={profile} is unknown: choose one of {', '.join(CHOICES)}")
    return of_cores(bundle, suited(bundle.profile) if profile == AUTO else {_CORE_OF.get(profile, "SCALAR"): profile})


def suited(own: str) -> dict[str, str]:
    """Kind of core -> the profile made for it, a bundle's own where it is; in the order of the compiler's macros."""
    dsp = own if _CORE_OF.get(own) == "DSP" else FAST
    return {"HELIUM": HELIUM, "DSP": dsp, "SCALAR": PACKED}


def of_cores(bundle: Bundle, profiles: Mapping[str, str]) -> list[Variant]:
    """The variants of a bundle's streaming network for kinds of cores; one for those that have one profile.

    Args:
      profiles: kind of core -> profile, in the order in which the compiler's macros are asked.

    Raises:
      PackagingError: a network that can't be streamed.
    """
    found: list[Variant] = []
    for core, profile in reversed(list(profiles.items())):
        if found and found[0].profile == profile:  # what the compiler comes to without this core's macro
            found[0] = dataclasses.replace(found[0], serves=(core.lower(), *found[0].serves))
        else:
            found.insert(0, _variant(bundle, core, profile))
    return found


def planned(bundle: Bundle, profile: str) -> StreamPlan:
    """The streaming network's plan. Raises `PackagingError` for one that can't be streamed."""
    try:
        return plan(bundle.model, profile)
    except NoKernelError as error:
        raise PackagingError(f"bundle={bundle.path} has no kernel of profile {profile}: {error}") from error
    except ValueError as error:
        raise PackagingError(f"bundle={bundle.path} can't be streamed: {error}") from error


def _variant(bundle: Bundle, core: str, profile: str) -> Variant:
    steps = planned(bundle, profile)
    try:
        texts = stream_source.generate(bundle.model, profile)
    except ValueError as error:
        raise PackagingError(f"bundle={bundle.path} can't be streamed: {error}") from error
    sources = (texts[stream_source.HEADER], texts[stream_source.SOURCE])
    return Variant(core, profile, steps, *sources, (core.lower(),))


def choice(variants: list[Variant]) -> str:
    """The public header's macros that choose a variant, by the compiler's macros unless the user defines it."""
    numbers = {core: number for number, core in enumerate(reversed(_CORES), 1)}
    lines = [f"#define FXP_KWS_PROFILE_{core} {numbers[core]}" for core in reversed(_CORES)]
    lines.append("#ifndef FXP_KWS_PROFILE")
    tested = [variant for variant in variants[:-1] if _CORES[variant.core]]
    for number, variant in enumerate(tested):
        lines.append(f"#{'elif' if number else 'if'} {_CORES[variant.core]}")
        lines.append(f"#define FXP_KWS_PROFILE FXP_KWS_PROFILE_{variant.core}")
    last = f"#define FXP_KWS_PROFILE FXP_KWS_PROFILE_{variants[-1].core}"
    lines += ["#else", last, "#endif"] if tested else [last]
    return "\n".join([*lines, "#endif"])


def by_variant(variants: list[Variant], texts: list[str]) -> str:
    """Pieces of C of which the preprocessor takes the chosen variant's."""
    lines = []
    for number, (variant, text) in enumerate(zip(variants, texts, strict=True)):
        lines.append(f"#{'elif' if number else 'if'} FXP_KWS_PROFILE == FXP_KWS_PROFILE_{variant.core}")
        lines.append(text)
    return "\n".join([*lines, "#else", '#error "FXP_KWS_PROFILE names a profile that this package has not"', "#endif"])


def dispatching_header(variants: list[Variant]) -> str:
    """The header that the library includes in place of one variant's."""
    includes = by_variant(variants, [f'#include "{variant.header_name}"' for variant in variants])
    return f"""\
/* The streaming network in the profile that fxp_kws.h chose. */
#ifndef FXP_STREAM_CHOSEN_H
#define FXP_STREAM_CHOSEN_H

#include "fxp_kws.h"

{includes}

#endif
"""
