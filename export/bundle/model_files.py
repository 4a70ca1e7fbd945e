"""Writes an integer model in memory as files: C, .tflite, or a bundle."""

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from export.bundle import folder, generated_c, model_card, tflite
from export.bundle.folder import UNKNOWN_LABEL, Bundle
from export.model.integer_model import IntegerModel
from export.plan import FAST
from kws_cli import atomic, held_folder


def write_c(model: IntegerModel, folder: str | pathlib.Path, profile: str = FAST) -> list[pathlib.Path]:
    """Writes the model's C into a folder, which is made where it is missing, and returns the files' paths.

    They are `fxp_model.c` and `.h`, the same for streams where the model can be streamed (`fxp_stream_model`), and the
    plans that they follow, as text. They compile with the engine's C, whose files `microcontroller.c_sources.engine`
    names.

    Args:
      profile: kernels, one of `export.PROFILES`.

    Raises:
      ValueError: an unknown profile, or a layer that no kernel runs.
      OSError: the folder can't be written.
    """
    texts = generated_c.files(model, {}, None, profile)
    paths = [pathlib.Path(folder) / name for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        atomic.write_text(path, text)
    return paths


def write_tflite(model: IntegerModel, path: str | pathlib.Path, *, packed_int4: bool = False) -> None:
    """Writes the model as a fully integer .tflite, in whose runtime, TensorFlow Lite Micro, sums are rounded twice.

    Args:
      packed_int4: stores weights of at most 4 bits two per byte.

    Raises:
      ModelError: a layer whose padding or output format .tflite can't express.
      OSError: the file can't be written.
    """
    content = tflite.to_tflite(model, packed_int4=packed_int4)
    with atomic.writing(path) as fresh:
        fresh.write_bytes(content)


def write_bundle(
    path: str | pathlib.Path,
    model: IntegerModel,
    codes: np.ndarray,
    *,
    keras_model: Any = None,
    names: Sequence[str] | None = None,
    true_labels: np.ndarray | None = None,
    metrics: dict[str, Any] | None = None,
    command: str = "",
    profile: str = FAST,
) -> Bundle:
    """Writes a bundle, which all commands take that need no front end: verify, inspect, bench, matrix.

    Args:
      path: the folder; a bundle that is there is replaced.
      codes: real inputs, int8 [n, height, width, channels], for the golden vectors.
      keras_model: the graph from which `model` was lowered, for the proof; None for none.
      names: of the inputs; None numbers them.
      true_labels: index of each input's class, [n]; None where they aren't known.
      metrics: JSON values, in whose place nothing is known where it is None.
      command: the shell line that makes the bundle again, for its model card.
      profile: kernels of the C, one of `export.PROFILES`.

    Raises:
      BundleError: the folder holds something else, or can't be written.
      ValueError: codes of another shape or dtype, or a model that C or .tflite can't express.
    """
    known = np.full(len(codes), UNKNOWN_LABEL) if true_labels is None else true_labels
    numbered = tuple(f"input{i}" for i in range(len(codes))) if names is None else tuple(names)
    generated_c.files(model, {}, None, profile)  # raises before anything is written
    with held_folder.made("fxp-graph-") as staging:
        return folder.write(
            path,
            model=model,
            tflite=tflite.to_tflite(model),
            golden=folder.golden_vectors(model, numbered, codes, known),
            frontend={},
            keras_model=_saved(keras_model, staging),
            card=model_card.write(model, metrics or {}, {}, {"command": command}, {}),
            metrics=metrics or {},
            profile=profile,
        )


def _saved(keras_model: Any, place: pathlib.Path) -> pathlib.Path | None:
    if keras_model is None:
        return None
    from quant.training import model_file  # imports TensorFlow

    path = place / "graph.h5"
    model_file.save_model(keras_model, path)
    return path
