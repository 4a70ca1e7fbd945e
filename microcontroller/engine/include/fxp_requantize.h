/* From accumulator to code, inlined into every kernel. */
#ifndef FXP_REQUANTIZE_H
#define FXP_REQUANTIZE_H

#include "fxp_engine.h"

#include <assert.h>

static_assert((INT32_C(-3) >> 1) == INT32_C(-2), "the engine needs an arithmetic right shift of negative numbers");

static inline int8_t fxp_requantize(int32_t accumulator, fxp_requantization to) {
    int32_t code = accumulator >> to.shift;
    code = code < to.min_code ? to.min_code : code;
    code = code > to.max_code ? to.max_code : code;
    return (int8_t)code;
}

#endif
