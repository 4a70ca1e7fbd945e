/* What the kernels of every folder have in common: the numbers of a layer, and the step from accumulator to code. Names
 * and terms: docs/glossary.md. */
#ifndef FXP_LAYER_H
#define FXP_LAYER_H

#include "fxp_engine.h"

#include <assert.h>

typedef struct {
    int32_t height;
    int32_t width;
} fxp_window;

typedef struct {
    int32_t vertical;
    int32_t horizontal;
} fxp_stride;

/* Padding below and on the right follows from the shapes. */
typedef struct {
    int32_t top;
    int32_t left;
} fxp_padding;

/* From accumulator to code; 0 <= shift <= 30. */
typedef struct {
    uint8_t shift;
    int8_t min_code;
    int8_t max_code;
} fxp_requantization;

static_assert((INT32_C(-3) >> 1) == INT32_C(-2), "the engine needs an arithmetic right shift of negative numbers");

/* Inlined into every kernel. */
static inline int8_t fxp_requantize(int32_t accumulator, fxp_requantization to) {
    int32_t code = accumulator >> to.shift;
    code = code < to.min_code ? to.min_code : code;
    code = code > to.max_code ? to.max_code : code;
    return (int8_t)code;
}

#endif
