"""The detector that a bundle keeps, in detector.json."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import msgspec

from export.bundle.bundle_error import BundleError
from export.model.detector import FILE, Detector
from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter
from kws_cli import json_file
from kws_cli.settings import spelled

if TYPE_CHECKING:
    from export.bundle.folder import Bundle


class _Detector(msgspec.Struct, forbid_unknown_fields=True):
    format_version: int
    labels: list[str]
    fraction_bits: int
    window: int
    refractory: int
    thresholds: dict[str, int]
    rise: int | None = None


class _File(msgspec.Struct):
    detector: _Detector


def of_bundle(bundle: "Bundle") -> Detector:
    """The detector in a bundle.

    Raises:
      BundleError: there is none, or not one for this model.
    """
    remedy = f"write one with {spelled('python -m kws.tune_detector', {'bundle': bundle.path})} --data_dir=D"
    path = bundle.path / FILE
    if FILE not in bundle.manifest["files"]:
        raise BundleError(f"bundle={bundle.path} has no detector: {remedy}")
    try:
        detector = Detector.from_json(msgspec.to_builtins(json_file.read(path, _File).detector))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} can't be read ({error}): {remedy}") from error
    if detector.labels != bundle.labels or detector.fraction_bits != bundle.model.output_format.fraction_bits:
        raise BundleError(f"{path} was not made for the bundle's model: {remedy}")
    return detector


def adopted(bundle: "Bundle", model: IntegerModel) -> dict[str, str] | None:
    """A bundle's detector for another model of the same labels, as a file's name and text; None for another kind.

    Thresholds are of posteriors, so they mean the same for logits of another format.

    Raises:
      BundleError: the bundle has no detector.
    """
    detector = of_bundle(bundle)
    try:
        steps = [StreamInterpreter(each).frames_per_step for each in (bundle.model, model)]
    except ValueError:
        return None
    if detector.labels != model.labels or steps[0] != steps[1]:
        return None
    record = json.loads((bundle.path / FILE).read_text(encoding="utf-8"))
    fitting = dataclasses.replace(detector, fraction_bits=model.output_format.fraction_bits)
    about = {name: value for name, value in record.items() if name != "detector"}
    return bundle_files(fitting, {**about, "tuned_on": record.get("tuned_on", bundle.model.sha256)})


def bundle_files(detector: Detector, record: dict[str, Any]) -> dict[str, str]:
    """What `folder.add` puts into a bundle: detector.json, with `record` of how it was chosen."""
    return {FILE: json.dumps({"detector": detector.to_json(), **record}, indent=2) + "\n"}
