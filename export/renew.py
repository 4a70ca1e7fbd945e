"""Writes again what follows from the other files of a bundle: its C, the C's hashes, its model card.

python -m export.renew --bundle=B

After a change of the generator or of the card; the integer model and all that was measured stay.
"""

import pathlib
from typing import Any

from export.bundle import folder as bundles
from export.bundle import model_card
from export.bundle.folder import Bundle
from kws_cli import command


def renew(bundle: Bundle) -> Bundle:
    """The renewed bundle, in the same place; the card of a model that was not trained stays.

    Raises:
      BundleError: the bundle can't be written, or there is no C for it.
    """
    trained = bool(bundle.training)
    return bundles.add(bundle, {bundles.CARD: card(bundle)} if trained else {})


def card(bundle: Bundle) -> str:
    """The model card of a trained model's bundle."""
    return model_card.of_trained(bundle.model, bundle.metrics, bundle.frontend, bundle.training)


def define_flags() -> None:
    """Flags of `python -m export.renew`."""
    command.define_required_flag("bundle", "Folder that export.convert wrote.")


def _work(values: Any) -> None:
    before = bundles.load(pathlib.Path(values.bundle))
    after = renew(before)
    old, new = (bundle.manifest["c"]["files"] | bundle.manifest["files"] for bundle in (before, after))
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    print(f"{after.path}: {', '.join(changed) or 'nothing'} changed")


def main() -> None:
    """The command `python -m export.renew`."""
    command.run(_work, define_flags)


if __name__ == "__main__":
    main()
