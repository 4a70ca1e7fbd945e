"""Packages a bundle, or several, as one self-contained C library for an ecosystem.

python -m export.package --bundle=B --target=cmake --output=kws.zip
python -m export.package --bundle=COMMANDS --bundle=WAKE --prefix=commands,wake --target=cmake --output=kws.zip

docs/integrate.md says what is in a package, and how it is built and used on each platform.
"""

import os
import pathlib
from collections.abc import Sequence
from typing import Any

from absl import flags

from export.packaging import memory, package, public_header, variants
from export.packaging.library import Member
from export.packaging.package import PACK, TARGETS, PackageConfig, pack_name
from kws_cli import command
from kws_cli.command import UserError


def define_flags() -> None:
    """Defines this command's flags."""
    command.define_required_flag("bundle", "A bundle with a detector; again, or B,C: more models.", is_repeated=True)
    command.define_required_flag("target", f"The ecosystem: {', '.join(TARGETS)}.")
    command.define_required_flag("output", "The zip to write.")
    flags.DEFINE_list("prefix", [], "What the names of each model begin with: one for each bundle (fxp_kws).")
    flags.DEFINE_string("name", "", "The library's name (the prefix; of several models fxp_kws).")
    flags.DEFINE_string("profile", variants.AUTO, f"Kernels: {', '.join(variants.CHOICES)} (by the compiler's macros).")
    flags.DEFINE_string("package_version", PackageConfig.version, "The package's version.")
    flags.DEFINE_list("label_names", [], "LABEL:NAME for labels that are no C identifiers.")
    flags.DEFINE_string("clip", None, "A WAV file for the self-test (16 kHz, mono, 16 bits) in place of a kept word.")
    flags.DEFINE_string("maintainer", PackageConfig.maintainer, "Who looks after the package, for its metadata.")
    flags.DEFINE_string("url", PackageConfig.url, "A page about the package, for its metadata.")
    flags.DEFINE_integer(
        "max_ram", None, "Bytes of state, working memory and stack that a model may take: slower kernels where it must."
    )
    flags.DEFINE_string("vendor", PackageConfig.vendor, "The vendor of a CMSIS pack.")


def _bundles(given: Sequence[str]) -> tuple[pathlib.Path, ...]:
    """The folders that --bundle names: given again, or with commas between them as other commands take them."""
    texts = [part for text in given for part in ([text] if os.path.exists(text) else text.split(","))]
    return tuple(map(pathlib.Path, texts))


def config_of(values: Any) -> PackageConfig:
    """The settings that flags give. Raises `UserError` for names that are no pairs."""
    pairs = [text.rpartition(":") for text in values.label_names]
    for label, separator, name in pairs:
        if not (label and separator and name):
            raise UserError(f"--label_names={','.join(values.label_names)}: expected LABEL:NAME, as 'hey you:hey_you'")
    return PackageConfig(
        bundles=_bundles(values.bundle),
        target=values.target,
        output=pathlib.Path(values.output),
        prefixes=tuple(values.prefix),
        name=values.name,
        profile=values.profile,
        version=values.package_version,
        label_names={label: name for label, _, name in pairs},
        clip=pathlib.Path(values.clip) if values.clip else None,
        maintainer=values.maintainer,
        url=values.url,
        vendor=values.vendor,
        max_ram=values.max_ram,
    )


def _changes(member: Member) -> str:
    """What --max_ram chose otherwise."""
    chosen = {core: variant.profile for variant in member.subject.variants for core in variant.serves}
    suited = {core.lower(): profile for core, profile in variants.suited(member.bundle.profile).items()}
    changed = [
        f"profile {chosen[core]} in place of {own} on {core}" for core, own in suited.items() if chosen[core] != own
    ]
    return ", ".join(changed) or "the profiles that it has anyway"


def work(values: Any) -> None:
    """The command with parsed flags."""
    config = config_of(values)
    members = package.write(config)
    print(f"{values.output}: a package for {values.target}")
    for member in members:
        subject, clip = member.subject, member.clip
        heard = f"{subject.labels[clip.label]!r} is heard" if clip.label >= 0 else "nothing is heard"
        print(f"  {member.prefix}.h: model {subject.name} {subject.sha256[:12]}, {heard} in its clip")
        for variant in subject.variants:
            cores, ram = ", ".join(variant.serves), public_header.ram_bytes(subject, variant.plan)
            print(f"    {cores} (profile {variant.profile}): {ram:,} bytes of RAM")
        if values.max_ram is not None:
            print(f"    within {values.max_ram:,} bytes with {memory.STACK_BYTES} of stack: {_changes(member)}")
    if values.target == PACK and not values.output.endswith(".pack"):
        print(f"  a pack's file is called {pack_name(config)}: rename it, or give --output that name")
    print("README.md in it says how to build it and what to flash first; docs/integrate.md has the rest")


def main() -> None:
    """Entry point of `python -m export.package` and `kws-package`."""
    command.run(work, define_flags)


if __name__ == "__main__":
    main()
