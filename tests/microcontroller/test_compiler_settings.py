"""The C compiles whatever a project's settings are: without optimization, with frame pointers, position independent."""

import pathlib
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from export.model.detector import NEVER, Detector
from export.model.frontend_config import FrontEndConfig
from export.source import detector_source, frontend_source
from microcontroller import c_sources
from microcontroller.firmware import build

PARTS = c_sources.engine(), c_sources.front_end(), c_sources.detector()
FILES = [path for part in PARTS for path in part.files]
CORES = {
    "cortex-m4": (),
    "cortex-m7": (),
    "cortex-m33": (),
    "cortex-m55": ("-mfloat-abi=hard",),
    "cortex-m3": (),
    "cortex-m0plus": (),
}
# r7 is the frame pointer of Thumb code, and r9 the base of position-independent data: the C may need neither.
SETTINGS = {
    "unoptimized": ("-O0",),
    "for a debugger": ("-Og", "-g3"),
    "small": ("-Os",),
    "with frame pointers": ("-O2", "-fno-omit-frame-pointer"),
    "fastest": ("-O3",),
    "position independent": ("-O2", "-fpic", "-msingle-pic-base"),
}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("generated")
    front_end = frontend_source.generate(FrontEndConfig(offsets=(0,) * 10, shifts=(19,) * 10))
    detector = detector_source.generate(Detector(("_silence_", "yes"), 4, 25, 25, (NEVER, 1000)))
    for name, text in {**front_end, **detector}.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("core", CORES)
def test_every_file_compiles(core: str, settings: str, generated: pathlib.Path, tmp_path: pathlib.Path) -> None:
    flags = [f"-mcpu={core}", "-mthumb", *CORES[core], *SETTINGS[settings], "-std=c11", "-Wall", "-Wextra", "-Werror"]
    command = [build.tool("gcc"), *flags, f"-I{generated}", *c_sources.include_flags(*PARTS)]

    def compiled(path: pathlib.Path) -> str:
        step = [*command, "-c", str(path), "-o", str(tmp_path / f"{path.stem}.o")]
        return subprocess.run(step, capture_output=True, text=True).stderr

    with ThreadPoolExecutor(2) as pool:
        assert not list(filter(None, pool.map(compiled, FILES)))
