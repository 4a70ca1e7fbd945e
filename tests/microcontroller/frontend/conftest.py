"""Front-end parameters and signals."""

import os
import pathlib
import wave

import numpy as np
import pytest

from export.host.frontend import CFrontEnd
from export.model.frontend_config import FrontEndConfig
from export.source import frontend_source
from kws.datasets import speech_commands

CLIP_SAMPLES = 16000


@pytest.fixture(scope="session")
def config() -> FrontEndConfig:
    """About what training on speech chooses, and wider, so that few codes saturate."""
    offsets = (140202579, 32386971, 2353237, 3342140, -3620080, -370949, -670475, 52316, -633177, 122887)
    return FrontEndConfig(offsets=offsets, shifts=(22, 20, 20, 19, 19, 19, 19, 18, 18, 18))


@pytest.fixture(scope="session")
def c_frontend(config: FrontEndConfig, tmp_path_factory: pytest.TempPathFactory) -> CFrontEnd:
    """The C front end on the host."""
    folder = tmp_path_factory.mktemp("frontend")
    for name, text in frontend_source.generate(config).items():
        (folder / name).write_text(text)
    return CFrontEnd.build(folder)


@pytest.fixture(scope="session")
def real_clips() -> np.ndarray:
    """int16 [n, 16000]: the testing split of the corpus in KWS_DATA_DIR."""
    folder = os.environ.get("KWS_DATA_DIR")
    if not folder:
        pytest.skip("KWS_DATA_DIR is not set: point it at an unpacked Speech Commands v0.02")
    names = (pathlib.Path(folder) / speech_commands.LISTS["testing"]).read_text().split()
    return np.stack([_samples(pathlib.Path(folder) / name) for name in names])


def _samples(path: pathlib.Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(CLIP_SAMPLES), "<i2")
    return np.pad(samples, (0, CLIP_SAMPLES - len(samples)))
