"""The comparisons of this machine: random models agree, past failures stay mended, and what is broken is found."""

import pathlib
import shutil

import pytest

from export.fuzzing import campaign, case, failure_file, here, refusals, shrinking
from export.fuzzing.campaign import FuzzConfig
from export.fuzzing.programs import machine
from export.fuzzing.programs.host_machine import KERNELS, HostMachine
from export.fuzzing.tally import Check, Tally
from export.model.model_error import ModelError
from export.plan.schedule import NoKernelError
from microcontroller import c_sources

ROOT = pathlib.Path(__file__).resolve().parents[3]
CORPUS = sorted((pathlib.Path(__file__).parent / "corpus").glob("*.json"))
MODELS = 5
BROKEN = {
    "a column of a window that is not there": (
        "nn/portable/fxp_depthwise_conv2d_s8.c",
        "w[row * window_row + 1] * in[row * input_row + channels]",
        "w[row * window_row + 1] * in[row * input_row]",
    ),
    "a word behind the output": (
        "nn/dsp/fxp_average_pool_s16_dsp.c",
        "for (; word < words; ++word) {",
        "for (; word <= words; ++word) {",
    ),
}


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Check:
    return here.check_in(tmp_path_factory.mktemp("fuzz"))


def test_random_models_agree(check: Check) -> None:
    tally = Tally()
    assert not check([case.drawn(0, number) for number in range(MODELS)], tally)
    assert all(tally.compared[f"C {name}"] == MODELS for name in ("fast", "small", "portable", "helium", "mixed"))
    assert tally.compared["tflm"] >= 1 and tally.codes > 10_000


def test_past_failures_stay_mended(check: Check) -> None:
    assert len(CORPUS) >= 4
    found = check([failure_file.read(path).case for path in CORPUS], Tally())
    assert not found, [(one.case.name, one.check, one.reason) for one in found]


def test_what_is_refused_has_words() -> None:
    assert refusals.is_refusal(NoKernelError("layer a: none")) and refusals.is_refusal(ModelError("layer a: no"))
    assert refusals.is_refusal(ValueError("layer a, channel 3: the accumulator can reach 200"))
    assert not refusals.is_refusal(ValueError("operands could not be broadcast together"))
    assert not refusals.is_refusal(KeyError("the accumulator can reach"))
    assert refusals.words("layer a1: 7x9, u4.f-3 and 1,024 B") == "layer: NxN, N and N B"


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_kernel_is_found_and_shrunk(tmp_path: pathlib.Path, name: str) -> None:
    """The sanitizer's word, or codes that differ: of a model with hardly anything in it."""
    shutil.copytree(ROOT / "microcontroller" / "engine", tmp_path / "c" / "engine")
    file, right, wrong = BROKEN[name]
    path = tmp_path / "c" / "engine" / file
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    host = HostMachine(tmp_path, c_sources.engine(tmp_path / "c"))

    def broken(cases, tally, only=None):
        return machine.check(host, cases, tally, only)

    found = broken([case.drawn(5, number) for number in range(4)], Tally())
    assert found and all(pathlib.Path(file).stem in one.reason for one in found)
    smallest = shrinking.smallest(found[0], broken, most_trials=90)
    assert len(smallest.case.codes) == 1 and len(smallest.case.model.layers) <= 2
    assert len(smallest.case.model.layers) < len(found[0].case.model.layers)


@pytest.mark.slow
def test_a_run_of_some_seconds(check: Check, tmp_path: pathlib.Path) -> None:
    """The run of `make fuzz`, for some seconds."""
    run = campaign.begun(FuzzConfig(models=100_000, seed=1, seconds=12, batch=16, folder=tmp_path), "host")
    run.run("host", check, KERNELS)
    assert run.journal.total.models >= 16 and not run.words
