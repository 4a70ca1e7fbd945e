"""Writes the C around a .tflite that `runner.cc` hands to TensorFlow Lite Micro."""

import itertools
import pathlib
import textwrap

import numpy as np

from export.model.integer_model import IntegerModel
from export.plan import ALIGNMENT
from export.source.c_text import string

SOURCE = pathlib.Path(__file__).with_name("runner.cc")
_FIXED_ARENA = 16 * 1024
_FOR_VECTORS = 48 * 1024
"""More, that CMSIS-NN's kernels for vectors ask for: 77,380 bytes are used of the default network's on a Cortex-M55."""
_ARENA_PER_LAYER = 1024


def arena_bytes(model: IntegerModel, with_vectors: bool = False) -> int:
    """Memory to offer: activations, CMSIS-NN's buffers, the interpreter's own. The report says what is used of it."""
    shapes = [model.input_shape, *(layer.output_shape for layer in model.layers)]
    largest = max(int(np.prod(before)) + int(np.prod(after)) for before, after in itertools.pairwise(shapes))
    window = max(2 * layer.input_shape[2] * int(np.prod(layer.kernel_size)) for layer in model.layers)
    fixed = _FIXED_ARENA + (_FOR_VECTORS if with_vectors else 0)
    needed = largest + 2 * window + _ARENA_PER_LAYER * len(model.layers) + fixed
    return -(-needed // ALIGNMENT) * ALIGNMENT


def generate(model: IntegerModel, tflite: bytes, with_vectors: bool = False) -> dict[str, str]:
    """fxp_model.h and fxp_model.c, in place of `export.source.model_source`'s, and tflm_model.h for the runner."""
    return {
        "fxp_model.h": _header(model),
        "fxp_model.c": _source(model, tflite),
        "tflm_model.h": _MODEL_HEADER.format(arena=arena_bytes(model, with_vectors), layers=len(model.layers)),
    }


_MODEL_HEADER = """\
/* Generated: a .tflite, and the memory to run it in. C and C++. */
#ifndef TFLM_MODEL_H
#define TFLM_MODEL_H

#include <stddef.h>

#define TFLM_MODEL_ARENA_BYTES {arena}
#define TFLM_MODEL_LAYER_COUNT {layers}

#ifdef __cplusplus
extern "C" {{
#endif

extern const unsigned char tflm_model[];

/* Bytes of the arena that are used, once a first inference was run. */
size_t tflm_model_arena_used(void);

#ifdef __cplusplus
}}
#endif

#endif
"""


def _header(model: IntegerModel) -> str:
    return f"""\
/* Generated from an integer model's .tflite, to be run by TensorFlow Lite Micro. */
#ifndef FXP_MODEL_H
#define FXP_MODEL_H

#include "fxp_engine.h"
#include "tflm_model.h"

#include <stdalign.h>

#define FXP_MODEL_SHA256 "{model.sha256}"
#define FXP_MODEL_INPUT_BYTES {int(np.prod(model.input_shape))}
#define FXP_MODEL_OUTPUT_BYTES {len(model.labels)}
#define FXP_MODEL_LAYER_COUNT {len(model.layers)}
#define FXP_MODEL_ARENA_BYTES tflm_model_arena_used()

extern const char *const fxp_model_labels[FXP_MODEL_OUTPUT_BYTES];

typedef struct {{
    alignas({ALIGNMENT}) int8_t bytes[TFLM_MODEL_ARENA_BYTES];
}} fxp_model_arena;

void fxp_model_invoke(const int8_t *input, int8_t *output, void *arena, fxp_observer observer, void *context);

#endif
"""


def _source(model: IntegerModel, tflite: bytes) -> str:
    labels = "".join(f"    {string(label)},\n" for label in model.labels)
    data = textwrap.fill(" ".join(f"{byte}," for byte in tflite), 110, initial_indent="    ", subsequent_indent="    ")
    return f"""\
/* Generated from an integer model's .tflite, to be run by TensorFlow Lite Micro. */
#include "fxp_model.h"

alignas({ALIGNMENT}) const unsigned char tflm_model[{len(tflite)}] = {{
{data}
}};

const char *const fxp_model_labels[FXP_MODEL_OUTPUT_BYTES] = {{
{labels}}};
"""
