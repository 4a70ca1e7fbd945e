"""Writes a detector's parameters as C for `microcontroller/detector`.

Two files: `fxp_detector_config.h` (sizes) and `fxp_detector_tables.c` (exponentials, thresholds).
"""

import textwrap

import numpy as np

from export.model.detector import POSTERIOR_BITS, Detector
from export.source import self_test_source
from export.source.self_test_source import Checked, Copied

HEADER = "fxp_detector_config.h"
SOURCE = "fxp_detector_tables.c"
_COLUMNS = 120


def generate(detector: Detector) -> dict[str, str]:
    """The generated C files of a detector, name -> text (ASCII)."""
    return {HEADER: _header(detector), SOURCE: _source(detector)}


def _header(detector: Detector) -> str:
    macros = {
        "CLASSES": len(detector.labels),
        "WINDOW": detector.window,
        "REFRACTORY": detector.refractory,
        "RISE": detector.rise,
        "ONSET": detector.onset,
        "POSTERIOR_BITS": POSTERIOR_BITS,
        "LOGIT_FRACTION_BITS": detector.fraction_bits,
    }
    defines = "\n".join(
        f"#define FXP_DETECTOR_{name} {value if value >= 0 else f'({value})'}" for name, value in macros.items()
    )
    return f"""\
/* Generated from a bundle's detector. Don't edit: run kws.tune_detector again. */
#ifndef FXP_DETECTOR_CONFIG_H
#define FXP_DETECTOR_CONFIG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{defines}

/* By how far a logit's code lies below the largest: exp(-distance * 2^-fraction_bits), Q15. */
extern const uint16_t fxp_detector_exponentials[256];

/* Of the sum of the last FXP_DETECTOR_WINDOW posteriors of each class; UINT32_MAX is never reached. */
extern const uint32_t fxp_detector_thresholds[FXP_DETECTOR_CLASSES];

#ifdef __cplusplus
}}
#endif

#endif
"""


def _source(detector: Detector) -> str:
    exponentials = _rows([str(value) for value in detector.exponentials.tolist()])
    thresholds = _rows([f"{value}u" for value in detector.thresholds])
    return f"""\
/* Generated from a bundle's detector. Don't edit: run kws.tune_detector again. */
#include "{HEADER}"

// clang-format off
const uint16_t fxp_detector_exponentials[256] = {{
{exponentials}
}};

const uint32_t fxp_detector_thresholds[FXP_DETECTOR_CLASSES] = {{
{thresholds}
}};
// clang-format on

{self_test_source.function("detector", _checked(detector))}"""


def _checked(detector: Detector) -> list[Checked | Copied]:
    tables: dict[str, np.ndarray] = {
        "exponentials": detector.exponentials.astype(np.uint16),
        "thresholds": np.array(detector.thresholds, np.uint32),
    }
    return [self_test_source.array(f"fxp_detector_{name}", values) for name, values in tables.items()]


def _rows(values: list[str]) -> str:
    indent = "    "
    return textwrap.fill(", ".join(values) + ",", _COLUMNS, initial_indent=indent, subsequent_indent=indent)
