/* Words of two int16 codes, and what the DSP extension does with them, in plain C for the kernels' twins. */
#ifndef FXP_DSP_H
#define FXP_DSP_H

#include "fxp_engine.h"
#include "fxp_requantize.h"

static inline int32_t fxp_low(uint32_t word) {
    return (int16_t)(word & 0xffffu);
}

static inline int32_t fxp_high(uint32_t word) {
    return (int16_t)(word >> 16);
}

static inline uint32_t fxp_halves(int32_t low, int32_t high) {
    return ((uint32_t)low & 0xffffu) | (uint32_t)high << 16;
}

/* SMLAD: both products, added to a sum that is proved to fit. */
static inline int32_t fxp_smlad(uint32_t a, uint32_t b, int32_t sum) {
    return sum + fxp_low(a) * fxp_low(b) + fxp_high(a) * fxp_high(b);
}

/* What the instructions USAT and SSAT with a shift clamp to. */
static inline fxp_requantization fxp_usat(int32_t shift, int32_t bits) {
    const fxp_requantization to = {.shift = (uint8_t)shift, .min_code = 0, .max_code = (int8_t)((1 << bits) - 1)};
    return to;
}

static inline fxp_requantization fxp_ssat(int32_t shift, int32_t bits) {
    const fxp_requantization to = {
        .shift = (uint8_t)shift, .min_code = (int8_t)-(1 << (bits - 1)), .max_code = (int8_t)((1 << (bits - 1)) - 1)
    };
    return to;
}

#endif
