/* Generated from a bundle's detector. Don't edit: run kws.tune_detector again. */
#ifndef FXP_DETECTOR_CONFIG_H
#define FXP_DETECTOR_CONFIG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FXP_DETECTOR_CLASSES 12
#define FXP_DETECTOR_WINDOW 8
#define FXP_DETECTOR_REFRACTORY 20
#define FXP_DETECTOR_POSTERIOR_BITS 15
#define FXP_DETECTOR_LOGIT_FRACTION_BITS 5

/* By how far a logit's code lies below the largest: exp(-distance * 2^-fraction_bits), Q15. */
extern const uint16_t fxp_detector_exponentials[256];

/* Of the sum of the last FXP_DETECTOR_WINDOW posteriors of each class; UINT32_MAX is never reached. */
extern const uint32_t fxp_detector_thresholds[FXP_DETECTOR_CLASSES];

#ifdef __cplusplus
}
#endif

#endif
