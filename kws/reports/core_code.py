"""What a bundle's code takes on a kind of core: as a firmware of it was measured, else as its plan says."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import TypeVar

from export import plan as plans
from export.bundle import detector_file
from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.model import detector as detectors
from export.packaging import memory, public_header
from export.plan import FAST, HELIUM, PACKED, PORTABLE, RAM, goals, stream
from kws.reports.measured import Bench, Streaming
from kws.reports.subject import Subject
from microcontroller import boards as emulated

# Cores that run the code made for another one, instruction for instruction.
_RUNS_CODE_OF = {
    "cortex-m0": ("cortex-m0plus",),
    "cortex-m0plus": ("cortex-m0",),
    "cortex-m7": ("cortex-m4",),
    "cortex-m33": ("cortex-m4",),
    "cortex-m55": ("cortex-m55+nofp",),
    "rv32imc": ("rv32imac",),
}
_WITH_DSP = ("cortex-m4", "cortex-m7", "cortex-m33")
_WITH_VECTORS = ("cortex-m55", "cortex-m85")
_FOR_DSP = (FAST, RAM, PACKED, PORTABLE)
_FOR_VECTORS = (HELIUM, *_FOR_DSP)
_PLAIN = (PACKED, PORTABLE)
_Counts = TypeVar("_Counts", Bench, Streaming)


@dataclasses.dataclass(frozen=True)
class Code:
    """Code for a core.

    Attributes:
      profile: of `export.plan`.
      ram_bytes: of a firmware; else activations, what lasts from step to step, and stack.
      flash_bytes: of a firmware; else of constants alone.
      is_measured: whether a firmware was.
      bench, streaming: what was counted of it; None where nothing was.
    """

    profile: str
    ram_bytes: int
    flash_bytes: int
    is_measured: bool
    bench: Bench | None = None
    streaming: Streaming | None = None


def of_core(subject: Subject, core: str) -> list[Code]:
    """The codes for a core, the one that it has anyway first: what was measured, then what is planned.

    They are of listening without end where that was measured on some core, else of an inference of a window.

    Args:
      core: a compiler's -mcpu, or the architecture.
    """
    benches, streams = _counted(subject, Bench, core), _counted(subject, Streaming, core)
    listening = subject.result(Streaming) is not None
    planned = functools.partial(_listening if listening else _inference, subject.bundle)
    found = [_of_stream(one, benches) for one in streams] if listening else list(map(_of_bench, benches))
    known = {code.profile for code in found}
    own = _suited(subject.bundle.profile, core)
    return found + [_of_plan(name, planned(name), benches) for name in own if name not in known]


def _counted(subject: Subject, kind: type[_Counts], core: str) -> list[_Counts]:
    """Results of a kind whose code the core runs: first those with cycles, then those of the core itself."""
    found = [one for one in subject.results if isinstance(one, kind) and _runs(core, _core(one.board))]
    return sorted(found, key=lambda one: (getattr(one, "estimated_cycles", 0) is None, _core(one.board) != core))


def _core(board: str) -> str:
    """Of an emulated board, which `subject.open_all` knows to be one."""
    return emulated.load(board).cpu


def _runs(core: str, counted: str) -> bool:
    return core == counted or counted in _RUNS_CODE_OF.get(core, ())


def _suited(own: str, core: str) -> Sequence[str]:
    """Profiles for a core, the first one that it has anyway, then those of less memory."""
    kind = _FOR_VECTORS if core in _WITH_VECTORS else _FOR_DSP if core in _WITH_DSP else _PLAIN
    made_for = core in _WITH_DSP and own not in (HELIUM, *_PLAIN)
    return tuple(dict.fromkeys((own, *kind) if made_for else kind))


def _of_stream(one: Streaming, benches: Sequence[Bench]) -> Code:
    # Cycles of an inference stand for those of a stream: of its own profile, or of what else was counted.
    bench = next((each for each in benches if each.profile == one.profile), benches[0] if benches else None)
    return Code(one.profile, one.ram_bytes, one.flash_bytes, True, bench, one)


def _of_bench(one: Bench) -> Code:
    return Code(one.profile, one.ram_bytes, one.flash_bytes, True, one)


def _of_plan(profile: str, planned: tuple[int, int], benches: Sequence[Bench]) -> Code:
    return Code(profile, *planned, False, next((each for each in benches if each.profile == profile), None))


def _inference(bundle: Bundle, profile: str) -> tuple[int, int]:
    """Bytes of RAM, and of constants."""
    made = plans.plan(bundle.model, profile)
    return made.arena_bytes + goals.STACK_BYTES, sum(step.constant_bytes for step in made.steps)


def _listening(bundle: Bundle, profile: str) -> tuple[int, int]:
    """The same of the streaming network with front end and detector."""
    try:
        detector = detector_file.of_bundle(bundle)
    except BundleError:
        detector = detectors.default(bundle.model)
    about = (bundle.name, bundle.model.sha256, bundle.labels, (), bundle.frontend_config, detector, (), "")
    steps = stream.plan(bundle.model, profile)
    constants = sum(item.step.constant_bytes for item in steps.steps)
    return memory.needed(public_header.Subject(*about), steps), constants
