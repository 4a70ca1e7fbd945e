"""Writes again what follows from the other files of a bundle: its C, the C's hashes, its model card.

python -m export.renew --bundle=B
python -m export.renew --bundle=B --max_ram=8192

After a change of the generator or of the card, or for other kernels; the integer model and all that was measured stay.
"""

import pathlib
from typing import Any

from absl import flags

from export.bundle import folder as bundles
from export.bundle import model_card
from export.bundle.folder import Bundle
from export.plan import PROFILES
from export.plan.goals import GOALS, chosen_within, profile_for, profile_within
from kws_cli import command
from kws_cli.command import UserError


def renew(bundle: Bundle, profile: str | None = None) -> Bundle:
    """The renewed bundle, in the same place; the card of a model that was not trained stays.

    Args:
      profile: kernels of the C, one of `export.plan.PROFILES`; None for the bundle's own.

    Raises:
      BundleError: the bundle can't be written, or there is no C for it.
    """
    trained = bool(bundle.training)
    return bundles.add(bundle, {bundles.CARD: card(bundle)} if trained else {}, profile)


def card(bundle: Bundle) -> str:
    """The model card of a trained model's bundle."""
    return model_card.of_trained(bundle.model, bundle.metrics, bundle.frontend, bundle.training)


def define_flags() -> None:
    """Flags of `python -m export.renew`."""
    command.define_required_flag("bundle", "Folder that export.convert wrote.")
    flags.DEFINE_enum("profile", None, list(PROFILES), "Kernels of the C (default: the bundle's own).")
    flags.DEFINE_enum("optimize", None, list(GOALS), "Instead of --profile: what the kernels are chosen for.")
    flags.DEFINE_integer(
        "max_ram", None, "Bytes of arena and stack that an inference may take: row by row (profile ram) where it must."
    )


def _profile(values: Any, bundle: Bundle) -> str:
    """The profile that flags name, or the bundle's own, or one within --max_ram. Raises `UserError`, `PlanError`."""
    for other in ("optimize", "max_ram"):
        if values.profile is not None and values[other].present:
            raise UserError(f"--{other}={values[other].value} and --profile={values.profile}: give one of them")
    asked = values.profile or (profile_for(values.optimize) if values.optimize else bundle.profile)
    return profile_within(bundle.model, asked, values.max_ram)


def _work(values: Any) -> None:
    before = bundles.load(pathlib.Path(values.bundle))
    profile = _profile(values, before)
    after = renew(before, profile)
    old, new = (bundle.manifest["c"]["files"] | bundle.manifest["files"] for bundle in (before, after))
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    print(f"{after.path}: {', '.join(changed) or 'nothing'} changed")
    if values.max_ram is not None:
        print(chosen_within(after.model, profile, values.max_ram))


def main() -> None:
    """The command `python -m export.renew`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
