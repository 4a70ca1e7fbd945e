"""The library's public header for one bundle: what the model is, how much memory it takes, and nine functions."""

import dataclasses
from collections.abc import Sequence

from export.model.detector import MOST_STEPS, Detector
from export.model.frontend_config import FrontEndConfig
from export.packaging import variants
from export.packaging.variants import Variant
from export.plan.placement import ALIGNMENT
from export.plan.stream import StreamPlan
from export.source.c_text import string

NAME = "fxp_kws.h"
QUEUE = 4
"""Detections that wait to be polled."""
_FRONT_END_ALIGNMENT = 8
_DETECTION_BYTES = 12


@dataclasses.dataclass(frozen=True)
class Subject:
    """What a public header is of.

    Attributes:
      name, sha256: of the integer model.
      labels: in the order of the logits.
      constants: the end of each label's constant.
      frontend: parameters.
      detector: its thresholds and window.
      variants: of the streaming network.
      version: of the package.
    """

    name: str
    sha256: str
    labels: tuple[str, ...]
    constants: tuple[str, ...]
    frontend: FrontEndConfig
    detector: Detector
    variants: tuple[Variant, ...]
    version: str

    @property
    def hops(self) -> int:
        """Of a step of the network."""
        return self.variants[0].plan.frames_per_call


def _placed(fields: Sequence[tuple[int, int]]) -> int:
    """Bytes of a C struct whose fields have these bytes and alignments."""
    position, largest = 0, 1
    for size, alignment in fields:
        position = _up(position, alignment) + size
        largest = max(largest, alignment)
    return _up(position, largest)


def _up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def state_bytes(subject: Subject, steps: StreamPlan) -> int:
    """Of fxp_kws_state; the C asserts it."""
    config, detector, labels = subject.frontend, subject.detector, len(subject.labels)
    frontend = [(2 * config.window_samples, _FRONT_END_ALIGNMENT), (config.frames * config.coefficients, 1), (2, 2)]
    risen = [] if detector.rise == MOST_STEPS else [(labels, 1)]
    heard = [(4 * labels, 4), (2 * detector.window * labels, 2), (labels, 1), *risen, (1, 1), (1, 1)]
    fields = [
        (_placed(frontend), _FRONT_END_ALIGNMENT),
        (max(steps.state_bytes, 1), ALIGNMENT if steps.state_bytes else 1),
        (_placed(heard), 4),
        (QUEUE * _DETECTION_BYTES, 4),
        (4, 4),
        (2 * config.hop_samples, 4),
        (2, 2),
        *[(1, 1)] * 3,
        (steps.frames_per_call * config.coefficients, 1),
        (labels, 1),
    ]
    return _placed(fields)


def scratch_bytes(subject: Subject, steps: StreamPlan) -> int:
    """Of fxp_kws_working_memory; the C asserts it."""
    frontend = 4 * subject.frontend.fft_length + 4 * (subject.frontend.fft_length + 2)
    sizes = (_up(frontend, _FRONT_END_ALIGNMENT), steps.arena_bytes)
    return _up(max(sizes), ALIGNMENT if steps.arena_bytes else _FRONT_END_ALIGNMENT)


def ram_bytes(subject: Subject, steps: StreamPlan) -> int:
    """Of both together; a caller's stack is not in it."""
    return state_bytes(subject, steps) + scratch_bytes(subject, steps)


def text(subject: Subject) -> str:
    """The header, in the project's own names."""
    fixed = {
        "VERSION": string(subject.version),
        "MODEL_NAME": string(subject.name),
        "MODEL_SHA256": string(subject.sha256),
        "FRONTEND_SHA256": string(subject.frontend.sha256),
        "SAMPLE_RATE": subject.frontend.sample_rate,
        "HOP_SAMPLES": subject.frontend.hop_samples,
        "STEP_SAMPLES": subject.hops * subject.frontend.hop_samples,
        "LABELS": len(subject.labels),
        "QUEUE": QUEUE,
        "MEMORY_ALIGNMENT": ALIGNMENT,
    }
    defines = "\n".join(f"#define FXP_KWS_{name} {value}" for name, value in fixed.items())
    return _TEXT.format(
        labels=_labels(subject),
        defines=defines,
        choice=variants.choice(list(subject.variants)),
        sizes=variants.by_variant(list(subject.variants), [_sizes(subject, variant) for variant in subject.variants]),
        milliseconds=1000 * subject.hops * subject.frontend.hop_samples // subject.frontend.sample_rate,
    )


def _labels(subject: Subject) -> str:
    names = [f"    FXP_KWS_LABEL_{constant} = {index}," for index, constant in enumerate(subject.constants)]
    return "\n".join(["    FXP_KWS_NONE = -1,", *names])


def _sizes(subject: Subject, variant: Variant) -> str:
    weights = sum(item.step.constant_bytes for item in variant.plan.steps)
    sizes = {
        "PROFILE_NAME": string(variant.profile),
        "STATE_BYTES": state_bytes(subject, variant.plan),
        "SCRATCH_BYTES": scratch_bytes(subject, variant.plan),
        "WEIGHT_BYTES": weights,
    }
    return "\n".join(f"#define FXP_KWS_{name} {value}" for name, value in sizes.items())


_TEXT = """\
/*
 * Keyword spotting: int16 samples in, keywords out. Integers only, no heap, no recursion; weights are const.
 *
 *     static fxp_kws kws;
 *     static fxp_kws_scratch scratch;
 *     fxp_kws_init(&kws);
 *     for (;;) {{
 *         count = read a block of samples, of any length, into block
 *         fxp_kws_push(&kws, block, count, &scratch);
 *         while (fxp_kws_poll(&kws, &detection)) {{
 *             fxp_kws_label(detection.label) was heard
 *         }}
 *     }}
 *
 * The caller owns all memory: every stream has its own fxp_kws, and may run in its own thread, with its own scratch.
 * Nothing is checked at run time. It is the same for C11 and C++11.
 */
#ifndef FXP_KWS_H
#define FXP_KWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#else
#include <stdalign.h>
#endif

{defines}

/* What kind of core the kernels are for: by the compiler's macros, or as defined for all files of a program. */
{choice}

/* Bytes of RAM and, of FXP_KWS_WEIGHT_BYTES, of flash. */
{sizes}
#define FXP_KWS_RAM_BYTES (FXP_KWS_STATE_BYTES + FXP_KWS_SCRATCH_BYTES)

/* Labels, in the order of the logits. */
enum {{
{labels}
}};

/* A stream: what was heard so far. */
typedef struct {{
    alignas(FXP_KWS_MEMORY_ALIGNMENT) unsigned char bytes[FXP_KWS_STATE_BYTES];
}} fxp_kws;

/* Needed during fxp_kws_push alone: between two calls it may serve something else, such as another model. */
typedef struct {{
    alignas(FXP_KWS_MEMORY_ALIGNMENT) unsigned char bytes[FXP_KWS_SCRATCH_BYTES];
}} fxp_kws_scratch;

/* A keyword that was heard. */
typedef struct {{
    int32_t label;      /* FXP_KWS_LABEL_... */
    uint32_t posterior; /* mean over the detector's window, Q15: 32768 is certain */
    uint32_t step;      /* steps since fxp_kws_init, of {milliseconds} ms (FXP_KWS_STEP_SAMPLES) each */
}} fxp_kws_detection;

/* Before the first sample, and to begin anew: as after silence. */
void fxp_kws_init(fxp_kws *kws);

/*
 * Takes the next samples of the stream: FXP_KWS_SAMPLE_RATE, mono, at any address and in blocks of any length.
 *
 * Returns how many it took: all of them, or fewer where FXP_KWS_QUEUE detections wait to be polled. The work comes with
 * the sample that completes a hop (FXP_KWS_HOP_SAMPLES) and, more of it, a step (FXP_KWS_STEP_SAMPLES).
 */
size_t fxp_kws_push(fxp_kws *kws, const int16_t *samples, size_t count, fxp_kws_scratch *scratch);

/* Writes the oldest detection that was not polled yet and returns true; false where there is none. */
bool fxp_kws_poll(fxp_kws *kws, fxp_kws_detection *detection);

/* How sure of a label the last steps were: mean over the detector's window, Q15. */
uint32_t fxp_kws_posterior(const fxp_kws *kws, int32_t label);

/* The word; empty for a number that is no label's. */
const char *fxp_kws_label(int32_t label);

/* Steps since fxp_kws_init. */
uint32_t fxp_kws_steps(const fxp_kws *kws);

/* The last step's logit codes [FXP_KWS_LABELS]. */
const int8_t *fxp_kws_logits(const fxp_kws *kws);

#ifdef __cplusplus
}}
#endif

#endif
"""
