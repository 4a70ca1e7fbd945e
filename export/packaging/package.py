"""A package: a bundle's C, or two bundles', with what an ecosystem wants around it, as one zip."""

import dataclasses
import importlib.metadata
import pathlib
import re
from collections.abc import Mapping, Sequence

from export.bundle import folder as bundles
from export.bundle import tflite as tflite_file
from export.bundle.model_card import code
from export.packaging import archive, library, metadata, naming, readme, templates, tflm
from export.packaging.library import Member
from export.packaging.packaging_error import PackagingError
from export.packaging.variants import AUTO

TARGETS = ("arduino", "platformio", "zephyr", "esp-idf", "cmsis-pack", "cmake", "stm32cube", "tflm")
TFLM = "tflm"
PACK = "cmsis-pack"
# Their zip has everything at its top: it is the pack itself.
_WITHOUT_ROOT = (PACK,)
_VERSION = "1.0.0"
_DISTRIBUTION = "fixed-point-kws"
_MOST_MODELS = 8


@dataclasses.dataclass(frozen=True)
class PackageConfig:
    """What to package.

    Attributes:
      bundles: paths, one for each model.
      target: one of `TARGETS`.
      output: the zip.
      prefixes: of the models' symbols; empty for fxp_kws, or of several fxp_kws_ and the folder's name.
      name: of the library; empty for the prefix, or of several models fxp_kws.
      profile: "auto", or one profile for all cores.
      version: of the package, as MAJOR.MINOR.PATCH.
      label_names: label -> C identifier, for labels that are none.
      clip: a WAV file for the self-test; None for a kept word.
      maintainer: "Name <address>", for the metadata.
      url: of a page about the package, for the metadata.
      vendor: of a CMSIS pack.
      max_ram: bytes of state, working memory and stack that a model may take; where the profile of a kind of core takes
        more, it is the fastest that doesn't. None for no limit.
    """

    bundles: tuple[pathlib.Path, ...]
    target: str
    output: pathlib.Path
    prefixes: tuple[str, ...] = ()
    name: str = ""
    profile: str = AUTO
    version: str = _VERSION
    label_names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    clip: pathlib.Path | None = None
    maintainer: str = "Nobody <nobody@example.org>"
    url: str = "https://example.org"
    vendor: str = "Example"
    max_ram: int | None = None


def write(config: PackageConfig) -> list[Member]:
    """Writes the package, whole or not at all, and returns its models; none of them is a library's for "tflm".

    Raises:
      BundleError, ModelError: a bundle that is damaged, or has no front end or no detector.
      PackagingError: a setting that no package can be made with.
      HostError: no C compiler.
    """
    archive.check(config.output)
    if config.target not in TARGETS:
        raise PackagingError(f"target={config.target} is unknown: choose one of {', '.join(TARGETS)}")
    for name, (value, pattern, expected) in _forms(config).items():
        if not re.fullmatch(pattern, value, re.ASCII if name != "maintainer" else 0):
            raise PackagingError(f"{name}={value}: expected {expected}")
    if config.target == TFLM and config.max_ram is not None:
        raise PackagingError(f"max_ram={config.max_ram} is of this project's kernels: leave it out with target={TFLM}")
    if config.max_ram is not None and config.profile != AUTO:
        raise PackagingError(f"max_ram={config.max_ram} and profile={config.profile}: give one of them")
    if config.target == TFLM:
        archive.write(config.output, _for_tflm(config))
        return []
    members, sources = modelled(config)
    archive.write(config.output, contents(config, members, sources))
    return members


def modelled(config: PackageConfig) -> tuple[list[Member], dict[str, str]]:
    """The models and their C, path -> text: what is the same for every target. Raises as `write`."""
    prefixes, name = _names(config)
    members = [_member(config, path, prefix) for path, prefix in zip(config.bundles, prefixes, strict=True)]
    labels = {label for member in members for label in member.subject.labels}
    if unknown := sorted(set(config.label_names) - labels):
        raise PackagingError(
            f"label_names={unknown[0]}:{config.label_names[unknown[0]]} names no label: choose of "
            f"{', '.join(sorted(labels))}"
        )
    return members, library.files(members, name)


def contents(config: PackageConfig, members: Sequence[Member], sources: Mapping[str, str]) -> dict[str, bytes]:
    """Everything in the zip of a library, path -> content."""
    name = _names(config)[1]
    files = {**sources, **_around(config, members, name, sources)}
    root = "" if config.target in _WITHOUT_ROOT else f"{name}/"
    return {root + path: text.encode() for path, text in files.items()}


def pack_name(config: PackageConfig) -> str:
    """What the file of a CMSIS pack has to be called."""
    return f"{config.vendor}.{_names(config)[1]}.{config.version}.pack"


def _names(config: PackageConfig) -> tuple[list[str], str]:
    """The models' prefixes and the library's name."""
    count = len(config.bundles)
    if not 1 <= count <= _MOST_MODELS:
        raise PackagingError(f"{count} bundles: give 1 to {_MOST_MODELS}")
    if config.prefixes and len(config.prefixes) != count:
        raise PackagingError(f"prefix={','.join(config.prefixes)} for {count} bundles: give one for each")
    several = [naming.prefix_of(path.resolve().name) for path in config.bundles]
    if not config.prefixes and len(set(several)) < count:
        shown = ", ".join(map(str, config.bundles))
        raise PackagingError(f"{shown}: folders of one name give two models one prefix: give prefix=A,B")
    prefixes = list(config.prefixes) or ([naming.PUBLIC] if count == 1 else several)
    name = config.name or (prefixes[0] if count == 1 else naming.PUBLIC)
    naming.check_prefixes(prefixes, name)
    return prefixes, name


def _member(config: PackageConfig, path: pathlib.Path, prefix: str) -> Member:
    return library.member(
        bundles.load_hearing(path),
        prefix,
        profile=config.profile,
        version=config.version,
        label_names=config.label_names,
        recording=config.clip,
        max_ram=config.max_ram,
    )


def _for_tflm(config: PackageConfig) -> dict[str, bytes]:
    """The zip for a tree with TensorFlow Lite Micro."""
    if len(config.bundles) > 1:
        raise PackagingError(f"{len(config.bundles)} bundles with target={TFLM}: give one")
    [prefix], _ = _names(config)
    bundle = bundles.load(config.bundles[0])
    tflite = tflite_file.to_tflite(bundle.model)
    values = {
        "NAME": prefix,
        "OPERATORS": ", ".join(tflm.operators(tflite)),
        "LABELS": ", ".join(map(code, bundle.labels)),
        "ARENA": f"{tflm.arena_bytes(tflite):,}",
    }
    texts = templates.files(TFLM, values, [prefix]) | {"LICENSE": _licence(), "MODEL_CARD.md": readme.card(bundle)}
    for name, text in tflm.files(bundle, tflite).items():
        texts[naming.rename(name, {token: naming.renamed(token, prefix) for token in naming.tokens(name)})] = (
            templates.of_model(text, prefix)
        )
    contents = {path: text.encode() for path, text in texts.items()} | {"model.tflite": tflite}
    return {f"{prefix}/{path}": content for path, content in contents.items()}


def _forms(config: PackageConfig) -> dict[str, tuple[str, str, str]]:
    """Setting -> its value, a pattern, and what it has to be: texts that stand in metadata of any syntax."""
    return {
        "package_version": (config.version, r"\d{1,5}\.\d{1,5}\.\d{1,5}", f"three numbers, as {_VERSION}"),
        "maintainer": (config.maintainer, r"[\w .'-]+ <[\w.+-]+@[\w.-]+>", "a name and an address, Name <a@b.org>"),
        "url": (config.url, r"https?://[\w./~%+-]+", "an address that begins with https://"),
        "vendor": (config.vendor, r"[A-Za-z][A-Za-z0-9_-]*", "letters and digits"),
    }


def _around(config: PackageConfig, members: Sequence[Member], name: str, sources: Mapping[str, str]) -> dict[str, str]:
    """Everything but the library's own C."""
    values = metadata.values(members, name, sources) | {
        "VERSION": config.version,
        "URL": config.url,
        "VENDOR": config.vendor,
        "MAINTAINER": config.maintainer,
        "MAINTAINER_NAME": config.maintainer.partition(" <")[0],
        "MAINTAINER_EMAIL": config.maintainer.partition(" <")[2].rstrip(">"),
    }
    made = templates.files(config.target, values, [member.prefix for member in members])
    use = made.pop("USE.md")
    return made | readme.cards(members) | {"LICENSE": _licence(), "README.md": readme.text(members, name, use)}


def _licence() -> str:
    """The project's licence, from its folder or its installed distribution."""
    path = pathlib.Path(__file__).resolve().parents[2] / "LICENSE"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    for file in importlib.metadata.files(_DISTRIBUTION) or ():
        if file.name == "LICENSE":
            return file.read_text(encoding="utf-8")
    raise PackagingError("this installation has lost its LICENSE: install it again")
