/* The band logs in plain C. With the DSP extension, fxp_frontend_band_logs_dsp.c takes its place. */
#include "fxp_frontend_log.h"
#include "fxp_frontend_steps.h"

#if !defined(__ARM_FEATURE_DSP)

void fxp_frontend_band_logs(const int32_t *bins, int32_t normalization, int16_t *logs) {
    const int32_t floor_bits = FXP_FRONTEND_FLOOR_BITS + 2 * normalization;
    const uint32_t *slope = fxp_frontend_slopes;
    uint64_t energy = 0;
    bins += 2 * FXP_FRONTEND_MEL_FIRST_BIN;
    for (int32_t band = -1; band < FXP_FRONTEND_MEL_BANDS; ++band) {
        uint64_t next = UINT64_C(1) << floor_bits;
        for (uint32_t count = *slope++; count > 0; --count) {
            const uint32_t power = fxp_squared(bins[0], normalization) + fxp_squared(bins[1], normalization);
            energy += fxp_weighted(power, slope[0]);
            next += fxp_weighted(power, slope[1]);
            bins += 2;
            slope += 2;
        }
        if (band >= 0) {
            logs[band] = (int16_t)fxp_log2_above(energy, floor_bits);
        }
        energy = next;
    }
}

#endif
