"""What is in a bundle, or what the project needs, as a CycloneDX 1.6 list in JSON: a software bill of materials.

Nothing in it depends on the time or the machine: the same parts give the same list.
Format: OWASP CycloneDX 1.6 (ECMA-424), https://cyclonedx.org/docs/1.6/json/.
"""

import hashlib
import json
import pathlib
import re
import uuid
from collections.abc import Iterable
from typing import Any

from export.bundle.folder import Bundle
from export.bundle.manifest import NAME, sha256
from export.origin.origin_error import OriginError
from export.origin.provenance import PROJECT, package_url, packages

_HASH = re.compile(r"\s--hash=\S+")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([A-Za-z0-9.+!_-]+)$")


def of_bundle(bundle: Bundle) -> dict[str, Any]:
    """A bundle's files, its data and teachers, and the packages that it was trained with."""
    files = {NAME: sha256(bundle.path / NAME), **bundle.manifest["files"]}
    files |= {f"c/{name}": digest for name, digest in bundle.manifest["c"]["files"].items()}
    training = bundle.training
    model = {
        "type": "machine-learning-model",
        "bom-ref": f"model/{bundle.name}",
        "name": bundle.name,
        "version": bundle.model.sha256[:12],
        "hashes": [_sha256(bundle.model.sha256)],
        "properties": [{"name": f"{PROJECT}:labels", "value": ", ".join(bundle.labels)}],
    }
    parts = [_part("file", name, digest) for name, digest in sorted(files.items())]
    if "sha256" in (data := training.get("data", {})):
        parts.append(_part("data", str(data.get("name", "training data")), data["sha256"]))
    for teachers in training.get("teachers", {}).values():
        for path, digest in teachers.items():
            if all(part["name"] != path for part in parts):
                parts.append(_part("machine-learning-model", path, digest))
    return _list(model, parts + _packages(packages(training).items()))


def of_requirements(path: pathlib.Path) -> dict[str, Any]:
    """The packages that a file of requirements pins, with or without hashes, for whichever Python they are.

    Raises:
      OriginError: the file can't be read, or has a line that pins no version.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OriginError(
            f"requirements={path} can't be read ({error}): give the project's requirements.txt"
        ) from error
    found = set()
    joined = "\n".join(line for line in lines if not line.lstrip().startswith("#")).replace("\\\n", " ")
    for line in (_HASH.sub("", line).partition(" #")[0].strip() for line in joined.splitlines()):
        if not line:
            continue
        pin = _PIN.match(line.partition(";")[0].strip())
        if pin is None:
            raise OriginError(f"requirements={path}: {line[:100]!r} pins no version, expected name==version")
        found.add((pin[1], pin[2]))
    root = {"type": "application", "bom-ref": PROJECT, "name": PROJECT}
    return _list(root, _packages(found))


def _list(root: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any]:
    content = json.dumps([root, parts], sort_keys=True).encode()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(content).digest()[:16], version=4)}",
        "version": 1,
        "metadata": {"component": root},
        "components": parts,
        "dependencies": [{"ref": root["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def _part(kind: str, name: str, digest: str) -> dict[str, Any]:
    return {"type": kind, "bom-ref": f"{kind}/{name}", "name": name, "hashes": [_sha256(digest)]}


def _packages(versions: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}
        for name, version in sorted(versions)
        for url in [package_url(name, version)]
    ]


def _sha256(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}
