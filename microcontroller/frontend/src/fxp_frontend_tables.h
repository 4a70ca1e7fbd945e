/* Constants of the front end, defined in the bundle's fxp_frontend_tables.c. */
#ifndef FXP_FRONTEND_TABLES_H
#define FXP_FRONTEND_TABLES_H

#include "fxp_frontend_config.h"

#include <stdint.h>

enum { FXP_FRONTEND_PAIRS = FXP_FRONTEND_FFT_LENGTH / 2 }; /* points of the complex FFT */

/* Q15 */
extern const int16_t fxp_frontend_window[FXP_FRONTEND_WINDOW_SAMPLES];

/* Q31: cosine and sine of 2 pi i / FXP_FRONTEND_PAIRS, a turn's first three quarters */
extern const int32_t fxp_frontend_twiddles[2 * 3 * FXP_FRONTEND_PAIRS / 4];

/* Q31: (1 - sin) / 2, -cos / 2 and (1 + sin) / 2 of pi i / FXP_FRONTEND_PAIRS */
extern const int32_t fxp_frontend_split[3 * FXP_FRONTEND_PAIRS];

/* Bins between the centers of one band and the next; outside of the first and the last one there is nothing. */
extern const uint8_t fxp_frontend_slope_bins[FXP_FRONTEND_MEL_BANDS + 1];

/* Q15, per bin from FXP_FRONTEND_MEL_FIRST_BIN on: in the falling band; the rest, up to one, is in the rising band. */
extern const uint32_t fxp_frontend_falling[FXP_FRONTEND_MEL_BINS];

/* Q14: log2(1 + i / FXP_FRONTEND_LOG_INTERVALS) */
extern const int16_t fxp_frontend_log2[FXP_FRONTEND_LOG_INTERVALS + 1];

/* Q14 */
extern const int16_t fxp_frontend_dct[FXP_FRONTEND_COEFFICIENTS][FXP_FRONTEND_MEL_BANDS];

/* From a coefficient (Q22) to its code: (coefficient - offset) >> shift, rounding half included in the offset. */
extern const int32_t fxp_frontend_offsets[FXP_FRONTEND_COEFFICIENTS];
extern const uint8_t fxp_frontend_shifts[FXP_FRONTEND_COEFFICIENTS];

#endif
