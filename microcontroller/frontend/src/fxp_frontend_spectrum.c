/* The spectrum in plain C. With the DSP extension, fxp_frontend_spectrum_dsp.c takes its place. */
#include "fxp_frontend_product.h"
#include "fxp_frontend_steps.h"

#if !defined(__ARM_FEATURE_DSP)

enum { PAIRS = FXP_FRONTEND_PAIRS, QUARTER = FXP_FRONTEND_FFT_LENGTH / 4 };

typedef struct {
    int32_t re;
    int32_t im;
} point;

static void fold(const int16_t *samples, const fxp_frontend_step *steps, int32_t *work) {
    for (int32_t i = 0; i < QUARTER; ++i) {
        const int16_t (*const window)[2] = steps[i / 2].window;
        for (int32_t k = 0; k < 4; ++k) {
            work[i + k * QUARTER] = samples[i + k * QUARTER] * window[k][i % 2];
        }
        work[i] += samples[i + 4 * QUARTER] * window[4][i % 2];
    }
}

/* Half of z * (cosine - j sine). */
static inline point turned(point z, const int32_t *twiddle) {
    const int32_t cosine = twiddle[0];
    const int32_t sine = twiddle[1];
    const point half = {
        fxp_upper(z.re, cosine) + fxp_upper(z.im, sine), fxp_upper(z.im, cosine) - fxp_upper(z.re, sine)
    };
    return half;
}

static inline point shifted_right(point z, int32_t shift) {
    const point result = {z.re >> shift, z.im >> shift};
    return result;
}

static inline point doubled(point z) {
    const point result = {2 * z.re, 2 * z.im};
    return result;
}

/* Sums of four points, apart from their turns: in the order in which they are stored. */
static inline void butterfly(point a, point b, point c, point d, point out[4]) {
    const point ac = {a.re + c.re, a.im + c.im};
    const point bd = {b.re + d.re, b.im + d.im};
    const point a_c = {a.re - c.re, a.im - c.im};
    const point b_d = {b.re - d.re, b.im - d.im};
    out[0] = (point){ac.re + bd.re, ac.im + bd.im};
    out[1] = (point){ac.re - bd.re, ac.im - bd.im};
    out[2] = (point){a_c.re + b_d.im, a_c.im - b_d.re};
    out[3] = (point){a_c.re - b_d.im, a_c.im + b_d.re};
}

static void first_stage(point *points, const fxp_frontend_step *steps) {
    enum { STEP = PAIRS / 4 };
    for (int32_t i = 0; i < STEP; ++i) {
        point *const p = points + i;
        const int32_t (*const twiddles)[2] = steps[i].twiddles;
        point out[4];
        butterfly(
            shifted_right(p[0], 4),
            shifted_right(p[STEP], 4),
            shifted_right(p[2 * STEP], 4),
            shifted_right(p[3 * STEP], 4),
            out
        );
        p[0] = out[0];
        for (int32_t k = 1; k < 4; ++k) {
            p[k * STEP] = doubled(turned(out[k], twiddles[k - 1]));
        }
    }
}

static void middle_stage(point *points, const fxp_frontend_step *steps, int32_t step) {
    for (int32_t i = 0; i < step; ++i) {
        const int32_t (*const twiddles)[2] = steps[PAIRS / 4 / step * i].twiddles;
        for (point *p = points + i; p < points + PAIRS; p += 4 * step) {
            point out[4];
            butterfly(p[0], p[step], p[2 * step], p[3 * step], out);
            p[0] = shifted_right(out[0], 2);
            for (int32_t k = 1; k < 4; ++k) {
                p[k * step] = shifted_right(turned(out[k], twiddles[k - 1]), 1);
            }
        }
    }
}

/* The 6 bits of an index in reverse. */
static int32_t reversed(int32_t index) {
    const uint32_t i = (uint32_t)index;
    return (int32_t)((i & 1u) << 5 | (i & 2u) << 3 | (i & 4u) << 1 | (i & 8u) >> 1 | (i & 16u) >> 3 | (i & 32u) >> 5);
}

/* In the order of frequency. */
static void last_stage(const point *points, point *bins) {
    enum { STEP = PAIRS / 4 };
    for (int32_t i = 0; i < STEP; ++i) {
        const point *const p = points + 4 * reversed(i);
        point out[4];
        butterfly(p[0], p[1], p[2], p[3], out);
        bins[i] = out[0];
        bins[i + STEP] = out[2];
        bins[i + 2 * STEP] = out[1];
        bins[i + 3 * STEP] = out[3];
    }
}

/*
 * From the transform of even samples + j odd samples to that of the samples. CMSIS-DSP has factors for every bin; those
 * of bin PAIRS - i are those of bin i, the second one negated.
 */
static void split(point *bins) {
    const point first = bins[0];
    bins[0] = (point){(first.re + first.im) >> 1, 0};
    bins[PAIRS] = (point){(first.re - first.im) >> 1, 0};
    for (int32_t i = 1; i <= PAIRS / 2; ++i) {
        const point p = bins[i];
        const point q = bins[PAIRS - i];
        const int32_t own = fxp_frontend_split[i - 1][0];
        const int32_t cross = fxp_frontend_split[i - 1][1];
        const int32_t other = fxp_frontend_split[i - 1][2];
        const int32_t both = fxp_upper_rounded(p.re, cross) + fxp_upper_rounded(q.re, -cross);
        bins[PAIRS - i].re = fxp_upper_rounded(q.re, own) + fxp_upper_rounded(p.im, cross) +
                             fxp_upper_rounded(q.im, cross) + fxp_upper_rounded(p.re, other);
        bins[PAIRS - i].im = both + fxp_upper_rounded(q.im, own) + fxp_upper_rounded(p.im, -other);
        bins[i].re = fxp_upper_rounded(p.re, own) + fxp_upper_rounded(p.im, -cross) + fxp_upper_rounded(q.im, -cross) +
                     fxp_upper_rounded(q.re, other);
        bins[i].im = both + fxp_upper_rounded(p.im, own) + fxp_upper_rounded(q.im, -other);
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
    point *const points = (point *)(void *)work;
    fold(samples, steps, work);
    first_stage(points, steps);
    middle_stage(points, steps, PAIRS / 16);
    middle_stage(points, steps, PAIRS / 64);
    last_stage(points, (point *)(void *)bins);
    split((point *)(void *)bins);
    return normalization(bins);
}

#endif
