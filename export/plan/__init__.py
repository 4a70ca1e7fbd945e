"""The plan of a model's C: which engine kernel runs each layer, how its weights lie, and where its activations do.

A profile names a set of kernels. For each layer the plan takes the kernel that makes the whole network cheapest;
where two neighbours want different activation layouts, it inserts a conversion. `docs/engine.md` says how a kernel is
added.
"""

from export.model import accumulator
from export.model.integer_model import IntegerModel
from export.plan import rows
from export.plan.kernel import Kernel
from export.plan.kernels import profiles
from export.plan.layout import S8, ActivationLayout
from export.plan.placement import ALIGNMENT, Need, Place, place
from export.plan.rows import NotByRowsError
from export.plan.schedule import NoKernelError, Profile, choose
from export.plan.steps import INPUT, OUTPUT, Conversion, Plan, Step, Tensor

__all__ = [
    "ALIGNMENT",
    "CHOICES",
    "CYCLES",
    "FAST",
    "HELIUM",
    "PACKED",
    "PORTABLE",
    "PROFILES",
    "RAM",
    "SMALL",
    "Conversion",
    "Kernel",
    "Need",
    "Place",
    "Plan",
    "Profile",
    "Step",
    "Tensor",
    "place",
    "plan",
    "plan_from",
]

CYCLES = "cycles"
FAST = "fast"
HELIUM = "helium"
PACKED = "packed"
PORTABLE = "portable"
RAM = "ram"
SMALL = "small"
CHOICES: dict[str, Profile] = {
    FAST: Profile(profiles.FAST),
    SMALL: Profile(profiles.SMALL, byte_price=100.0),
    PACKED: Profile(profiles.PACKED),
    PORTABLE: Profile(profiles.PORTABLE),
    HELIUM: Profile(profiles.HELIUM),
    CYCLES: Profile(profiles.CYCLES, by_cycles=True),
    RAM: Profile(profiles.RAM, by_rows=True),
}
"""`fast`: fewest instructions; `small`: less flash, at up to 100 instructions per byte; `packed`: plain C with several
products in a multiplication, for cores without the DSP extension; `portable`: plain C only; `helium`: vectors of a
Cortex-M55; `cycles`: fewest estimated cycles of a Cortex-M4; `ram`: those of `fast`, row by row, for little memory.
"""
PROFILES = tuple(CHOICES)


def plan(model: IntegerModel, profile: str = FAST) -> Plan:
    """Chooses kernels and layouts, and places the activations.

    Raises:
      ValueError: an unknown profile, a layer whose accumulators are not proved to fit, or one that no kernel runs.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r}: expected one of {PROFILES}")
    return plan_from(model, CHOICES[profile], profile)


def plan_from(model: IntegerModel, choice: Profile, name: str) -> Plan:
    """`plan` with any choice of kernels, under a name of letters, digits and underscores.

    Raises:
      ValueError: a layer whose accumulators are not proved to fit, or one that no kernel runs.
    """
    accumulator.prove(model)
    whole = _whole(model, choice, name)
    if not choice.by_rows:
        return whole
    try:
        by_rows = rows.plan(model, choice, name)
    except (NoKernelError, NotByRowsError):
        return whole
    return min(whole, by_rows, key=lambda one: one.arena_bytes)


def _whole(model: IntegerModel, choice: Profile, name: str) -> Plan:
    """The plan of a network whose layers are computed one after another."""
    kernels = choose(model, choice)
    # The chain of calls: for each layer its conversions and its kernel, then the conversions of the answer.
    functions: list[list[tuple[str, ActivationLayout]]] = []
    layout = S8
    for kernel in kernels:
        functions.append(_conversions(layout, kernel.input_layout))
        layout = kernel.output_layout
    functions.append(_conversions(layout, S8))
    needs = []
    for i, (layer, kernel) in enumerate(zip(model.layers, kernels, strict=True)):
        needs += [Need(to.size(layer.input_shape), in_place=True) for _, to in functions[i]]
        last = i == len(kernels) - 1 and not functions[-1]
        size = None if last else kernel.output_layout.size(layer.output_shape)
        scratch = kernel.scratch_of(layer)
        needs.append(Need(size, scratch, kernel.in_place(layer)))
    last_shape = model.layers[-1].output_shape
    needs += [Need(to.size(last_shape), in_place=True) for _, to in functions[-1][:-1]]
    needs += [Need(None) for _ in functions[-1][-1:]]
    arena_bytes, places = place(needs)

    tensor = Tensor(model.input_shape, S8, INPUT)
    following = iter(places)

    def convert(conversions: list[tuple[str, ActivationLayout]]) -> tuple[Conversion, ...]:
        nonlocal tensor
        made = []
        for function, to in conversions:
            offset = next(following).output
            converted = Tensor(tensor.shape, to, OUTPUT if offset is None else offset)
            made.append(Conversion(function, tensor, converted))
            tensor = converted
        return tuple(made)

    steps = []
    for i, (layer, kernel) in enumerate(zip(model.layers, kernels, strict=True)):
        conversions, source = convert(functions[i]), tensor
        at = next(following)
        tensor = Tensor(layer.output_shape, kernel.output_layout, OUTPUT if at.output is None else at.output)
        placed = (source, tensor, at.scratch if kernel.scratch_bytes else None)
        made = (kernel.constants(layer), kernel.instances(layer))
        steps.append(Step(layer, kernel, conversions, *placed, *made))
    return Plan(name, tuple(steps), convert(functions[-1]), arena_bytes)


def _conversions(before: ActivationLayout, after: ActivationLayout) -> list[tuple[str, ActivationLayout]]:
    """Engine functions from one layout to another, by way of int8 where both are others."""
    if before == after:
        return []
    unpack = [(before.unpack, S8)] if before != S8 else []
    return unpack + ([(after.pack, after)] if after != S8 else [])
