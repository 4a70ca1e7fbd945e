"""The engines that the bench can measure: the same integer model, in the same firmware, with the same flags."""

import dataclasses
import pathlib
from collections.abc import Callable

from cli.command import UserError
from export import c_source
from export.bundle import Bundle
from export.kernel_plan import PORTABLE
from microcontroller.baselines.cmsis_nn import package, runner
from microcontroller.build import Kernels, own_kernels

# CMSIS-NN asks for GNU C (inline assembly), and is not held to this project's warnings.
_FOREIGN_C_FLAGS = ("-std=gnu11", "-w")


@dataclasses.dataclass(frozen=True)
class Engine:
    """An implementation of the model.

    Attributes:
      name: as --engine takes it.
      rounding: of `export.interpreter`, which its logits must equal.
      c_folder: from a bundle and a folder to write to, the folder of the C that is compiled.
      kernels: what that C calls.
      origin: what it is, in a line.
    """

    name: str
    rounding: str
    c_folder: Callable[[Bundle, pathlib.Path], pathlib.Path]
    kernels: Callable[[], Kernels]
    origin: Callable[[], str]


def _written(files: dict[str, str], folder: pathlib.Path) -> pathlib.Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    except OSError as error:
        raise UserError(f"can't write to --build_dir={folder.parent}: {error.strerror}") from error
    return folder


def _portable(bundle: Bundle, folder: pathlib.Path) -> pathlib.Path:
    return _written(c_source.generate(bundle.model, profile=PORTABLE), folder)


def _cmsis_nn(bundle: Bundle, folder: pathlib.Path) -> pathlib.Path:
    try:
        files = runner.generate(bundle.model)
    except ValueError as error:
        raise UserError(f"--engine={CMSIS_NN} can't run this bundle: {error}; leave it out") from error
    return _written(files, folder)


def _cmsis_nn_kernels() -> Kernels:
    return Kernels(CMSIS_NN, tuple(package.sources()), tuple(package.include_dirs()), _FOREIGN_C_FLAGS)


FXP, REFERENCE, CMSIS_NN = "fxp", "reference", "cmsis_nn"
ENGINES = {
    engine.name: engine
    for engine in (
        Engine(FXP, "single", lambda bundle, folder: bundle.c_folder, own_kernels, lambda: "the bundle's C as it is"),
        Engine(
            REFERENCE,
            "single",
            _portable,
            lambda: dataclasses.replace(own_kernels(), name=REFERENCE),
            lambda: "the same model with this project's portable kernels",
        ),
        Engine(
            CMSIS_NN,
            "double",
            _cmsis_nn,
            _cmsis_nn_kernels,
            lambda: f"int8 kernels of {package.version()}, called on the same layers",
        ),
    )
}
NAMES = tuple(ENGINES)
