/* Constants of the front end, defined in the bundle's fxp_frontend_tables.c. */
#ifndef FXP_FRONTEND_TABLES_H
#define FXP_FRONTEND_TABLES_H

#include "fxp_frontend_config.h"

#include <stdint.h>

enum { FXP_FRONTEND_PAIRS = FXP_FRONTEND_FFT_LENGTH / 2 }; /* points of the complex FFT */

/*
 * What step i of the FFT's first stage, i < FXP_FRONTEND_PAIRS / 4, multiplies by: window for samples 2 i + 128 k and
 * the one after, k = 0 and 4 in Q15, which are added, the others in Q27, so that an upper word of a product is shifted.
 */
typedef struct {
    int16_t first[2];
    int32_t inner[3][2];
    int16_t last[2];
    int32_t twiddles[3][2]; /* Q31, cosine and sine of 2 pi k i / FXP_FRONTEND_PAIRS, k = 2, 1, 3 */
} fxp_frontend_step;

/*
 * Place of step i, whose three digits of two bits are in reverse there. Later stages take every fourth and every
 * sixteenth step's twiddles: those at the front.
 */
#define FXP_FRONTEND_STEP(i) (((i) & 3) << 4 | ((i) & 12) | (i) >> 4)

/* Q15, k = 1, 2, 3 */
#define FXP_FRONTEND_INNER_WINDOW(step, k, odd) ((step)->inner[(k) - 1][odd] >> 12)

extern const fxp_frontend_step fxp_frontend_steps[FXP_FRONTEND_PAIRS / 4];

/* Q31: (1 - sin) / 2, -cos / 2 and (1 + sin) / 2 of pi i / FXP_FRONTEND_PAIRS for i = 1 to half of the pairs */
extern const int32_t fxp_frontend_split[FXP_FRONTEND_PAIRS / 2][3];

/*
 * The mel filters as slopes between their centers, on each of which a band falls and the next one rises. A slope is
 * the number of its bins, then each one's weights in both bands, Q15. Nothing is before the first band or after the
 * last: those weights are 0. The first bin is FXP_FRONTEND_MEL_FIRST_BIN.
 */
extern const uint32_t fxp_frontend_slopes[FXP_FRONTEND_MEL_BANDS + 1 + 2 * FXP_FRONTEND_MEL_BINS];

/*
 * Line i through log2(1 + i / n) and log2(1 + (i + 1) / n), n intervals: at the start, rounding half included, and its
 * slope over the interval's 2^FXP_FRONTEND_LOG_INTERVAL_BITS steps; in Q8 times 2^FXP_FRONTEND_LOG_SHIFT.
 */
extern const int32_t fxp_frontend_log2[FXP_FRONTEND_LOG_INTERVALS][2];

/*
 * Q14. Rows of even numbers are symmetric and multiply sums of a band and its mirrored one, those of odd numbers are
 * antisymmetric and multiply differences: a row is its first half, the middle included, filled up with zeros.
 */
extern const int16_t fxp_frontend_dct[FXP_FRONTEND_COEFFICIENTS][FXP_FRONTEND_DCT_TAPS];

/* From a coefficient (Q22) to its code: (coefficient - offset) >> shift, rounding half included in the offset. */
extern const int32_t fxp_frontend_offsets[FXP_FRONTEND_COEFFICIENTS];
extern const uint8_t fxp_frontend_shifts[FXP_FRONTEND_COEFFICIENTS];

#endif
