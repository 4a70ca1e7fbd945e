/* The steps of one frame, each in its own file. */
#ifndef FXP_FRONTEND_STEPS_H
#define FXP_FRONTEND_STEPS_H

#include "fxp_frontend_tables.h"

#include <assert.h>

static_assert((INT32_C(-3) >> 1) == INT32_C(-2), "the front end needs an arithmetic right shift of negative numbers");
static_assert(FXP_FRONTEND_FFT_LENGTH == 512, "four stages of a complex FFT of radix 4");
static_assert(
    FXP_FRONTEND_WINDOW_SAMPLES == 5 * FXP_FRONTEND_FFT_LENGTH / 4, "the first quarter is what a window is folded onto"
);

/*
 * The spectrum of a frame: its samples times the window of the steps, folded onto the FFT's length, through
 * CMSIS-DSP's arm_rfft_q31, integer by integer.
 *
 * samples  int16 [FXP_FRONTEND_WINDOW_SAMPLES], aligned to 4 bytes
 * steps    [FXP_FRONTEND_PAIRS / 4]
 * work     int32 [FXP_FRONTEND_FFT_LENGTH]
 * bins     int32 [FXP_FRONTEND_FFT_LENGTH / 2 + 1][2], real and imaginary parts
 *
 * Returns the left shift after which the largest part fills 31 bits, 0 to FXP_FRONTEND_MAX_NORMALIZATION.
 *
 * Folded products lie below 2^30 in magnitude. No sum of a stage then leaves 32 bits: the first stage divides by 16,
 * each of the next two by 4.
 */
int32_t fxp_frontend_spectrum(const int16_t *samples, const fxp_frontend_step *steps, int32_t *work, int32_t *bins);

/*
 * Log energies of the bands, log2 in Q8, 0 at the floor, below 2^15; of bins that may be shifted left that far.
 *
 * logs  int16 [FXP_FRONTEND_MEL_BANDS]; two of them summed stay below 2^15, too
 */
void fxp_frontend_band_logs(const int32_t *bins, int32_t normalization, int16_t *logs);

/*
 * Codes of a frame's coefficients: DCT of the logs, offset, shift.
 *
 * logs   int16 [FXP_FRONTEND_MEL_BANDS], aligned to 4 bytes
 * codes  int8 [FXP_FRONTEND_COEFFICIENTS]
 */
void fxp_frontend_codes(const int16_t *logs, int8_t *codes);

#endif
