"""The engines that the bench can measure: the same integer model, in the same firmware, with the same flags."""

import dataclasses
import pathlib
from collections.abc import Callable

from export.bundle.folder import Bundle
from export.plan import PORTABLE, PROFILES
from export.source import model_source
from microcontroller.boards import ARM, Board
from microcontroller.firmware.build import Kernels, own_kernels
from microcontroller.measurement.measurement_error import MeasurementError
from microcontroller.rivals.cmsis_nn import package, runner
from microcontroller.rivals.tflm import checkout
from microcontroller.rivals.tflm import runner as tflm_runner

AUTO = "auto"
PROFILE_NAMES = (AUTO, *PROFILES)
FXP, REFERENCE, CMSIS_NN, TFLM = "fxp", "reference", "cmsis_nn", "tflm"
# CMSIS-NN asks for GNU C (inline assembly), and is not held to this project's warnings.
_FOREIGN_C_FLAGS = ("-std=gnu11", "-w")
# CMSIS-NN's own switch for plain C on a core that is not Arm's, and the one word that it leaves undefined then.
_CMSIS_NN_ELSEWHERE = ("-D__GNUC_PYTHON__", "-D__RESTRICT=__restrict")
# As its own make compiles TensorFlow Lite Micro.
_TFLM_LINK_FLAGS = ("-lm", "--specs=nosys.specs")
_SOFT_FLOAT_ABI = "softfp"
_TFLM_CXX_FLAGS = ("-std=gnu++17", "-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics", "-DTF_LITE_STATIC_MEMORY")


@dataclasses.dataclass(frozen=True)
class Code:
    """What is compiled, with the engine's kernels, for one bundle and board.

    Attributes:
      folder: of fxp_model.h and fxp_model.c.
      profile: of `export.plan`; None for kernels that are not this project's.
      origin: what it is, in a line.
    """

    folder: pathlib.Path
    profile: str | None
    origin: str


@dataclasses.dataclass(frozen=True)
class Engine:
    """An implementation of the model.

    Attributes:
      name: as --engine takes it.
      rounding: of `export.model.interpreter`, which its logits must equal.
      code: from a bundle, the board, the profile asked for and a folder to write to.
      kernels: what that C calls, for a board.
    """

    name: str
    rounding: str
    code: Callable[[Bundle, Board, str, pathlib.Path], Code]
    kernels: Callable[[Board], Kernels]


def _fxp(bundle: Bundle, board: Board, asked: str, folder: pathlib.Path) -> Code:
    """The bundle's C where it has the profile asked for, else C written from its integer model.

    `AUTO` is the bundle's own profile where it is among those made for the board's core, else the first of those.
    """
    own = bundle.profile
    if asked == own or (asked == AUTO and own in board.profiles):
        return Code(bundle.c_folder, own, "the bundle's C as it is")
    profile, why = (board.profiles[0], f", made for a {board.cpu}") if asked == AUTO else (asked, "")
    origin = f"C written for this run{why}; the bundle's own profile is {own}"
    return Code(_written_for(bundle, profile, folder), profile, origin)


def _reference(bundle: Bundle, board: Board, asked: str, folder: pathlib.Path) -> Code:
    origin = "the same model with this project's portable kernels"
    return Code(_written_for(bundle, PORTABLE, folder), PORTABLE, origin)


def _cmsis_nn(bundle: Bundle, board: Board, asked: str, folder: pathlib.Path) -> Code:
    try:
        files = runner.generate(bundle.model)
    except ValueError as error:
        raise MeasurementError(f"the engine {CMSIS_NN} can't run this bundle: {error}; leave it out") from error
    return Code(_written(files, folder), None, f"int8 kernels of {package.version()}, called on the same layers")


def _cmsis_nn_kernels(board: Board) -> Kernels:
    flags = (*_FOREIGN_C_FLAGS, *(() if board.instruction_set == ARM else _CMSIS_NN_ELSEWHERE))
    return Kernels(CMSIS_NN, tuple(package.sources()), tuple(package.include_dirs()), flags)


def _tflm(bundle: Bundle, board: Board, asked: str, folder: pathlib.Path) -> Code:
    if board.instruction_set != ARM:
        raise MeasurementError(f"the engine {TFLM} runs on Arm cores, not on board={board.name}: leave one of them out")
    files = tflm_runner.generate(bundle.model, bundle.tflite_path.read_bytes(), _has_vectors(board))
    origin = f"TensorFlow Lite Micro on the bundle's .tflite, {checkout.version(board.cpu)} of {checkout.VARIABLE}"
    return Code(_written(files, folder), None, origin)


def _tflm_kernels(board: Board) -> Kernels:
    library = checkout.library(board.cpu)
    return Kernels(
        TFLM,
        (tflm_runner.SOURCE,),
        tuple(checkout.include_dirs()),
        _TFLM_CXX_FLAGS,
        (library,),
        _TFLM_LINK_FLAGS,
        # Its library has the vectors, but hands no floats over in their registers.
        float_abi=_SOFT_FLOAT_ABI if _has_vectors(board) else None,
        generated=True,
    )


def _has_vectors(board: Board) -> bool:
    return board.float_abi == "hard"


def _written_for(bundle: Bundle, profile: str, folder: pathlib.Path) -> pathlib.Path:
    try:
        files = model_source.generate(bundle.model, profile)
    except ValueError as error:
        raise MeasurementError(f"bundle={bundle.path} has no C in profile {profile}: {error}") from error
    return _written(files, folder)


def _written(files: dict[str, str], folder: pathlib.Path) -> pathlib.Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise MeasurementError(f"can't write to build_dir={folder.parent}: {error.strerror}") from error
    return folder


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(FXP, "single", _fxp, lambda board: own_kernels()),
        Engine(REFERENCE, "single", _reference, lambda board: dataclasses.replace(own_kernels(), name=REFERENCE)),
        Engine(CMSIS_NN, "double", _cmsis_nn, _cmsis_nn_kernels),
        Engine(TFLM, "double", _tflm, _tflm_kernels),
    )
}
NAMES = tuple(ENGINES)
