/* The spectrum in plain C. With the DSP extension, fxp_frontend_spectrum_dsp.c takes its place. */
#include "fxp_frontend_butterfly.h"
#include "fxp_frontend_steps.h"

#if !defined(__ARM_FEATURE_DSP)

enum { PAIRS = FXP_FRONTEND_PAIRS, QUARTER = FXP_FRONTEND_FFT_LENGTH / 4 };

static void fold(const int16_t *samples, const fxp_frontend_step *steps, int32_t *work) {
    for (int32_t i = 0; i < QUARTER; ++i) {
        const fxp_frontend_step *const step = steps + FXP_FRONTEND_STEP(i / 2);
        work[i] = samples[i] * step->first[i % 2] + samples[i + 4 * QUARTER] * step->last[i % 2];
        for (int32_t k = 1; k < 4; ++k) {
            work[i + k * QUARTER] = samples[i + k * QUARTER] * FXP_FRONTEND_INNER_WINDOW(step, k, i % 2);
        }
    }
}

static void first_stage(fxp_point *points, const fxp_frontend_step *steps) {
    enum { STEP = PAIRS / 4 };
    for (int32_t i = 0; i < STEP; ++i) {
        fxp_point *const p = points + i;
        const int32_t (*const twiddles)[2] = steps[FXP_FRONTEND_STEP(i)].twiddles;
        fxp_point out[4];
        fxp_butterfly(
            fxp_shifted_right(p[0], 4),
            fxp_shifted_right(p[STEP], 4),
            fxp_shifted_right(p[2 * STEP], 4),
            fxp_shifted_right(p[3 * STEP], 4),
            out
        );
        p[0] = out[0];
        for (int32_t k = 1; k < 4; ++k) {
            p[k * STEP] = fxp_doubled(fxp_turned(out[k], twiddles[k - 1]));
        }
    }
}

static void middle_stage(fxp_point *points, const fxp_frontend_step *steps, int32_t step) {
    for (int32_t i = 0; i < step; ++i) {
        const int32_t (*const twiddles)[2] = steps[FXP_FRONTEND_STEP(PAIRS / 4 / step * i)].twiddles;
        for (fxp_point *p = points + i; p < points + PAIRS; p += 4 * step) {
            fxp_point out[4];
            fxp_butterfly(p[0], p[step], p[2 * step], p[3 * step], out);
            p[0] = fxp_shifted_right(out[0], 2);
            for (int32_t k = 1; k < 4; ++k) {
                p[k * step] = fxp_shifted_right(fxp_turned(out[k], twiddles[k - 1]), 1);
            }
        }
    }
}

/* In the order of frequency. */
static void last_stage(const fxp_point *points, fxp_point *bins) {
    enum { STEP = PAIRS / 4 };
    for (int32_t i = 0; i < STEP; ++i) {
        const fxp_point *const p = points + 4 * fxp_reversed(i);
        fxp_point out[4];
        fxp_butterfly(p[0], p[1], p[2], p[3], out);
        bins[i] = out[0];
        bins[i + STEP] = out[2];
        bins[i + 2 * STEP] = out[1];
        bins[i + 3 * STEP] = out[3];
    }
}

/* From the transform of even samples + j odd samples to that of the samples. */
static void split(fxp_point *bins) {
    const fxp_point first = bins[0];
    bins[0] = (fxp_point){(first.re + first.im) >> 1, 0};
    bins[PAIRS] = (fxp_point){(first.re - first.im) >> 1, 0};
    for (int32_t i = 1; i <= PAIRS / 2; ++i) {
        fxp_split(&bins[i], &bins[PAIRS - i], fxp_frontend_split[i - 1]);
    }
}

static int32_t normalization(const int32_t *bins) {
    uint32_t bits = 0;
    for (int32_t i = 0; i < FXP_FRONTEND_FFT_LENGTH + 2; ++i) {
        bits |= bins[i] < 0 ? 0u - (uint32_t)bins[i] : (uint32_t)bins[i];
    }
    int32_t shift = 0;
    while (shift < FXP_FRONTEND_MAX_NORMALIZATION && bits < UINT32_C(0x40000000) >> shift) {
        ++shift;
    }
    return shift;
}

int32_t fxp_frontend_spectrum(const int16_t *samples, const fxp_frontend_step *steps, int32_t *work, int32_t *bins) {
    fxp_point *const points = (fxp_point *)(void *)work;
    fold(samples, steps, work);
    first_stage(points, steps);
    middle_stage(points, steps, PAIRS / 16);
    middle_stage(points, steps, PAIRS / 64);
    last_stage(points, (fxp_point *)(void *)bins);
    split((fxp_point *)(void *)bins);
    return normalization(bins);
}

#endif
