/*
 * What the plain C of the band logs does to one bin and to one energy, whether one frame is heard at a time
 * (fxp_frontend_band_logs.c) or many (host/fxp_frontend_mfcc_host.c).
 */
#ifndef FXP_FRONTEND_LOG_H
#define FXP_FRONTEND_LOG_H

#include "fxp_frontend_product.h"
#include "fxp_frontend_tables.h"

enum { FXP_FRACTION_BITS = 15, FXP_LOG_BITS = 8 };

/* (a << s)^2 / 2^33, rounded down */
static inline uint32_t fxp_squared(int32_t a, int32_t normalization) {
    const int32_t shifted = (int32_t)((uint32_t)a << normalization);
    return (uint32_t)fxp_upper(shifted, shifted) >> 1;
}

/* log2 of energy / 2^floor_bits in Q8, from the exponent and a line through the bits below the highest one. */
static inline int32_t fxp_log2_above(uint64_t energy, int32_t floor_bits) {
    const uint32_t upper = (uint32_t)(energy >> 32);
    const int32_t exponent = upper != 0 ? 63 - __builtin_clz(upper) : 31 - __builtin_clz((uint32_t)energy);
    const uint32_t mantissa = (uint32_t)(exponent > FXP_FRACTION_BITS ? energy >> (exponent - FXP_FRACTION_BITS)
                                                                      : energy << (FXP_FRACTION_BITS - exponent));
    const uint32_t fraction = mantissa - (1u << FXP_FRACTION_BITS);
    const int32_t *const line = fxp_frontend_log2[fraction >> FXP_FRONTEND_LOG_INTERVAL_BITS];
    const int32_t rest = (int32_t)(fraction & ((1u << FXP_FRONTEND_LOG_INTERVAL_BITS) - 1));
    return (exponent - floor_bits) * (1 << FXP_LOG_BITS) + ((line[0] + line[1] * rest) >> FXP_FRONTEND_LOG_SHIFT);
}

#endif
