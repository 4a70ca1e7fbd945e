"""The C of a package: exactly the files that the models' plans need, in folders of their own, under their own names.

    src/<prefix>.h, src/<prefix>_self_test.h      public
    src/<prefix>/                                 the model, its front end, detector and library functions
    src/<name>/                                   kernels, which several models share

A file includes what it needs by a path relative to itself: a build system needs to know the folder src alone.
"""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Mapping, Sequence

from export.bundle import detector_file
from export.bundle.folder import Bundle
from export.packaging import memory, naming, public_header, self_test_clip, variants
from export.packaging.public_header import Subject
from export.packaging.self_test_clip import Clip
from export.packaging.variants import Variant
from export.source import detector_source, frontend_source, self_test_source
from microcontroller import c_sources

SOURCES = "src"
_LICENCE_LINE = "/* SPDX-License-Identifier: Apache-2.0 */\n"
_UMBRELLA = '#include "nn/fxp_kernels.h"\n'
_INCLUDE = re.compile(r'^(#include ")([^"]+)(")', re.MULTILINE)
_DEFINITION = re.compile(r"^(?!static\b|typedef\b)[A-Za-z_][\w \*]*?\b(fxp_\w+)\([^;{}]*\)\s*\{", re.MULTILINE)
_PROTOTYPE = re.compile(r"^[A-Za-z_][\w \*]*\bfxp_\w+\([^;{}]*\);", re.MULTILINE)
_PUBLIC = (public_header.NAME, self_test_clip.HEADER)


@dataclasses.dataclass(frozen=True)
class Member:
    """One model of a package.

    Attributes:
      bundle: that it is from.
      prefix: of its symbols, in lower case.
      subject: what its public header is of.
      clip: of its self-test.
    """

    bundle: Bundle
    prefix: str
    subject: Subject
    clip: Clip


def member(
    bundle: Bundle,
    prefix: str,
    *,
    profile: str,
    version: str,
    label_names: Mapping[str, str],
    recording: pathlib.Path | None,
    max_ram: int | None = None,
) -> Member:
    """A bundle as a member of a package.

    Args:
      profile: of all cores, or "auto"; `max_ram`: bytes within which each kind of core's profile is chosen instead.

    Raises:
      BundleError: it has no front end or no detector.
      PackagingError: a label without a C name, a profile that doesn't run it, a recording of another form, more memory
        than `max_ram`.
      HostError: no C compiler.
    """
    frontend, detector = bundle.frontend_config, detector_file.of_bundle(bundle)
    constants = naming.label_constants(bundle.labels, label_names)
    subject = Subject(
        name=bundle.name,
        sha256=bundle.model.sha256,
        labels=bundle.labels,
        constants=tuple(constants),
        frontend=frontend,
        detector=detector,
        variants=(),
        version=version,
    )
    chosen = variants.of_bundle(bundle, profile) if max_ram is None else memory.within(bundle, subject, max_ram)
    subject = dataclasses.replace(subject, variants=tuple(chosen))
    return Member(bundle, prefix, subject, self_test_clip.of_bundle(bundle, detector, recording))


def files(members: Sequence[Member], name: str) -> dict[str, str]:
    """The package's C, path -> text.

    Args:
      name: of the library, the folder and the prefix of the kernels.

    Raises:
      PackagingError: prefixes that would give two things one name.
    """
    owned = [_own_files(member) for member in members]
    kernels: dict[str, str] = {}
    for texts in owned:
        kernels |= _needed(texts, _pool(c_sources.engine()))
    tokens = [_named(texts) for texts in owned]
    prefixes = [member.prefix for member in members]
    names = naming.renaming(name, _named(kernels), prefixes, tokens)
    shared = {_place(file, name): text for file, text in kernels.items()}
    result = {place: _shipped(place, text, list(shared), names[0]) for place, text in shared.items()}
    for one, texts, names_of_one in zip(members, owned, names[1:], strict=True):
        own = {_place(file, one.prefix): text for file, text in texts.items()}
        there = [*shared, *own]
        result |= {place: _shipped(place, text, there, names_of_one) for place, text in own.items()}
    return result


def _named(texts: Mapping[str, str]) -> set[str]:
    """The project's names in files, and those of the files."""
    return naming.named_in([*texts.values(), *texts])


def _public(one: Member) -> dict[str, str]:
    """The public headers of a model, in the project's own names."""
    return {
        public_header.NAME: public_header.text(one.subject),
        self_test_clip.HEADER: self_test_clip.files(one.clip)[self_test_clip.HEADER],
    }


def _own_files(one: Member) -> dict[str, str]:
    """All C of a model but the kernels, name -> text."""
    generated = (
        _public(one)
        | self_test_clip.files(one.clip)
        | frontend_source.of_bundle(one.bundle.frontend)
        | detector_source.generate(one.subject.detector)
        | _network(one.subject.variants)
    )
    library = c_sources.library()
    generated = {name: self_test_source.without(text) for name, text in generated.items()}
    roots = generated | {path.name: path.read_text(encoding="utf-8") for path in (*library.files, *library.headers)}
    pool = _pool(c_sources.front_end()) | _pool(c_sources.detector())
    return roots | _needed(roots, pool)


def _network(found: Sequence[Variant]) -> dict[str, str]:
    result = {variants.HEADER: variants.dispatching_header(list(found))}
    engine = _pool(c_sources.engine())
    for variant in found:
        for name, text in variant.files().items():
            result[name] = text.replace(_UMBRELLA, _folders_of(text, engine))
    return result


def _folders_of(text: str, engine: Mapping[str, pathlib.Path]) -> str:
    """Includes of the kernels that a generated source calls, in place of all kernels."""
    called = {path.parent.name for path in _defining(text, engine)}
    return "".join(f'#include "nn/{folder}/fxp_{folder}.h"\n' for folder in sorted(called - {"stream"}))


def _pool(part: c_sources.CSources) -> dict[str, pathlib.Path]:
    """A part's files by name, which is theirs alone."""
    return {path.name: path for path in (*part.files, *part.headers)}


def _defining(text: str, pool: Mapping[str, pathlib.Path]) -> list[pathlib.Path]:
    """The pool's C files that define what a text calls."""
    called = naming.tokens(_PROTOTYPE.sub("", naming.without_comments(text)))
    return [path for path in pool.values() if path.suffix == ".c" and _defined(path) & called]


@functools.cache
def _defined(path: pathlib.Path) -> frozenset[str]:
    return frozenset(_DEFINITION.findall(naming.without_comments(path.read_text(encoding="utf-8"))))


def _needed(roots: Mapping[str, str], pool: Mapping[str, pathlib.Path]) -> dict[str, str]:
    """Those of the pool's files that the roots, and then they themselves, include or call."""
    result: dict[str, str] = {}
    waiting = list(roots.values())
    while waiting:
        text = waiting.pop()
        included = (pathlib.PurePosixPath(path).name for _, path, _ in _INCLUDE.findall(text))
        for path in (*(pool[name] for name in included if name in pool), *_defining(text, pool)):
            if path.name not in result:
                result[path.name] = path.read_text(encoding="utf-8")
                waiting.append(result[path.name])
    return result


def _place(file: str, prefix: str) -> str:
    """Where a file of the project lies in the package."""
    folder = SOURCES if file in _PUBLIC else f"{SOURCES}/{prefix}"
    stem, _, suffix = file.partition(".")
    return f"{folder}/{naming.renamed(stem, prefix)}.{suffix}"


def _shipped(place: str, text: str, places: Sequence[str], names: Mapping[str, str]) -> str:
    """A file as it lies in the package: licence, names, includes."""
    there = {pathlib.PurePosixPath(other).name: other for other in places}

    def included(found: re.Match[str]) -> str:
        file = pathlib.PurePosixPath(found[2]).name
        return f"{found[1]}{_relative(there[file], place)}{found[3]}" if file in there else found[0]

    return _LICENCE_LINE + _INCLUDE.sub(included, naming.rename(text, names))


def _relative(target: str, place: str) -> str:
    """A file's path from another file's folder; both lie in src or in a folder of it."""
    folder, name = target.rsplit("/", 1)
    own = place.rsplit("/", 1)[0]
    below = target.removeprefix(f"{SOURCES}/")
    return name if folder == own else below if own == SOURCES else f"../{below}"
