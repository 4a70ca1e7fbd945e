"""What a network costs on the device: counted in an emulator, or as its plan estimates it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from export.bundle.model_files import write_bundle
from export.model.integer_model import IntegerModel
from export.plan import goals
from kws.bits.search import FLASH, INSTRUCTIONS, RAM
from kws_cli import held_folder
from microcontroller import bench

CYCLES = "estimated_cycles"
MEASURED_RAM = "measured_ram_bytes"
_CLIPS = 2


@dataclasses.dataclass(frozen=True)
class Counting:
    """How networks are counted.

    Attributes:
      profile: of `export.plan`.
      board, emulator: as `microcontroller.bench` takes them.
    """

    profile: str
    board: str
    emulator: str


def counted(model: IntegerModel, codes: np.ndarray, how: Counting) -> dict[str, Any]:
    """Instructions and estimated cycles of an inference, and bytes of flash, as `microcontroller.bench` gives them.

    Bytes of RAM are `export.inspect`'s: arena and stack, as `--max_ram` of `export.convert` takes them. Those that were
    measured are of a firmware, which has data of its own.

    Args:
      codes: inputs int8 [n, h, w, c], of which the first two are run.

    Raises:
      UserError: toolchain or emulator is missing, or the model does not fit.
    """
    with held_folder.made("fxp-bits-") as path:
        write_bundle(path / "bundle", model, codes[:_CLIPS], profile=how.profile)
        config = bench.BenchConfig(
            path / "bundle",
            emulator=how.emulator,
            board=how.board,
            profile=how.profile,
            clips=min(_CLIPS, len(codes)),
            random_codes=0,
            build_dir=path / "build",
        )
        result = bench.measure(config)
    return {
        INSTRUCTIONS: result["instructions_per_inference"],
        CYCLES: result["estimated_cycles"],
        FLASH: result["flash_bytes"],
        RAM: goals.needed(model, how.profile),
        MEASURED_RAM: result["ram_bytes"],
    }


def estimated(costs: Mapping[str, float]) -> dict[str, Any]:
    """A plan's own figures: estimated instructions, bytes of constants, bytes of arena and stack."""
    return {
        INSTRUCTIONS: round(costs[INSTRUCTIONS]),
        CYCLES: None,
        FLASH: int(costs[FLASH]),
        RAM: int(costs[RAM]),
        MEASURED_RAM: None,
    }
