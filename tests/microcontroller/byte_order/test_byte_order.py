"""Big-endian targets: C that reads codes as little-endian words does not compile, all other C gives the same codes."""

import pathlib
import subprocess

import compiled_engine
import numpy as np
import pytest

from export.host import compiler
from export.model import interpreter, random_model
from export.model.integer_model import IntegerModel
from export.model.stream_interpreter import StreamInterpreter
from export.plan import PROFILES
from export.source import model_source, stream_source
from microcontroller import c_sources
from microcontroller.firmware import build

BITS = ((8, 8), (4, 8), (4, 4))
ANY_ORDER = ("packed", "portable")
BIG_ENDIAN = ("-mbig-endian", "-Wl,--be8")
REFUSED = "this profile needs a little-endian target: write the C with --profile=portable"
# A Cortex-A: QEMU's Cortex-M are little-endian.
MACHINE = ("qemu-system-arm", "-M", "virt", "-cpu", "cortex-a15", "-m", "64", "-net", "none", "-nographic")
BARE = ("-ffreestanding", "-fno-tree-loop-distribute-patterns", "-nostdlib", "-Wl,-Ttext=0x40000000")


def random_network(weight_bits: int = 8, activation_bits: int = 8) -> IntegerModel:
    return random_model.ds_cnn(1, channels=8, blocks=1, weight_bits=weight_bits, activation_bits=activation_bits)


def network_s_end() -> IntegerModel:
    """A pool and a dense layer: in `fast`, without any loop made for its numbers, the dense one reads words."""
    layers = random_network().layers[-2:]
    return IntegerModel("end", tuple(f"label{i}" for i in range(layers[-1].output_shape[2])), layers)


def write(folder: pathlib.Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)


def check(sources: list[pathlib.Path], *folders: pathlib.Path) -> str:
    """What the compiler for a big-endian Cortex-M4 has against these sources."""
    includes = [*c_sources.include_flags(c_sources.engine()), *(f"-I{folder}" for folder in folders)]
    command = [build.tool("gcc"), "-mcpu=cortex-m4", "-mbig-endian", "-fsyntax-only", *compiler.C_FLAGS, *includes]
    done = subprocess.run([*command, *map(str, sources)], capture_output=True, text=True, check=False)
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("bits", BITS)
def test_profiles_that_read_codes_as_words_are_refused(
    tmp_path: pathlib.Path, bits: tuple[int, int], profile: str
) -> None:
    for generator in (model_source, stream_source):
        write(tmp_path, generator.generate(random_network(*bits), profile))
        complaint = check([tmp_path / generator.SOURCE], tmp_path)
        assert not complaint if profile in ANY_ORDER else REFUSED in complaint, generator


def test_kernels_compile_whichever_a_network_calls() -> None:
    assert not check([*c_sources.engine().files])


def test_two_samples_in_a_word_are_refused(tmp_path: pathlib.Path) -> None:
    dsp = next(path for path in c_sources.front_end().files if path.name == "fxp_frontend_spectrum_dsp.c")
    write(tmp_path, {"fxp_frontend_config.h": ""})
    assert "two samples are read as one little-endian word" in check(
        [dsp], *c_sources.front_end().include_folders, tmp_path
    )


def run(folder: pathlib.Path, source: str, inputs: np.ndarray, *flags: str) -> np.ndarray:
    """The codes, int8 [answers, labels], that the folder's generated C gives on a bare core."""
    write(folder, {"inputs.h": f"static const int8_t inputs[] = {{{','.join(map(str, inputs.ravel().tolist()))}}};"})
    includes = (*c_sources.include_flags(c_sources.engine()), f"-I{folder}")
    target = (build.tool("gcc"), "-mcpu=cortex-a15", "-mthumb", "-O2", *BARE)
    engine = compiled_engine.objects([*target, *(flag for flag in flags if not flag.startswith("-D"))], folder)
    files = (pathlib.Path(__file__).with_name("main.c"), folder / source, *engine)
    command = [*target, *flags, *includes, *map(str, files), "-o", str(folder / "bare.elf")]
    subprocess.run(command, check=True)
    command = [*MACHINE, "-semihosting", "-kernel", str(folder / "bare.elf")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, stdin=subprocess.DEVNULL)
    return np.array([list(bytes.fromhex(line)) for line in (done.stdout + done.stderr).split()], np.uint8).view(np.int8)


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        (random_network(), "portable"),
        (random_network(4, 4), "portable"),
        (network_s_end(), "fast"),
        (random_network(), "packed"),
        (random_network(4, 4), "packed"),
    ],
    ids=["w8a8", "w4a4", "end", "packed w8a8", "packed w4a4"],
)
@pytest.mark.parametrize("order", [(), BIG_ENDIAN], ids=["little", "big"])
def test_codes_of_a_clip(tmp_path: pathlib.Path, model: IntegerModel, profile: str, order: tuple[str, ...]) -> None:
    write(tmp_path, model_source.generate(model, profile))
    codes = random_model.codes(3, model, 8)
    found = run(tmp_path, model_source.SOURCE, codes, *order)
    assert np.array_equal(found, interpreter.run(model, codes, "single"))


@pytest.mark.parametrize("order", [(), BIG_ENDIAN], ids=["little", "big"])
def test_codes_of_a_stream(tmp_path: pathlib.Path, order: tuple[str, ...]) -> None:
    """Its pool's running sums and its dense layer read words in every profile."""
    model = random_network()
    write(tmp_path, stream_source.generate(model, "portable"))
    network = StreamInterpreter(model)
    shape = (60 * network.frames_per_step, *model.input_shape[1:])
    frames = np.random.default_rng(5).integers(-128, 128, shape).astype(np.int8)
    found = run(tmp_path, stream_source.SOURCE, frames, "-DSTREAM", *order)
    assert np.array_equal(found, network.run(frames.reshape(len(frames), -1)))
