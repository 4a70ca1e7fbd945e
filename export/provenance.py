"""Says where a bundle comes from, as JSON to sign, and lists what is in it or what the project needs (SBOM).

    python -m export.provenance --bundle=B --statement=provenance.json --sbom=sbom.json
    python -m export.provenance --requirements=requirements.txt --sbom=sbom.json

The statement is in-toto's with SLSA's provenance: files by hash, command, settings, seeds, data, teachers, packages.
The list is CycloneDX 1.6. The same bundle gives the same bytes. docs/trust.md says how to sign them.
"""

import json
import pathlib
from typing import Any

from absl import flags

from export.bundle import folder as bundles
from export.origin import parts_list, provenance
from kws_cli import atomic, command
from kws_cli.command import UserError


def define_flags() -> None:
    """Flags of `python -m export.provenance`."""
    flags.DEFINE_string("bundle", None, "Folder that export.convert wrote.")
    flags.DEFINE_string("requirements", None, "Instead of a bundle: a file of pinned packages, for --sbom.")
    flags.DEFINE_string("statement", None, "File for the statement (default: standard output, without --sbom).")
    flags.DEFINE_string("sbom", None, "File for the list of parts.")


def work(values: Any) -> None:
    """The command with parsed flags."""
    if (values.bundle is None) == (values.requirements is None):
        raise UserError("give --bundle=B, or --requirements=FILE with --sbom=FILE")
    if values.requirements is not None:
        command.require(sbom=values.sbom)
        if values.statement is not None:
            raise UserError("--statement is about a bundle: leave it out with --requirements")
        _write("sbom", values.sbom, _text(parts_list.of_requirements(pathlib.Path(values.requirements))))
        return
    bundle = bundles.load(pathlib.Path(values.bundle))
    said = provenance.text(provenance.statement(bundle))
    if values.statement is not None:
        _write("statement", values.statement, said)
    if values.sbom is not None:
        _write("sbom", values.sbom, _text(parts_list.of_bundle(bundle)))
    elif values.statement is None:
        print(said, end="")


def _text(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def _write(flag: str, path: str, text: str) -> None:
    try:
        atomic.write_text(path, text)
    except OSError as error:
        raise UserError(f"can't write --{flag}={path}: {error.strerror}") from error


def main() -> None:
    """Entry point of `python -m export.provenance`."""
    command.run(work, define_flags)


if __name__ == "__main__":
    main()
