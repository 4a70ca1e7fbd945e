/* What fxp_frontend_spectrum_dsp.c leaves to do. */
#ifndef FXP_FRONTEND_SPLIT_DSP_H
#define FXP_FRONTEND_SPLIT_DSP_H

#include <stdint.h>

/*
 * From the transform of even samples + j odd samples, in the order of frequency, to that of the samples, in place.
 * Returns the normalization.
 *
 * bins  int32 [FXP_FRONTEND_FFT_LENGTH / 2 + 1][2]
 */
int32_t fxp_frontend_split_bins(int32_t *bins);

#endif
