"""What a package says of itself: README.md with its files, memory, loop and self-test."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from export.bundle.bundle_error import BundleError
from export.bundle.folder import CARD, Bundle
from export.bundle.model_card import code
from export.model.detector import FILE
from export.packaging import public_header
from export.packaging.library import Member
from kws_cli import json_file
from kws_cli.table import aligned

_CORES = {"HELIUM": "Helium", "DSP": "DSP", "SCALAR": "scalar"}
_LONGEST_CARD = 1 << 20
_LOOP = """\
```c
{includes}

{states}
{scratch}

{inits}
for (;;) {{
    size_t count = next_block(block); /* int16, {rate} Hz, mono: as many as the microphone gave */
{steps}
}}
```
"""
_STEP = """\
    for (size_t taken = 0; taken < count;) {{ /* less than all where detections wait to be polled */
        taken += {prefix}_push(&{state}, block + taken, count - taken, &{scratch});
        {prefix}_detection heard;
        while ({prefix}_poll(&{state}, &heard)) {{
            puts({prefix}_label(heard.label));
        }}
    }}"""
_MEASURE = "`python -m kws.evaluate --bundle=B --data_dir=D --streaming --negatives=DIR`"


_Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Amount = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]


class _Spoken(msgspec.Struct):
    spoken: _Count
    miss_rate: _Rate | None


class _Words(_Spoken):
    keywords: dict[str, _Spoken]


class _Alarms(msgspec.Struct):
    false_alarms: _Count
    upper_bound: bool = False


class _Target(msgspec.Struct):
    false_alarms_per_hour: _Amount
    negatives: dict[str, _Amount] = {}


class _FoundOnNegatives(msgspec.Struct):
    expected_false_alarms_per_hour: _Amount
    negatives: dict[str, _Alarms]
    words: dict[str, _Words]


class _FoundOnWords(msgspec.Struct):
    miss_rate: _Rate
    false_alarms_per_hour: _Amount


class _OnNegatives(msgspec.Struct):
    """What detector.json says of a detector that was chosen on recordings without keywords and on words said alone."""

    tuned_for: _Target
    there: _FoundOnNegatives
    tuned_on: str | None = None


class _OnWords(msgspec.Struct):
    """The same of one that was chosen on a recording composed of clips."""

    tuned_for: _Target
    there: _FoundOnWords
    tuned_on: str | None = None


def text(members: Sequence[Member], name: str, use: str) -> str:
    """README.md.

    Args:
      use: what is the target's own, in Markdown.
    """
    models = "\n".join(_model(member) for member in members)
    first = members[0]
    loop = _loop([member.prefix for member in members], first.subject.frontend.sample_rate)
    return f"""\
# {name}

Keyword spotting on int16 samples of 16 kHz, in integers only: no heap, no recursion, no floating point, weights in
flash, all state in the caller's memory. Plain C11; add `src` to the include path and compile every `.c` below it.

{models}
## Use

{use.rstrip()}

## The loop

{loop}
Blocks may have any length and lie at any address. Two streams have two states; scratch memory may be shared by what
does not run at once. Between two hops ({_hop_ms(first)} ms) the core can sleep.

## Does the device compute what the host computed?

{_self_tests(members)} that is part of this package and compares every logit and the detection with
what the host computed when the package was made; the example `clip` prints the result. A linker leaves it out
where it isn't called (`-ffunction-sections -fdata-sections -Wl,--gc-sections`).

## Licence

Apache-2.0, see LICENSE. What the model was trained on, and how many clips it tells right: {", ".join(_cards(members))}.
"""


def _loop(prefixes: Sequence[str], rate: int) -> str:
    """From samples to keywords. Several models hear one block after each other, with one scratch memory for all."""
    names = dict.fromkeys(prefixes, "") if len(prefixes) == 1 else {prefix: f"_{prefix}" for prefix in prefixes}
    if len(prefixes) == 1:
        scratch = f"static {prefixes[0]}_scratch scratch;"
    else:
        parts = "".join(f"    {prefix}_scratch of_{prefix};\n" for prefix in prefixes)
        scratch = f"static union {{ /* one model works after the other */\n{parts}}} scratch;"
    steps = [
        _STEP.format(
            prefix=prefix,
            state=f"kws{name}",
            scratch=f"scratch.of_{prefix}" if name else "scratch",
        )
        for prefix, name in names.items()
    ]
    return _LOOP.format(
        includes="\n".join(f'#include "{prefix}.h"' for prefix in prefixes),
        states="\n".join(f"static {prefix} kws{name};" for prefix, name in names.items()),
        scratch=scratch,
        inits="\n".join(f"{prefix}_init(&kws{name});" for prefix, name in names.items()),
        rate=rate,
        steps="\n".join(steps),
    )


def cards(members: Sequence[Member]) -> dict[str, str]:
    """The model cards, by their names in the package."""
    return dict(zip(_cards(members), (card(member.bundle) for member in members), strict=True))


def card(bundle: Bundle) -> str:
    """A bundle's model card, which is text of whoever wrote the bundle.

    Raises:
      BundleError: it is no text, or longer than any card.
    """
    path = bundle.path / CARD
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LONGEST_CARD + 1)
        if len(text) > _LONGEST_CARD:
            raise ValueError(f"more than {_LONGEST_CARD:,} characters")
        return text
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} can't be read ({error}): write it again with python -m export.renew") from error


def _self_tests(members: Sequence[Member]) -> str:
    names = [f"`{member.prefix}_self_test`" for member in members]
    return f"{names[0]} plays the clip" if len(names) == 1 else f"{', '.join(names)}: each plays the clip of its model"


def _cards(members: Sequence[Member]) -> list[str]:
    if len(members) == 1:
        return ["MODEL_CARD.md"]
    return [f"MODEL_CARD_{member.prefix}.md" for member in members]


def _hop_ms(member: Member) -> int:
    return 1000 * member.subject.frontend.hop_samples // member.subject.frontend.sample_rate


def _model(member: Member) -> str:
    subject, clip = member.subject, member.clip
    spoken = code(subject.labels[clip.label]) if clip.label >= 0 else "nothing"
    rows: list[tuple[str, ...]] = [("core", "profile", "state", "scratch", "RAM", "weights in flash")]
    for variant in subject.variants:
        state, scratch = (
            public_header.state_bytes(subject, variant.plan),
            public_header.scratch_bytes(subject, variant.plan),
        )
        weights = sum(item.step.constant_bytes for item in variant.plan.steps)
        numbers = (f"{number:,}" for number in (state, scratch, state + scratch, weights))
        rows.append((_CORES[variant.core], variant.profile, *numbers))
    table = "\n".join(aligned(rows))
    return f"""\
## {member.prefix}

Model {subject.name}, sha256 {subject.sha256[:16]}...; header `{member.prefix}.h`.
Labels: {", ".join(map(code, subject.labels))}.
The clip is {len(clip.samples) / subject.frontend.sample_rate:.2f} s long; the host hears {spoken} in it.

```
{table}
```

Bytes; the profile is chosen by the compiler's macros, or by defining `{member.prefix.upper()}_PROFILE` for all files.

{_hearing(member.bundle)}
"""


def _hearing(bundle: Bundle) -> str:
    """How well the detector hears, as far as detector.json says so."""
    for shape in (_OnNegatives, _OnWords):
        try:
            record = json_file.read(bundle.path / FILE, shape)
        except (OSError, ValueError):
            continue
        found = _on_negatives(record) if isinstance(record, _OnNegatives) else _on_words(record)
        other = "" if record.tuned_on is None else " It was chosen with another model's logits, and kept for this one."
        return (
            f"{found}{other} The thresholds were chosen on these very recordings: expect less of other voices and "
            f"rooms, and measure yours with {_MEASURE}."
        )
    return f"How well it hears in a stream is not recorded in its bundle: measure it with {_MEASURE}."


def _on_negatives(record: _OnNegatives) -> str:
    target, found = record.tuned_for, record.there
    hours = (
        " and ".join(f"{hours:.2f} h of {code(kind)}" for kind, hours in target.negatives.items()) or "no recordings"
    )
    every = found.negatives.get("all")
    counted = "" if every is None else f", {every.false_alarms} counted"
    if every is not None and every.upper_bound:
        counted += " (one in speech, which may be the keyword itself, is expected as a tenth)"
    said = "; ".join(_heard_share(name, words) for name, words in found.words.items())
    quiet = next(iter(found.words.items()), None)
    each = "" if quiet is None else f" At {code(quiet[0])}: {_by_keyword(quiet[1])}."
    return (
        f"The detector was tuned for {target.false_alarms_per_hour:g} false alarms per hour on {hours} of validation: "
        f"{found.expected_false_alarms_per_hour:.2f} per hour are expected there{counted}. Heard of keywords said "
        f"alone, by how far the room's noise is below them: {said}.{each}"
    )


def _heard_share(name: str, words: _Spoken) -> str:
    share = "-" if words.miss_rate is None else f"{100 - 100 * words.miss_rate:.1f} %"
    return f"{code(name)} {share} of {words.spoken:,}"


def _by_keyword(words: _Words) -> str:
    return ", ".join(_heard_share(name, spoken) for name, spoken in words.keywords.items())


def _on_words(record: _OnWords) -> str:
    target, found = record.tuned_for, record.there
    return (
        f"The detector was tuned for {target.false_alarms_per_hour:g} false alarms per hour on a recording composed of "
        f"clips of validation, without other speech or noise: there {100 - 100 * found.miss_rate:.1f} % of the words "
        f"are heard, with {found.false_alarms_per_hour:.2f} false alarms per hour."
    )
