"""A kernel has one name: the C function is the plan's module, in the room of the same family."""

import importlib
import pathlib

import pytest

from export.plan import CHOICES
from export.plan.kernel import Kernel
from export.plan.kernels import profiles
from microcontroller import c_sources

ROOT = pathlib.Path(__file__).resolve().parents[3] / "export" / "plan" / "kernels"
PREFIX = "fxp_"


def every_kernel() -> dict[str, Kernel]:
    kernels = (*profiles.STREAM, *(kernel for profile in CHOICES.values() for kernel in profile.kernels))
    return {kernel.function: kernel for kernel in kernels}


@pytest.mark.parametrize("function", sorted(every_kernel()))
def test_a_kernel_s_module_and_file_have_its_name(function: str) -> None:
    (source,) = (path for path in c_sources.engine().files if path.stem == function)
    module = importlib.import_module(f"export.plan.kernels.{source.parent.name}.{function.removeprefix(PREFIX)}")
    assert hasattr(module, "KERNEL") or hasattr(module, "kernel")
    assert source.parent.name in {"portable", "dsp", "four_bit", "stream", "helium", "packed"}


def test_a_module_that_is_named_like_a_kernel_gives_it() -> None:
    """`conv2d_s8_dsp_lanes` is one function of C and a module for each layout that it writes."""
    names = {path.stem for path in c_sources.engine().files}
    modules = [path.stem for path in ROOT.rglob("*.py") if PREFIX + path.stem in names]
    assert sorted({PREFIX + name for name in modules}) == sorted(every_kernel())
    assert len(modules) == len(every_kernel()) + 1
