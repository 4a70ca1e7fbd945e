"""A bundle: the folder that `export.convert` writes and everything downstream takes.

bundle.json          manifest: name, labels, front-end parameters, sha256 of every file, of the C and of itself
integer_model.npz    the integer model
model.tflite         fully integer flatbuffer
keras_model.h5       the trained fixed-point Keras graph, for the parity proof (only of a trained model)
float_weights.npz    the folded weights of the float model that it was trained from (only of a trained model)
c/                   the generated C, derived: schedule, weights, formats; may be missing (export/bundle/generated_c.py)
golden.npz           features of the test split, their labels, and the interpreter's logits
MODEL_CARD.md, metrics.json
detector.json        the detector of keywords in a stream, once `kws.tune_detector` has added it
"""

import contextlib
import dataclasses
import functools
import json
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import numpy as np

from export.bundle import copying, detector_file, generated_c
from export.bundle import manifest as manifests
from export.bundle.bundle_error import BundleError
from export.model import detector, float_model, integer_model, interpreter
from export.model.float_model import FloatModel
from export.model.frontend_config import FrontEndConfig
from export.plan import FAST
from kws_cli import array_file, atomic, json_file

MANIFEST = manifests.NAME
INTEGER_MODEL, TFLITE, KERAS, FLOAT_WEIGHTS = (
    manifests.INTEGER_MODEL,
    manifests.TFLITE,
    manifests.KERAS,
    manifests.FLOAT_WEIGHTS,
)
GOLDEN, CARD, METRICS = manifests.GOLDEN, manifests.CARD, manifests.METRICS
C_FOLDER = generated_c.FOLDER
UNKNOWN_LABEL = -1
"""In place of the index of a golden input's true label, where it isn't known."""


@dataclasses.dataclass(frozen=True)
class Golden:
    """Golden vectors: real inputs and the exact interpreter's answers.

    Attributes:
      clips: names of the clips, [n].
      features: int8 [n, height, width, channels], the network's input codes.
      labels: int64 [n], index of the true label, or `UNKNOWN_LABEL`.
      logits_single, logits_double: int8 [n, labels], per rounding.
    """

    clips: tuple[str, ...]
    features: np.ndarray
    labels: np.ndarray
    logits_single: np.ndarray
    logits_double: np.ndarray

    def __len__(self) -> int:
        return len(self.features)


def golden_vectors(
    model: integer_model.IntegerModel, clips: tuple[str, ...], features: np.ndarray, labels: np.ndarray
) -> Golden:
    """Runs the interpreter in both roundings over `features` (int8 [n, h, w, c])."""
    logits = {rounding: interpreter.run(model, features, rounding) for rounding in interpreter.ROUNDINGS}
    return Golden(tuple(clips), features, np.asarray(labels, np.int64), logits["single"], logits["double"])


@dataclasses.dataclass(frozen=True)
class Bundle:
    """An opened, whole bundle; files are read when asked for.

    Attributes:
      path: the folder.
      manifest: the parsed bundle.json.
    """

    path: pathlib.Path
    manifest: dict[str, Any]

    @functools.cached_property
    def model(self) -> integer_model.IntegerModel:
        return integer_model.load(self.path / INTEGER_MODEL)

    @functools.cached_property
    def golden(self) -> Golden:
        try:
            arrays = array_file.read(self.path / GOLDEN)
            if arrays["clips"].ndim != 1:
                raise ValueError(f"clips are of shape {arrays['clips'].shape}, expected a list of names")
            return Golden(
                tuple(str(name) for name in arrays["clips"]),
                arrays["features"],
                arrays["labels"],
                arrays["logits_single"],
                arrays["logits_double"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(f"{self.path / GOLDEN} can't be read ({error}): {manifests.REMEDY}") from error

    @property
    def name(self) -> str:
        return self.manifest["name"]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.manifest["labels"])

    @property
    def frontend(self) -> dict[str, Any]:
        """The front end's parameters, as `kws.frontend` wrote them; empty for a model without one."""
        return self.manifest["frontend"]

    @property
    def frontend_config(self) -> FrontEndConfig:
        """The same, typed. Raises `BundleError` for a model that takes features of its user's own."""
        if not self.frontend:
            raise BundleError(
                f"bundle={self.path} has no front end, its model takes features and no sound: prove it with "
                "export.verify, count it with microcontroller.bench"
            )
        return FrontEndConfig.from_json(self.frontend)

    @property
    def training(self) -> dict[str, Any]:
        """Settings, environment and data of the training; empty for a bundle that was not trained."""
        return self.manifest["training"]

    @property
    def tflite_path(self) -> pathlib.Path:
        return self.path / TFLITE

    @property
    def keras_path(self) -> pathlib.Path | None:
        """The trained graph; None in a bundle of a model that was not trained."""
        return self.path / KERAS if KERAS in self.manifest["files"] else None

    @functools.cached_property
    def float_model(self) -> FloatModel | None:
        """The float model; None in a bundle that carries no weights of it, as those of earlier versions.

        Raises:
          ModelError: weights of another model.
        """
        if FLOAT_WEIGHTS not in self.manifest["files"]:
            return None
        return float_model.load(self.path / FLOAT_WEIGHTS, self.model)

    @property
    def profile(self) -> str:
        """Kernels of the bundle's C, one of `export.plan.PROFILES`."""
        return self.manifest["c"]["profile"]

    @functools.cached_property
    def c_files(self) -> dict[str, str]:
        """The bundle's C, name -> text, as this program writes it from the integer model, front end and detector.

        Raises:
          BundleError: a part for which there is no C.
        """
        model, frontend, profile = self.model, self.frontend, self.profile
        found = detector_file.of_bundle(self) if detector.FILE in self.manifest["files"] else None
        try:
            return generated_c.files(model, frontend, found, profile)
        except ValueError as error:
            raise BundleError(f"bundle={self.path} has no C in profile {profile}: {error}") from error

    @functools.cached_property
    def c_folder(self) -> pathlib.Path:
        """A folder of `c_files`: c/, written where it is missing or of another version of this program.

        Raises:
          BundleError: a part for which there is no C, or a c/ that was changed.
        """
        return generated_c.folder(self.path / C_FOLDER, self.c_files, self.manifest["c"]["files"])

    @property
    def metrics(self) -> dict[str, Any]:
        """Raises `BundleError` where they can't be read."""
        try:
            found: dict[str, Any] = json_file.read(self.path / METRICS, dict[str, Any])
            json_file.check_text(found)
            return found
        except (OSError, ValueError) as error:
            raise BundleError(f"{self.path / METRICS} can't be read ({error}): {manifests.REMEDY}") from error


def write(
    path: str | pathlib.Path,
    *,
    model: integer_model.IntegerModel,
    tflite: bytes,
    golden: Golden,
    frontend: dict[str, Any],
    keras_model: pathlib.Path | None,
    card: str,
    metrics: dict[str, Any],
    profile: str = FAST,
    training: dict[str, Any] | None = None,
    float_weights: dict[str, np.ndarray] | None = None,
    texts: dict[str, str] | None = None,
) -> Bundle:
    """Writes a bundle at `path`, replacing one that is there; a failure leaves the old one whole.

    Args:
      keras_model: an .h5 file to copy; None for a model that was not trained.
      profile: kernels of the C, one of `export.plan.PROFILES`.
      training: settings, environment and data that led here, as JSON values.
      float_weights: of the float model (`export.model.float_model`); None for none.
      texts: further files, name -> text, such as a detector's; None for none.

    Raises:
      BundleError: `path` holds something that is not a bundle, or a trained one that an untrained model would
        replace, or can't be written; a part for which there is no C.
    """
    path = pathlib.Path(path)
    if path.exists() and not (path / MANIFEST).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise BundleError(f"bundle={path} exists and is not a bundle: choose another path or remove it")
    if not training and _is_trained(path):
        raise BundleError(f"bundle={path} holds a trained model, which would be lost: choose another path or remove it")
    with _writing(path) as fresh:
        fresh.mkdir()
        integer_model.save(model, fresh / INTEGER_MODEL)
        (fresh / TFLITE).write_bytes(tflite)
        if keras_model is not None:
            shutil.copyfile(keras_model, fresh / KERAS)
        if float_weights is not None:
            float_model.save(float_weights, fresh / FLOAT_WEIGHTS)
        arrays = {name: getattr(golden, name) for name in ("features", "labels", "logits_single", "logits_double")}
        array_file.write(fresh / GOLDEN, {"clips": np.array(golden.clips, dtype=np.str_), **arrays})
        (fresh / CARD).write_text(card, encoding="utf-8")
        (fresh / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
        for name, text in (texts or {}).items():
            (fresh / name).write_text(text, encoding="utf-8")
        manifest = {
            "name": model.name,
            "labels": list(model.labels),
            "frontend": frontend,
            "training": training or {},
            "model_sha256": model.sha256,
            "files": {file.name: manifests.sha256(file) for file in sorted(fresh.iterdir())},
            "c": {"profile": profile},
        }
        _finish(fresh, manifest)
    return load(path)


def add(bundle: Bundle, files: dict[str, str], profile: str | None = None) -> Bundle:
    """Adds text files (name -> text), or replaces them; a failure leaves the old bundle whole.

    The C and its hashes become what this program writes.

    Args:
      profile: kernels of the C, one of `export.plan.PROFILES`; None for the bundle's own.

    Raises:
      BundleError: the bundle can't be written, or a file is none of this bundle.
    """
    with _writing(bundle.path) as fresh:
        copying.copy(bundle.path, fresh, bundle.manifest["files"])
        for name, text in files.items():
            (fresh / name).write_text(text, encoding="utf-8")
        hashes = bundle.manifest["files"] | {name: manifests.sha256(fresh / name) for name in files}
        shutil.rmtree(fresh / C_FOLDER, ignore_errors=True)
        c = bundle.manifest["c"] | {"profile": profile or bundle.profile}
        _finish(fresh, bundle.manifest | {"files": dict(sorted(hashes.items())), "c": c})
    return load(bundle.path)


def _is_trained(path: pathlib.Path) -> bool:
    """Whether there is a whole bundle that says how it was trained."""
    try:
        return bool(manifests.read(path).get("training"))
    except BundleError:
        return False


@contextlib.contextmanager
def _writing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """`atomic.writing` of a bundle's folder."""
    try:
        with atomic.writing(path) as fresh:
            yield fresh
    except OSError as error:
        named = f": {error.filename}" if error.filename else ""
        raise BundleError(f"can't write bundle={path}: {error.strerror or error}{named}") from error


def _finish(fresh: pathlib.Path, manifest: dict[str, Any]) -> None:
    """Writes the C that follows from the other files, and the manifest."""
    texts = Bundle(fresh, manifest).c_files
    generated_c.write(fresh / C_FOLDER, texts)
    manifest = {**manifest, "c": {"profile": manifest["c"]["profile"], "files": generated_c.hashes(texts)}}
    manifests.write(fresh, manifest)


def load(path: str | pathlib.Path) -> Bundle:
    """Opens a bundle after checking that every file is there and unchanged, those of c/ where there is a c/.

    Raises:
      BundleError: no bundle there, a file missing, changed or of other users alone, another format version, or parts of
        different models.
      ModelError: an integer model or a front end that is none.
    """
    try:
        return _load(pathlib.Path(path))
    except OSError as error:
        where = error.filename or path
        raise BundleError(
            f"bundle={path} can't be read ({where}: {error.strerror}): make it readable, or give another bundle"
        ) from error


def _load(path: pathlib.Path) -> Bundle:
    if not path.is_dir():
        raise BundleError(f"bundle={path} is not a folder: correct the path, or {manifests.REMEDY}")
    if not (path / MANIFEST).is_file():
        raise BundleError(f"bundle={path} has no {MANIFEST}: it is not a bundle or not a whole one; {manifests.REMEDY}")
    manifest = manifests.read(path)
    generated_c.check(path / C_FOLDER, manifest["c"]["files"])
    bundle = Bundle(path, manifest)
    manifests.check_parts(bundle)
    return bundle


def load_hearing(path: str | pathlib.Path) -> Bundle:
    """`load` of a bundle whose model hears sound.

    Raises:
      BundleError: as `load`; one without a front end, or whose front end listens at another rate than all recordings.
    """
    bundle = load(path)
    rate, recordings = bundle.frontend_config.sample_rate, FrontEndConfig.sample_rate
    if rate != recordings:
        raise BundleError(
            f"bundle={bundle.path} listens at {rate} Hz, recordings have {recordings}: train again with the default "
            "front end"
        )
    return bundle
