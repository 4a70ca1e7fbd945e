#include "fxp_frontend_steps.h"

enum { FRACTION_BITS = 15, INTERVAL_BITS = 10 };

static_assert(FXP_FRONTEND_LOG_INTERVALS << INTERVAL_BITS == 1 << FRACTION_BITS, "an interval is a power of two");

/* (a << s)^2 / 2^33, rounded down */
static inline uint32_t squared(int32_t a, int32_t normalization) {
    const int32_t shifted = (int32_t)((uint32_t)a << normalization);
    return (uint32_t)(((int64_t)shifted * shifted) >> 33);
}

static int32_t leading_zeros(uint32_t word) {
#if defined(__GNUC__)
    return __builtin_clz(word);
#else
    int32_t zeros = 0;
    while (!(word >> 31)) {
        word <<= 1;
        ++zeros;
    }
    return zeros;
#endif
}

/* log2 of at least 1, in Q8: the exponent, and the 15 bits below the highest one by linear interpolation. */
static int32_t log2_of(uint64_t energy) {
    const uint32_t upper = (uint32_t)(energy >> 32);
    const uint32_t lower = (uint32_t)energy;
    const int32_t zeros = upper != 0 ? leading_zeros(upper) : 32 + leading_zeros(lower);
    const uint32_t mantissa = (uint32_t)((energy << zeros) >> 32);
    const uint32_t fraction = mantissa >> (31 - FRACTION_BITS) & ((1u << FRACTION_BITS) - 1);
    const int32_t rest = (int32_t)(fraction & ((1u << INTERVAL_BITS) - 1));
    const int16_t *const ends = fxp_frontend_log2 + (fraction >> INTERVAL_BITS);
    const int32_t log = ends[0] + ((ends[1] - ends[0]) * rest >> INTERVAL_BITS);
    return (63 - zeros) * 256 + ((log + 32) >> 6);
}

void fxp_frontend_band_logs(const int32_t *bins, int32_t normalization, int16_t *logs) {
    const int32_t floor_bits = FXP_FRONTEND_FLOOR_BITS + 2 * normalization;
    const uint64_t floor = UINT64_C(1) << floor_bits;
    const uint32_t *falling = fxp_frontend_falling;
    uint64_t rising = 0;
    bins += 2 * FXP_FRONTEND_MEL_FIRST_BIN;
    for (int32_t slope = 0; slope <= FXP_FRONTEND_MEL_BANDS; ++slope) {
        uint64_t sum = 0;
        uint64_t weighted = 0;
        for (int32_t count = fxp_frontend_slope_bins[slope]; count > 0; --count) {
            const uint32_t power = squared(bins[0], normalization) + squared(bins[1], normalization);
            weighted += (uint64_t)power * *falling++;
            sum += power;
            bins += 2;
        }
        if (slope > 0) {
            logs[slope - 1] = (int16_t)(log2_of(rising + weighted + floor) - floor_bits * 256);
        }
        rising = (sum << FXP_FRONTEND_MEL_BITS) - weighted;
    }
}
