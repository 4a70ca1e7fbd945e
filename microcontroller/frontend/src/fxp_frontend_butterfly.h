/*
 * What the plain C of CMSIS-DSP's arm_rfft_q31 does to a few points, whether one frame is transformed at a time
 * (fxp_frontend_spectrum.c) or many (host/fxp_frontend_mfcc_host.c).
 */
#ifndef FXP_FRONTEND_BUTTERFLY_H
#define FXP_FRONTEND_BUTTERFLY_H

#include "fxp_frontend_product.h"

typedef struct {
    int32_t re;
    int32_t im;
} fxp_point;

/* Half of z * (cosine - j sine). */
static inline fxp_point fxp_turned(fxp_point z, const int32_t *twiddle) {
    const int32_t cosine = twiddle[0];
    const int32_t sine = twiddle[1];
    const fxp_point half = {
        fxp_upper(z.re, cosine) + fxp_upper(z.im, sine), fxp_upper(z.im, cosine) - fxp_upper(z.re, sine)
    };
    return half;
}

static inline fxp_point fxp_shifted_right(fxp_point z, int32_t shift) {
    const fxp_point result = {z.re >> shift, z.im >> shift};
    return result;
}

static inline fxp_point fxp_doubled(fxp_point z) {
    const fxp_point result = {2 * z.re, 2 * z.im};
    return result;
}

/* Sums of four points, apart from their turns: in the order in which they are stored. */
static inline void fxp_butterfly(fxp_point a, fxp_point b, fxp_point c, fxp_point d, fxp_point out[4]) {
    const fxp_point ac = {a.re + c.re, a.im + c.im};
    const fxp_point bd = {b.re + d.re, b.im + d.im};
    const fxp_point a_c = {a.re - c.re, a.im - c.im};
    const fxp_point b_d = {b.re - d.re, b.im - d.im};
    out[0] = (fxp_point){ac.re + bd.re, ac.im + bd.im};
    out[1] = (fxp_point){ac.re - bd.re, ac.im - bd.im};
    out[2] = (fxp_point){a_c.re + b_d.im, a_c.im - b_d.re};
    out[3] = (fxp_point){a_c.re - b_d.im, a_c.im + b_d.re};
}

/* The 6 bits of an index in reverse. */
static inline int32_t fxp_reversed(int32_t index) {
    const uint32_t i = (uint32_t)index;
    return (int32_t)((i & 1u) << 5 | (i & 2u) << 3 | (i & 4u) << 1 | (i & 8u) >> 1 | (i & 16u) >> 3 | (i & 32u) >> 5);
}

/*
 * From bins i and FXP_FRONTEND_PAIRS - i of the transform of even samples + j odd samples to those of the samples.
 * CMSIS-DSP has factors for every bin; those of the second are those of the first, the middle one negated. Where both
 * are one bin, the first's result stays.
 */
static inline void fxp_split(fxp_point *bin, fxp_point *mirrored, const int32_t *factors) {
    const fxp_point p = *bin;
    const fxp_point q = *mirrored;
    const int32_t own = factors[0];
    const int32_t cross = factors[1];
    const int32_t other = factors[2];
    const int32_t both = fxp_upper_rounded(p.re, cross) + fxp_upper_rounded(q.re, -cross);
    mirrored->re = fxp_upper_rounded(q.re, own) + fxp_upper_rounded(p.im, cross) + fxp_upper_rounded(q.im, cross) +
                   fxp_upper_rounded(p.re, other);
    mirrored->im = both + fxp_upper_rounded(q.im, own) + fxp_upper_rounded(p.im, -other);
    bin->re = fxp_upper_rounded(p.re, own) + fxp_upper_rounded(p.im, -cross) + fxp_upper_rounded(q.im, -cross) +
              fxp_upper_rounded(q.re, other);
    bin->im = both + fxp_upper_rounded(p.im, own) + fxp_upper_rounded(q.im, -other);
}

#endif
