/*
 * The detector: a row of logits in, a keyword out or none, with integers only and without a heap.
 *
 *     static fxp_detector detector;
 *     fxp_detector_init(&detector);
 *     for (;;) {
 *         fxp_stream_step(..., logits, ...);
 *         int32_t keyword = fxp_detector_step(&detector, logits);
 *         if (keyword >= 0) ... fxp_stream_labels[keyword]
 *     }
 *
 * Each row becomes posteriors (a softmax in Q15), which are summed over the last FXP_DETECTOR_WINDOW steps. A keyword
 * is heard where its sum reaches its threshold, and that within FXP_DETECTOR_RISE steps of having reached
 * FXP_DETECTOR_ONSET (FXP_DETECTOR_ANY_RISE: at any time); the one that exceeds its own by most is detected. Behind a
 * detection come FXP_DETECTOR_REFRACTORY - 1 steps without one, and the same keyword has to fall below its threshold
 * first: one detection per utterance. export/model/detector.py is the definition, equal in every step.
 *
 * The bundle's c/ folder has the parameters (fxp_detector_config.h) and the tables (fxp_detector_tables.c), which
 * kws.tune_detector writes. The functions share nothing but const tables.
 */
#ifndef FXP_DETECTOR_H
#define FXP_DETECTOR_H

#include "fxp_detector_config.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What fxp_detector_step returns where it detects nothing. */
#define FXP_DETECTOR_NONE (-1)

/* The FXP_DETECTOR_RISE of a detector that bounds none. */
#define FXP_DETECTOR_ANY_RISE 255

/* What is kept from step to step. */
typedef struct {
    uint32_t sums[FXP_DETECTOR_CLASSES];
    uint16_t posteriors[FXP_DETECTOR_WINDOW][FXP_DETECTOR_CLASSES]; /* a ring, Q15 */
    uint8_t held[FXP_DETECTOR_CLASSES];                             /* detected, and not below its threshold since */
#if FXP_DETECTOR_RISE < FXP_DETECTOR_ANY_RISE
    uint8_t risen[FXP_DETECTOR_CLASSES]; /* steps since the sum reached the onset, this one counted; 255 at most */
#endif
    uint8_t oldest; /* row of posteriors */
    uint8_t quiet;  /* steps left without a detection */
} fxp_detector;

/* Before the first step: nothing has been heard. */
void fxp_detector_init(fxp_detector *detector);

/* Takes the next logits [FXP_DETECTOR_CLASSES]. Returns the class that is detected now, or FXP_DETECTOR_NONE. */
int32_t fxp_detector_step(fxp_detector *detector, const int8_t *logits);

#ifdef __cplusplus
}
#endif

#endif
