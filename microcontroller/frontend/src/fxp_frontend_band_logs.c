/* The band logs in plain C. With the DSP extension, fxp_frontend_band_logs_dsp.c takes its place. */
#include "fxp_frontend_product.h"
#include "fxp_frontend_steps.h"

#if !defined(__ARM_FEATURE_DSP)

enum { FRACTION_BITS = 15, LOG_BITS = 8 };

/* (a << s)^2 / 2^33, rounded down */
static inline uint32_t squared(int32_t a, int32_t normalization) {
    const int32_t shifted = (int32_t)((uint32_t)a << normalization);
    return (uint32_t)fxp_upper(shifted, shifted) >> 1;
}

/* log2 of energy / 2^floor_bits in Q8, from the exponent and a line through the bits below the highest one. */
static inline int32_t log2_above(uint64_t energy, int32_t floor_bits) {
    const uint32_t upper = (uint32_t)(energy >> 32);
    const int32_t exponent = upper != 0 ? 63 - __builtin_clz(upper) : 31 - __builtin_clz((uint32_t)energy);
    const uint32_t mantissa = (uint32_t)(exponent > FRACTION_BITS ? energy >> (exponent - FRACTION_BITS)
                                                                  : energy << (FRACTION_BITS - exponent));
    const uint32_t fraction = mantissa - (1u << FRACTION_BITS);
    const int32_t *const line = fxp_frontend_log2[fraction >> FXP_FRONTEND_LOG_INTERVAL_BITS];
    const int32_t rest = (int32_t)(fraction & ((1u << FXP_FRONTEND_LOG_INTERVAL_BITS) - 1));
    return (exponent - floor_bits) * (1 << LOG_BITS) + ((line[0] + line[1] * rest) >> FXP_FRONTEND_LOG_SHIFT);
}

void fxp_frontend_band_logs(const int32_t *bins, int32_t normalization, int16_t *logs) {
    const int32_t floor_bits = FXP_FRONTEND_FLOOR_BITS + 2 * normalization;
    const uint32_t *slope = fxp_frontend_slopes;
    uint64_t energy = 0;
    bins += 2 * FXP_FRONTEND_MEL_FIRST_BIN;
    for (int32_t band = -1; band < FXP_FRONTEND_MEL_BANDS; ++band) {
        uint64_t next = UINT64_C(1) << floor_bits;
        for (uint32_t count = *slope++; count > 0; --count) {
            const uint32_t power = squared(bins[0], normalization) + squared(bins[1], normalization);
            energy += fxp_weighted(power, slope[0]);
            next += fxp_weighted(power, slope[1]);
            bins += 2;
            slope += 2;
        }
        if (band >= 0) {
            logs[band] = (int16_t)log2_above(energy, floor_bits);
        }
        energy = next;
    }
}

#endif
