"""Proves a bundle: what is in it, and its C compiled for this machine, against the exact interpreter."""

import dataclasses
import importlib.util
from collections.abc import Callable

from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.proof import implementations, stream_proof, verification
from export.proof.implementations import LayerCodes
from export.proof.proof_error import ProofError
from export.proof.verification import BATCH, Verification

_NO_GRAPH = "has no Keras graph: its model was not trained"
_GRAPHS_PACKAGE = "tensorflow"
_REMEDY = "write the bundle again with python -m export.convert"


@dataclasses.dataclass(frozen=True)
class VerifyConfig:
    """What to compare.

    Attributes:
      clips: at most so many golden clips; None for all.
      random_codes: so many probes beside them; None for 64, or as many as make 500 inputs.
      implementations: any of `COMPARED`.
      seed: of the probes.
      batch: inputs at a time.
    """

    clips: int | None = None
    random_codes: int | None = None
    implementations: tuple[str, ...] = ("keras", "c_engine", "tflm", "frontend", "stream", "detector")
    seed: int = 0
    batch: int = BATCH

    def __post_init__(self) -> None:
        for name in ("clips", "random_codes"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise BundleError(f"{name}={value} is negative: give 0 or more")
        unknown = set(self.implementations) - set(COMPARED)
        if unknown:
            given = ",".join(self.implementations)
            raise BundleError(f"implementations={given}: unknown {sorted(unknown)}, choose from {', '.join(COMPARED)}")


def _keras(bundle: Bundle) -> LayerCodes:
    from quant.training import model_file  # imports TensorFlow

    path = bundle.keras_path
    if path is None:
        raise BundleError(f"bundle={bundle.path} {_NO_GRAPH}")
    try:
        graph = model_file.load_model(path)
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} can't be read ({error}): {_REMEDY}") from error
    return implementations.keras_graph(bundle.model, graph)


def _c_engine(bundle: Bundle) -> LayerCodes:
    return implementations.c_engine(bundle.c_folder)


def _tflm(bundle: Bundle) -> LayerCodes:
    try:
        return implementations.tflm(bundle.tflite_path.read_bytes())
    except ValueError as error:
        raise BundleError(f"{bundle.tflite_path}: {error}; {_REMEDY}") from error


IMPLEMENTATIONS: dict[str, tuple[str, Callable[[Bundle], LayerCodes]]] = {
    "keras": ("single", _keras),
    "c_engine": ("single", _c_engine),
    "tflm": ("double", _tflm),
}
"""Name -> the rounding that it must have, and how a bundle's is loaded."""
COMPARED = (*IMPLEMENTATIONS, *stream_proof.PARTS)
"""All that can be compared."""


def verify_bundle(bundle: Bundle, config: VerifyConfig = VerifyConfig()) -> Verification:
    """Compares everything `config` asks for, and the golden logits in both roundings.

    Raises:
      BundleError: an implementation that can't be loaded or compared.
      ProofError: no input to compare.
    """
    golden = bundle.golden
    clips = len(golden) if config.clips is None else min(config.clips, len(golden))
    compared = verification.inputs(
        bundle.model, golden.features[:clips], golden.clips[:clips], config.random_codes, config.seed
    )
    skipped = {name: reason for name, reason in _missing(bundle).items() if name in config.implementations}
    loaded = {
        name: (IMPLEMENTATIONS[name][0], IMPLEMENTATIONS[name][1](bundle))
        for name in config.implementations
        if name in IMPLEMENTATIONS and name not in skipped
    }
    logits = {"single": golden.logits_single, "double": golden.logits_double}
    try:
        found = verification.compare(bundle.model, compared, loaded, logits, skipped, config.batch)
    except ProofError as error:
        raise BundleError(f"{error}: {_REMEDY}") from error
    parts = [name for name in stream_proof.PARTS if name in config.implementations and name not in skipped]
    heard = tuple(stream_proof.PARTS[name](bundle, config.seed) for name in parts)
    return dataclasses.replace(found, pairs=found.pairs + heard)


def _missing(bundle: Bundle) -> dict[str, str]:
    """What can't be compared: implementation -> reason."""
    graph = {} if bundle.keras_path else {"keras": f"the bundle {_NO_GRAPH}"}
    if bundle.keras_path and importlib.util.find_spec(_GRAPHS_PACKAGE) is None:
        graph = {"keras": "TensorFlow, which runs the Keras graph, is not installed"}
    return graph | stream_proof.missing(bundle)
