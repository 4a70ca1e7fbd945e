"""Writes an integer model in memory as files: C, and .tflite."""

import pathlib

from cli import atomic
from export.bundle import generated_c, tflite
from export.model.integer_model import IntegerModel
from export.plan import FAST


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
