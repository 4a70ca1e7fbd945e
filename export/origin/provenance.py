"""How a bundle came to be, as one JSON that can be signed: in-toto's statement with SLSA's predicate of provenance.

The statement's subjects are the bundle's files by their sha256. It says the command that makes them again, its settings
and seeds, the identity of the data, teachers by the hash of their weights, and the versions of the packages. The same
bundle gives the same bytes: there is no time in it, so that a signature (ssh-keygen -Y sign, cosign, gpg) can be
checked against a statement that is made anew.
Formats: in-toto Attestation Framework, Statement v1; SLSA v1.0, Provenance.
"""

import json
from typing import Any

from export.bundle.folder import Bundle
from export.bundle.manifest import NAME, sha256

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://slsa.dev/provenance/v1"
PROJECT = "fixed-point-kws"
_TRAINED, _WRITTEN = "kws.train", "export"
_MACHINE = ("python", "machine", "cores")


def statement(bundle: Bundle) -> dict[str, Any]:
    """The statement, JSON values; a bundle of an earlier version, or that was not trained, has less to say."""
    training = bundle.training
    files = {NAME: sha256(bundle.path / NAME), **bundle.manifest["files"]}
    c = {f"c/{name}": digest for name, digest in bundle.manifest["c"]["files"].items()}
    return {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted((files | c).items())],
        "predicateType": _PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": f"{PROJECT}/{_TRAINED if training else _WRITTEN}",
                "externalParameters": {
                    name: training[name] for name in ("command", "settings", "seed", "batch_size") if name in training
                },
                "internalParameters": {
                    "model": bundle.name,
                    "labels": list(bundle.labels),
                    "profile": bundle.profile,
                    "frontend": bundle.frontend,
                    "integer_model_sha256": bundle.model.sha256,
                    **({"float_sha256": training["float_sha256"]} if "float_sha256" in training else {}),
                },
                "resolvedDependencies": [*_data(training), *_teachers(training), *_packages(training)],
            },
            "runDetails": {"builder": {"id": PROJECT, "version": _machine(training)}},
        },
    }


def text(found: dict[str, Any]) -> str:
    """The statement as it is signed: sorted, ASCII, one line at its end."""
    return json.dumps(found, indent=2, sort_keys=True) + "\n"


def _data(training: dict[str, Any]) -> list[dict[str, Any]]:
    data = training.get("data", {})
    if "sha256" not in data:
        return []
    about = {name: value for name, value in data.items() if name != "sha256"}
    return [{"name": "training data", "digest": {"sha256": data["sha256"]}, "annotations": about}]


def _teachers(training: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": f"{flag}: {path}", "digest": {"sha256": digest}, "annotations": {"of": "the float weights"}}
        for flag, teachers in training.get("teachers", {}).items()
        for path, digest in teachers.items()
    ]


def _packages(training: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"uri": package_url(name, version)} for name, version in packages(training).items()]


def packages(training: dict[str, Any]) -> dict[str, str]:
    """Name -> version of the packages that a bundle was trained with."""
    known = training.get("environment", {})
    return {name: str(version) for name, version in known.items() if name not in _MACHINE}


def _machine(training: dict[str, Any]) -> dict[str, str]:
    known = training.get("environment", {})
    return {name: str(known[name]) for name in _MACHINE if name in known} | (
        {"device": str(training["device"])} if "device" in training else {}
    )


def package_url(name: str, version: str) -> str:
    """A package of PyPI, as a purl (github.com/package-url/purl-spec)."""
    return f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
