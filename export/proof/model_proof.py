"""Proves an integer model in memory: what can be written from it, against the exact interpreter."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from export.bundle import generated_c, tflite
from export.model.integer_model import IntegerModel
from export.model.model_error import ModelError
from export.plan import PROFILES
from export.proof import implementations, verification
from export.proof.implementations import LayerCodes
from export.proof.verification import Verification
from kws_cli import held_folder

C_ENGINE = "C"


def verify(
    model: IntegerModel,
    codes: np.ndarray | None = None,
    *,
    keras_model: Any = None,
    profiles: Sequence[str] = PROFILES,
    random_codes: int | None = None,
    seed: int = 0,
) -> Verification:
    """Compares every implementation's codes, in every layer, with the exact interpreter's.

    These are the C of every profile, compiled for this machine; the .tflite in TensorFlow Lite Micro; the Keras graph.

    Args:
      codes: real inputs, int8 [n, height, width, channels]; None for none.
      keras_model: the graph from which `model` was lowered; None leaves it out.
      profiles: of the C, any of `export.PROFILES`.
      random_codes: probes beside the inputs: extremes, inputs that drive the first layer to its bounds, noise. None for
        64, or as many as make 500 inputs.
      seed: of the probes.

    Raises:
      HostError: no C compiler.
      ValueError: codes of another shape or dtype, a profile that has no kernel for a layer, or a graph of other layers.
    """
    clips = np.zeros((0, *model.input_shape), np.int8) if codes is None else codes
    compared = verification.inputs(model, clips, [f"input {i}" for i in range(len(clips))], random_codes, seed)
    loaded: dict[str, tuple[str, LayerCodes]] = {}
    skipped = {}
    if keras_model is not None:
        loaded["keras"] = ("single", implementations.keras_graph(model, keras_model))
    for profile in profiles:
        loaded[f"{C_ENGINE} {profile}"] = ("single", _compiled(model, profile))
    try:
        loaded["tflm"] = ("double", implementations.tflm(tflite.to_tflite(model)))
    except ModelError as error:
        skipped["tflm"] = str(error)
    return verification.compare(model, compared, loaded, skipped=skipped)


def _compiled(model: IntegerModel, profile: str) -> LayerCodes:
    with held_folder.made("fxp-proof-") as folder:
        c_folder = folder / "c"
        generated_c.write(c_folder, generated_c.files(model, {}, None, profile))
        return implementations.c_engine(c_folder)
