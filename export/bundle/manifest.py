"""bundle.json: what a bundle says of itself, with the hash of every file, of the C and of the manifest.

A bundle that lost a bit anywhere is not opened: a file's hash, or the manifest's own, differs. A hash tells damage, not
who wrote a bundle; what is checked beside it, names, labels and shapes, is that its parts belong together.
"""

import hashlib
import json
import pathlib
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from export.bundle import generated_c
from export.bundle.bundle_error import BundleError
from export.bundle.training.record import Training
from export.model import detector
from export.source import model_source
from kws_cli import json_file

if TYPE_CHECKING:
    from export.bundle.folder import Bundle

NAME = "bundle.json"
FORMAT_VERSION = 3
_C_AMONG_FILES, _WITHOUT_OWN_HASH = 1, 2
"""Formats that are read, too: with the C among the other files; without `sha256`."""
INTEGER_MODEL = "integer_model.npz"
TFLITE = "model.tflite"
KERAS = "keras_model.h5"
FLOAT_WEIGHTS = "float_weights.npz"
GOLDEN = "golden.npz"
CARD = "MODEL_CARD.md"
METRICS = "metrics.json"
REQUIRED = (INTEGER_MODEL, TFLITE, GOLDEN, CARD, METRICS)
OPTIONAL = (KERAS, FLOAT_WEIGHTS, detector.FILE)
REMEDY = "write the bundle again with python -m export.convert"
LARGEST_FILE = 1 << 28
"""Bytes, 256 MB: all of them are read before anything else is looked at."""

_OWN_HASH = "sha256"
_Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
# No name leads out of the folder.
_FileName = Annotated[str, msgspec.Meta(pattern=r"^(c/)?[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\Z")]


class _C(msgspec.Struct, forbid_unknown_fields=True):
    profile: _Text
    files: dict[_FileName, _Sha256]


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    format_version: int
    name: _Text
    labels: list[_Text]
    frontend: dict[str, int | list[int]]
    training: Training
    model_sha256: _Sha256
    files: dict[_FileName, _Sha256]
    c: _C | None = None
    sha256: _Sha256 | None = None


def write(folder: pathlib.Path, manifest: dict[str, Any]) -> None:
    """Writes `folder`'s manifest in the present format, with its own hash."""
    sealed = manifest | {"format_version": FORMAT_VERSION}
    text = json.dumps(sealed | {_OWN_HASH: own_hash(sealed)}, indent=2)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def own_hash(manifest: dict[str, Any]) -> str:
    """sha256 of everything in a manifest but this hash, however it is spaced."""
    content = {name: value for name, value in manifest.items() if name != _OWN_HASH}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read(folder: pathlib.Path) -> dict[str, Any]:
    """The manifest in the present format, every file that it names found and compared with its hash.

    Raises:
      BundleError: no manifest, one that was damaged or is of another format, a file that is missing, was changed, or
        that it should name and doesn't.
    """
    path = folder / NAME
    try:
        manifest = json_file.read(path, dict[str, Any])
        version = manifest.get("format_version")
        if isinstance(version, int) and version not in (_C_AMONG_FILES, _WITHOUT_OWN_HASH, FORMAT_VERSION):
            raise BundleError(f"{folder} has format version {version}, this program reads {FORMAT_VERSION}: {REMEDY}")
        json_file.shaped(manifest, _Manifest)
        json_file.check_text(manifest)
    except BundleError:
        raise
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} can't be read ({error}): {REMEDY}") from error
    if (version == FORMAT_VERSION or _OWN_HASH in manifest) and manifest.get(_OWN_HASH) != own_hash(manifest):
        raise BundleError(f"{path} is damaged or was changed (its own sha256 differs): {REMEDY}")
    if version == _C_AMONG_FILES:
        manifest = _with_c_apart(folder, manifest)
    if manifest.get("c") is None:
        raise BundleError(f"{path} can't be read (it says nothing of the C): {REMEDY}")
    _check_files(folder, manifest["files"])
    return manifest


def _with_c_apart(folder: pathlib.Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a bundle that was written when the C was among its files."""
    among = f"{generated_c.FOLDER}/"
    own = {name.removeprefix(among): value for name, value in manifest["files"].items() if name.startswith(among)}
    rest = {name: value for name, value in manifest["files"].items() if not name.startswith(among)}
    c = {"profile": model_source.profile_of(folder / generated_c.FOLDER), "files": own}
    return {**manifest, "files": rest, "c": c}


def _check_files(folder: pathlib.Path, files: dict[str, str]) -> None:
    for name in REQUIRED:
        if name not in files:
            raise BundleError(f"{folder / NAME} does not name {name}: {REMEDY}")
    for name in OPTIONAL:
        if name not in files and (folder / name).exists():
            raise BundleError(f"{folder / NAME} does not name {name}, which is there: remove it, or {REMEDY}")
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise BundleError(f"{folder} is truncated, {name} is missing: {REMEDY}")
        if (size := (folder / name).stat().st_size) > LARGEST_FILE:
            raise BundleError(f"{folder / name} has {size:,} bytes, expected at most {LARGEST_FILE:,}: {REMEDY}")
        if sha256(folder / name) != expected:
            raise BundleError(f"{folder / name} is damaged or was changed (its sha256 differs from {NAME}): {REMEDY}")


def sha256(path: pathlib.Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_parts(bundle: "Bundle") -> None:
    """Refuses parts that are whole, but don't belong together.

    Raises:
      BundleError: a manifest, golden vectors or a front end of another model.
      ModelError: an integer model that is none.
    """
    model, manifest = bundle.model, bundle.manifest
    for what, said, found in (
        ("name", manifest["name"], model.name),
        ("labels", ", ".join(manifest["labels"]), ", ".join(model.labels)),
        ("model_sha256", manifest["model_sha256"], model.sha256),
    ):
        if said != found:
            raise BundleError(f"{bundle.path / NAME} says {what} {said!r}, the integer model {found!r}: {REMEDY}")
    _check_golden(bundle)
    if bundle.frontend:
        config = bundle.frontend_config
        gives = (config.frames, config.coefficients, 1)
        if not config.calibrated or gives != model.input_shape:
            calibrated = "" if config.calibrated else ", and it isn't calibrated"
            raise BundleError(
                f"{bundle.path / NAME}: the front end gives features {gives}, the model takes {model.input_shape}"
                f"{calibrated}: {REMEDY}"
            )


def _check_golden(bundle: "Bundle") -> None:
    golden, model = bundle.golden, bundle.model
    count, classes = len(golden.clips), len(model.labels)
    for what, array, dtype, shape in (
        ("features", golden.features, "int8", (count, *model.input_shape)),
        ("labels", golden.labels, "int64", (count,)),
        ("logits_single", golden.logits_single, "int8", (count, classes)),
        ("logits_double", golden.logits_double, "int8", (count, classes)),
    ):
        if array.dtype != dtype or array.shape != shape:
            found = f"{array.dtype} {array.shape}, expected {dtype} {shape}"
            raise BundleError(f"{bundle.path / GOLDEN}: {what} are {found}: {REMEDY}")
    if count and not (golden.labels.min() >= -1 and golden.labels.max() < classes):
        raise BundleError(f"{bundle.path / GOLDEN}: labels of classes that the model does not have: {REMEDY}")
