"""Proves a bundle: every implementation's codes, in every layer, against the exact interpreter.

    Keras fixed-point graph   = interpreter, single rounding
    C engine on the host      = interpreter, single rounding
    .tflite in TFLite Micro   = interpreter, double rounding
    golden logits             = interpreter, both

Run: python -m export.verify --bundle=B. Exit code 1 where a code differs; the first one is named.
"""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from cli.table import aligned
from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.bundle.parity import Parity
from export.model import interpreter
from export.model.probes import probes
from quant.qformat import dequantize

MISMATCH_EXIT_CODE = 1
GOLDEN = "golden"
_INPUTS = 500
_PROBES = 64
_REMEDY = "write the bundle again with python -m export.convert"

LayerCodes = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclasses.dataclass(frozen=True)
class VerifyConfig:
    """What to compare.

    Attributes:
      clips: at most so many golden clips; None for all.
      random_codes: so many probes beside them; None for 64, or as many as make 500 inputs.
      implementations: any of `IMPLEMENTATIONS`.
      seed: of the probes.
      batch: inputs at a time; bounds memory (the default network needs about 1 MB per input).
    """

    clips: int | None = None
    random_codes: int | None = None
    implementations: tuple[str, ...] = ("keras", "c_engine", "tflm")
    seed: int = 0
    batch: int = 128

    def __post_init__(self) -> None:
        for name in ("clips", "random_codes"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise BundleError(f"{name}={value} is negative: give 0 or more")
        unknown = set(self.implementations) - set(IMPLEMENTATIONS)
        if unknown:
            given = ",".join(self.implementations)
            raise BundleError(
                f"implementations={given}: unknown {sorted(unknown)}, choose from {', '.join(IMPLEMENTATIONS)}"
            )


def keras_layers(bundle: Bundle) -> LayerCodes:
    """The trained Keras graph: codes as float64, whole where the graph is on its grid."""
    from quant.training import model_file, trained_network  # imports TensorFlow

    path = bundle.keras_path
    if path is None:
        raise BundleError(f"bundle={bundle.path} has no Keras graph: its model was not trained")
    try:
        graph = model_file.load_model(path)
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} can't be read ({error}): {_REMEDY}") from error
    model = bundle.model
    layer_outputs = trained_network.layer_outputs(graph)

    def run_layers(codes: np.ndarray) -> dict[str, np.ndarray]:
        outputs = layer_outputs(dequantize(codes, model.input_format))
        formats = {layer.name: layer.output_format for layer in model.layers}
        return {
            name: np.asarray(values, np.float64) * 2.0 ** formats[name].fraction_bits
            for name, values in outputs.items()
            if name in formats
        }

    return run_layers


def c_engine_layers(bundle: Bundle) -> LayerCodes:
    """The generated C, compiled for this machine."""
    from export.host.c_engine import CEngine

    return CEngine.build(bundle.c_folder).run_layers


def tflm_layers(bundle: Bundle) -> LayerCodes:
    """The .tflite in TensorFlow Lite Micro."""
    from export.bundle.tflm import TflmModel

    try:
        return TflmModel(bundle.tflite_path.read_bytes()).run_layers
    except ValueError as error:
        raise BundleError(f"{bundle.tflite_path}: {error}; {_REMEDY}") from error


IMPLEMENTATIONS: dict[str, tuple[str, Callable[[Bundle], LayerCodes]]] = {
    "keras": ("single", keras_layers),
    "c_engine": ("single", c_engine_layers),
    "tflm": ("double", tflm_layers),
}


def skipped(bundle: Bundle, implementations: Iterable[str]) -> dict[str, str]:
    """Implementations that this bundle can't be compared with: name -> reason."""
    missing = {} if bundle.keras_path else {"keras": "the bundle has no Keras graph: its model was not trained"}
    return {name: reason for name, reason in missing.items() if name in implementations}


def verify(bundle: Bundle, config: VerifyConfig) -> dict[str, Any]:
    """Compares everything `config` asks for.

    Returns:
      Keys `bundle`, `model_sha256`, `clips`, `random_codes`, `inputs` (their sum), `mismatches`, and `pairs`: per
      implementation and golden rounding `implementation`, `reference`, `codes`, `mismatches`, `first` (None, or
      layer, clip, position, code, expected) and `layers` (name, codes, mismatches); `skipped`: a reason per
      implementation that the bundle can't be compared with.

    Raises:
      BundleError: no input to compare, an implementation that can't be loaded, or one without some layer.
    """
    model, golden = bundle.model, bundle.golden
    clips = len(golden) if config.clips is None else min(config.clips, len(golden))
    extra = max(_PROBES, _INPUTS - clips) if config.random_codes is None else config.random_codes
    if clips + extra == 0:
        raise BundleError("nothing to compare: no golden clips, or clips=0, and random_codes=0: give one of them more")
    codes = np.concatenate([golden.features[:clips], probes(config.seed, model, extra)])
    names = (*golden.clips[:clips], *(f"probe {i}" for i in range(extra)))
    running = []
    left_out = skipped(bundle, config.implementations)
    for name in config.implementations:
        if name in left_out:
            continue
        rounding, load = IMPLEMENTATIONS[name]
        running.append((Parity(name, rounding, model.layers), load(bundle)))
    logits = [Parity(GOLDEN, rounding, model.layers[-1:]) for rounding in interpreter.ROUNDINGS]
    for batch in _batches(len(codes), config.batch):
        expected = {
            rounding: {layer.name: y for layer, y in interpreter.run_layers(model, codes[batch], rounding)}
            for rounding in interpreter.ROUNDINGS
        }
        for parity, run_layers in running:
            _compare(parity, run_layers(codes[batch]), expected[parity.rounding], names[batch])
        for parity, kept in zip(logits, (golden.logits_single, golden.logits_double), strict=True):
            kept = kept[:clips][batch]
            last = model.layers[-1].name
            parity.add(last, kept, expected[parity.rounding][last][: len(kept)], names[batch])
    pairs = [parity.as_dict() for parity in (*(parity for parity, _ in running), *logits)]
    return {
        "bundle": str(bundle.path),
        "model_sha256": model.sha256,
        "clips": clips,
        "random_codes": extra,
        "inputs": clips + extra,
        "mismatches": sum(pair["mismatches"] for pair in pairs),
        "pairs": pairs,
        "skipped": left_out,
    }


def _batches(count: int, size: int) -> Iterator[slice]:
    with tqdm(total=count, desc="verify", unit="input", file=sys.stderr, disable=None) as progress:
        for start in range(0, count, size):
            yield slice(start, start + size)
            progress.update(min(size, count - start))


def _compare(
    parity: Parity, outputs: dict[str, np.ndarray], expected: dict[str, np.ndarray], clips: tuple[str, ...]
) -> None:
    for layer, correct in expected.items():
        if layer not in outputs:
            raise BundleError(f"{parity.implementation} has no layer {layer}, only {', '.join(outputs)}: {_REMEDY}")
        try:
            parity.add(layer, outputs[layer], correct, clips)
        except ValueError as error:
            raise BundleError(f"{error}: {_REMEDY}") from error


def table(result: dict[str, Any]) -> str:
    """The result for a person: a row per layer, a column of differing codes per pair, then what differs first."""
    pairs = result["pairs"]
    rows = [["layer", "codes", *(f"{pair['implementation']} ({pair['reference'].split()[-1]})" for pair in pairs)]]
    compared = {layer["name"]: layer["codes"] for pair in pairs for layer in pair["layers"] if layer["codes"]}
    for name in compared:
        found = [{layer["name"]: layer for layer in pair["layers"]}.get(name) for pair in pairs]
        counts = [str(layer["mismatches"]) if layer and layer["codes"] else "-" for layer in found]
        rows.append([name, f"{max(layer['codes'] for layer in found if layer):,}", *counts])
    lines = [f"codes that differ from the exact interpreter (rounding), {result['inputs']} inputs:"]
    lines += aligned(rows, left=1)
    for pair in pairs:
        if pair["first"]:
            first = pair["first"]
            lines.append(
                f"{pair['implementation']} differs from {pair['reference']} first in layer {first['layer']}, clip "
                f"{first['clip']}, position {list(first['position'])}: {first['code']:g}, expected {first['expected']}"
            )
    lines += [f"{name} skipped: {reason}" for name, reason in result["skipped"].items()]
    lines.append(
        f"{result['inputs']} inputs ({result['clips']} clips, {result['random_codes']} probes), "
        f"{sum(pair['codes'] for pair in pairs):,} codes compared, {result['mismatches']:,} differ"
    )
    return "\n".join(lines)
