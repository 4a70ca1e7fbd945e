"""The front end on the emulated Cortex-M4: Python's codes, CMSIS-DSP's spectra, and what a hop takes."""

import pathlib
import re
import sys

import emulated_device
import firmware
import numpy as np
import pytest
import stimuli

from export.frontend.cepstrum import spectrum, windowed
from export.model.frontend_config import FrontEndConfig
from export.model.frontend_tables import make_tables
from export.source import frontend_source
from kws.frontend import features

SETUP = pathlib.Path(__file__).parents[3] / "scripts/setup.sh"
MOST_INSTRUCTIONS = 30_000
MOST_BYTES = 8192


def _run(folder: pathlib.Path, clips: np.ndarray, config: FrontEndConfig, **built) -> tuple[np.ndarray, dict[str, int]]:
    """The device's features of clips, int8 [n, 49, 10], and its counts."""
    (folder / "samples.bin").write_bytes(clips.tobytes())
    hops = clips.shape[1] // config.hop_samples
    offset = built.pop("offset", 0)
    flags = (f"-DCLIP_HOPS={hops}", f"-DSAMPLES_OFFSET={offset}")
    counts = firmware.run(folder, "main.c", config, flags=flags, **built)
    assert counts["hops"] == len(clips) * hops
    codes = np.frombuffer((folder / "features.bin").read_bytes(), np.int8)
    return codes.reshape(len(clips), config.frames, config.coefficients), counts


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    return stimuli.adversarial_clips(every=40)


def test_codes_are_pythons_within_the_budget(clips: np.ndarray, config: FrontEndConfig, tmp_path: pathlib.Path) -> None:
    codes, counts = _run(tmp_path, clips, config)
    np.testing.assert_array_equal(codes, features(clips, config)[..., 0])
    assert 10_000 < counts["instructions_min"] <= counts["instructions_mean"] <= counts["instructions_max"]
    assert counts["instructions_max"] < MOST_INSTRUCTIONS
    assert counts["state_bytes"] + counts["scratch_bytes"] + counts["stack_bytes"] <= MOST_BYTES
    steps = sum(counts[f"{step}_mean"] for step in ("spectrum", "band_logs", "codes"))
    assert 0.95 * counts["instructions_mean"] < steps < counts["instructions_mean"]


@pytest.mark.parametrize(("cpu", "offset"), [("cortex-m4", 1), ("cortex-m7", 0), ("cortex-m3", 0), ("cortex-m0", 0)])
def test_other_cores_and_addresses_give_the_same(
    cpu: str, offset: int, clips: np.ndarray, config: FrontEndConfig, tmp_path: pathlib.Path
) -> None:
    codes, counts = _run(tmp_path, clips[::3], config, cpu=cpu, offset=offset)
    print(counts)
    np.testing.assert_array_equal(codes, features(clips[::3], config)[..., 0])


@pytest.mark.slow
def test_a_thousand_adversarial_clips_on_the_device(config: FrontEndConfig, tmp_path: pathlib.Path) -> None:
    clips = stimuli.adversarial_clips()
    codes, counts = _run(tmp_path, clips, config)
    print(counts)
    np.testing.assert_array_equal(codes, features(clips, config)[..., 0])


@pytest.mark.slow
def test_real_clips_on_the_device(config: FrontEndConfig, real_clips: np.ndarray, tmp_path: pathlib.Path) -> None:
    codes, counts = _run(tmp_path, real_clips, config)
    print(counts)
    np.testing.assert_array_equal(codes, features(real_clips, config)[..., 0])


def _frames(config: FrontEndConfig) -> np.ndarray:
    """int16 [n, 640]: second frames of clips of every kind."""
    return np.ascontiguousarray(stimuli.adversarial_clips(every=3)[:, 7900:8540])


def _write_frames(folder: pathlib.Path, samples: np.ndarray, window: np.ndarray) -> None:
    steps = frontend_source.steps(window).tobytes()
    (folder / "frames.bin").write_bytes(b"".join(steps + frame.tobytes() for frame in samples))


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m3"])
def test_spectra_are_the_python_packages(cpu: str, config: FrontEndConfig, tmp_path: pathlib.Path) -> None:
    samples = _frames(config)
    _write_frames(tmp_path, samples, make_tables(config).window)
    counts = firmware.run(tmp_path, "spectra.c", config, cpu=cpu)
    assert counts["frames"] == len(samples)
    found = np.frombuffer((tmp_path / "spectra.bin").read_bytes(), np.int32).reshape(len(samples), 515)
    expected = spectrum(windowed(samples, config))
    np.testing.assert_array_equal(found[:, :514], expected.reshape(len(samples), 514))
    peaks = np.abs(expected.astype(np.int64)).max((1, 2))
    np.testing.assert_array_equal(found[:, 514], [min(31 - int(peak).bit_length(), 16) for peak in peaks])


@pytest.fixture
def cmsis_dsp() -> pathlib.Path:
    """CMSIS-DSP's sources, in the version that set-up downloads."""
    version = re.search(r'^readonly cmsis_dsp="cmsisdsp==(.+)"$', SETUP.read_text(), re.MULTILINE)[1]
    folder = pathlib.Path(sys.prefix) / f"cmsis_dsp-{version}"
    if not (folder / "Source").is_dir():
        pytest.skip(f"{folder.name} is not in the environment: run make setup with a network")
    return folder


@pytest.mark.parametrize("flat", [False, True])
def test_spectra_are_those_of_cmsis_dsps_c(
    flat: bool, cmsis_dsp: pathlib.Path, config: FrontEndConfig, tmp_path: pathlib.Path
) -> None:
    emulated_device.require_tools()
    includes = tuple(f"-I{cmsis_dsp / name}" for name in ("Include", "PrivateInclude"))
    transform, tables = cmsis_dsp / "Source/TransformFunctions", cmsis_dsp / "Source/CommonTables"
    names = ("arm_rfft_q31", "arm_rfft_init_q31", "arm_cfft_q31", "arm_cfft_radix4_q31", "arm_bitreversal2")
    sources = [transform / f"{name}.c" for name in names]
    sources += [tables / "arm_common_tables.c", tables / "arm_const_structs.c"]
    sources += [cmsis_dsp / "Source/BasicMathFunctions/arm_shift_q31.c"]
    objects = firmware.compile_objects(tmp_path, sources, *includes, "-D__GNUC_PYTHON__")
    samples = _frames(config)
    _write_frames(tmp_path, samples, np.full(640, 16383, np.int16) if flat else make_tables(config).window)
    system = tuple(flag.replace("-I", "-isystem") for flag in includes)
    flags = ("-DCMSIS_DSP", "-D__GNUC_PYTHON__", "-Wl,--gc-sections,--undefined=vectors", *system)
    counts = firmware.run(tmp_path, "spectra.c", config, flags=flags, objects=objects)
    assert (counts["frames"], counts["different"]) == (len(samples), 0)
    print(counts)
    # Why there is own code: with window, fold and normalization it takes less than the library's transform alone.
    assert counts["spectrum_mean"] < counts["cmsis_fft_mean"] / 2
