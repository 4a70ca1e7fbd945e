"""The sections about the device: proof, Q-formats, weights, instructions, memory, boards."""

from collections.abc import Sequence

from export import plan as plans
from export.bundle import inspection
from kws.reports import board_fit, charts, drawing, markup
from kws.reports.accuracy import UNKNOWN
from kws.reports.board_fit import Fit
from kws.reports.markup import Markup
from kws.reports.measured import Bench, Streaming, Verification
from kws.reports.subject import Subject

VERIFY = "python -m export.verify --bundle=B --json=F, then --measured=F."
BENCH = "python -m microcontroller.bench --bundle=B --json=F, then --measured=F."
STREAM = "python -m microcontroller.bench --bundle=B --streaming --json=F, then --measured=F."
LEGEND = (
    "Formats: s signed or u unsigned, bits, fraction bits (s8.f5 is code / 32). Largest sum: the greatest magnitude of "
    "an accumulator that any input can give, in the bits that are proved to hold it, of those declared. Bytes: weights "
    "packed to their width, and biases."
)
SILICON = (
    "No figure here was measured on silicon: instructions are counted in an emulator, cycles are estimated from them."
)


def proof(subjects: Sequence[Subject]) -> Markup:
    """What was compared with the exact interpreter, code by code."""
    parts = []
    for subject in subjects:
        found = subject.result(Verification)
        if found is None:
            shown = markup.absent("The proof", VERIFY)
        else:
            rows = [
                (pair.implementation, pair.reference, f"{pair.codes:,}", f"{pair.mismatches:,}") for pair in found.pairs
            ]
            shown = markup.table(("implementation", "compared with", "codes", "differ"), rows, 2)
            for name, reason in found.skipped.items():
                shown = Markup(shown + markup.paragraph(f"{name} was left out: {reason}", "note"))
        parts.append((subject.title, shown))
    return markup.section("proof", "Proof", [markup.side_by_side(parts)])


def formats(subjects: Sequence[Subject]) -> Markup:
    """Every layer's Q-formats and the proof of its accumulator."""
    parts = [(subject.title, _formats(subject)) for subject in subjects]
    return markup.section("formats", "Q-formats", [markup.stacked(parts), markup.paragraph(LEGEND, "note")])


def _formats(subject: Subject) -> Markup:
    found = inspection.inspect(subject.bundle.model)
    head = (
        "layer",
        "operator",
        "output",
        "in",
        "weights",
        "out",
        "shift",
        "largest sum",
        "proved bits",
        "MAC",
        "bytes",
    )
    rows = [
        (
            layer["name"],
            layer["op"],
            "x".join(map(str, layer["output_shape"])),
            layer["input_format"],
            layer["weight_format"],
            layer["output_format"],
            str(layer["shift"]),
            f"{layer['worst_case']:,}",
            f"{layer['required_bits']} of {layer['accumulator_bits']}",
            f"{layer['macs']:,}",
            f"{layer['weight_bytes']:,}",
        )
        for layer in found["layers"]
    ]
    return markup.table(head, [*rows, ("all", *[""] * 8, f"{found['macs']:,}", f"{found['weight_bytes']:,}")], 6)


def weights(subjects: Sequence[Subject]) -> Markup:
    """Histograms of weight codes."""
    parts = [
        (subject.title, markup.figure(_weights(number, subject), "Each layer's codes, from the least to the greatest."))
        for number, subject in enumerate(subjects)
    ]
    return markup.section("weights", "Weight codes", [markup.side_by_side(parts)])


def _weights(number: int, subject: Subject) -> Markup:
    model = subject.bundle.model
    return drawing.svg(f"weights{number}", f"Weight codes of {subject.title}", lambda: charts.weight_codes(model))


def costs(subjects: Sequence[Subject]) -> Markup:
    """Instructions, cycles and memory by layer."""
    parts = [(subject.title, _costs(number, subject)) for number, subject in enumerate(subjects)]
    return markup.section(
        "costs", "Instructions and memory", [markup.paragraph(SILICON, "note"), markup.side_by_side(parts)]
    )


def _costs(number: int, subject: Subject) -> Markup:
    bench = subject.result(Bench)
    plan = plans.plan(
        subject.bundle.model, bench.profile if bench and bench.profile in plans.PROFILES else subject.bundle.profile
    )
    counted = {layer.name: layer for layer in bench.layers} if bench else {}
    estimates = plan.instructions()
    rows = []
    for step in plan.rows():
        layer = counted.get(step["layer"])
        rows.append(
            (
                step["layer"],
                step["kernel"],
                f"{layer.instructions:,}" if layer else f"≈ {estimates[step['layer']]:,.0f}",
                f"{layer.estimated_cycles:,}" if layer and layer.estimated_cycles else UNKNOWN,
                f"{step['constant_bytes']:,}",
            )
        )
    head = ("layer", "kernel", "instructions", "estimated cycles", "bytes of constants")
    names = [row[0] for row in rows]
    bars = [(counted[name].instructions if name in counted else estimates[name]) / 1e3 for name in names]
    source = (
        f"counted on {bench.board}, profile {bench.profile}"
        if bench
        else f"the plan's estimates, profile {plan.profile}"
    )
    picture = drawing.svg(
        f"costs{number}", "Instructions by layer", lambda: charts.layer_costs("Instructions", names, bars)
    )
    figure = markup.figure(picture, f"Instructions of one inference by layer: {source}.")
    return Markup(figure + markup.table(head, rows, 2) + _memory(subject, plan))


def _memory(subject: Subject, plan: plans.Plan) -> Markup:
    bench, streaming = subject.result(Bench), subject.result(Streaming)
    parts: list[str] = []
    if bench:
        cycles = f", {bench.estimated_cycles:,} estimated cycles" if bench.estimated_cycles else ""
        parts.append(
            markup.paragraph(
                f"An inference: {bench.instructions_per_inference:,} instructions{cycles}, "
                f"{bench.ram_bytes:,} bytes of RAM, {bench.flash_bytes:,} bytes of flash "
                f"({bench.compiler}, {bench.emulator_version})."
            )
        )
    else:
        text = f"The plan: arena of {plan.arena_bytes:,} bytes."
        parts += [markup.paragraph(text), markup.absent("Counted instructions, cycles, RAM and flash", BENCH)]
    if streaming:
        per_second = streaming.instructions_per_second_of_audio
        shares = ", ".join(f"{name} {count:,}" for name, count in per_second.items() if name != "total")
        parts.append(
            markup.paragraph(
                f"Listening: {per_second['total']:,} instructions per second of sound ({shares}), "
                f"{streaming.ram_bytes:,} bytes of RAM, {streaming.flash_bytes:,} bytes of flash "
                f"({streaming.board}, profile {streaming.profile})."
            )
        )
    else:
        parts.append(markup.absent("Instructions per second of sound", STREAM))
    return Markup("".join(parts))


def boards(subjects: Sequence[Subject]) -> Markup:
    """The boards that each bundle fits."""
    parts = [(subject.title, _boards(subject)) for subject in subjects]
    note = (
        "Each board is judged by the code for its own core: the kernels that it has anyway, or others where these take "
        "more RAM than there is. RAM and flash are of a firmware that was measured on such a core; where none was (≈), "
        "of activations, state and stack, and of constants alone; a program around it takes more. Milliseconds are "
        "estimated cycles with no wait states over the clock; listening has a margin of a quarter for waiting flash. "
        "Where a core's cycles are not estimated, a cycle an instruction is the least (≥). A core without figures was "
        "not counted: bench on a board of its kind, and give that, too. On a Cortex-M7 or M33 the counted code of a "
        "Cortex-M4 is taken."
    )
    return markup.section("boards", "Boards", [markup.stacked(parts), markup.paragraph(note, "note")])


def is_counted(subject: Subject) -> bool:
    """Whether a firmware's memory was measured; else all boards are judged by plans, which have less in them."""
    return bool(subject.result(Streaming) or subject.result(Bench))


def _boards(subject: Subject) -> Markup:
    head = (
        "board",
        "fits, kernels",
        "clock, listening",
        "ms an inference",
        "RAM",
        "flash",
        "MHz",
        "RAM kB",
        "flash kB",
        "core",
    )
    rows = [
        (
            fit.board.name,
            f"{fit.answer}, {fit.code.profile}",
            _least(fit, fit.listening, 100, " %"),
            _least(fit, fit.milliseconds, 1, ""),
            _share(fit, fit.ram),
            _share(fit, fit.flash),
            f"{fit.board.clock_mhz:,}",
            f"{fit.board.ram_kb:,}",
            f"{fit.board.flash_kb:,}",
            fit.board.core,
        )
        for fit in board_fit.fits(subject)
    ]
    return markup.table(head, rows, 2, "boards")


def _least(fit: Fit, value: float | None, scale: float, unit: str) -> str:
    """A time or share of the clock, or that it is at least so much."""
    return UNKNOWN if value is None else f"{'≥ ' if fit.at_least else ''}{scale * value:.1f}{unit}"


def _share(fit: Fit, share: float) -> str:
    """Of memory."""
    return f"{'' if fit.code.is_measured else '≈ '}{100 * share:.1f} %"
