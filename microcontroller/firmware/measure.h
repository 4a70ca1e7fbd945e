/* Instruction counts of an inference and of its layers.
 *
 * Totals come from inferences without an observer. Counts per layer come from separate, observed inferences:
 * the observer reads the counter first and last thing, so that its own work lies outside every layer, and what
 * is left of a call to it is measured once on an empty schedule and taken off. */

#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

#include "counter.h"
#include "fxp_model.h"

struct calibration {
    struct counter_check counter;
    uint32_t layer; /* counted between two calls of the observer; taken off every layer */
};

struct profile {
    uint64_t layers[FXP_MODEL_LAYER_COUNT]; /* sums over the observed inferences */
    uint32_t overhead;                      /* calibration's layer */
    uint32_t region;                        /* instructions of the last layer that was seen */
    uint32_t left;                          /* the counter when the observer last returned */
};

struct calibration measure_calibrate(void);

/* Runs one inference; returns its instructions. */
uint32_t measure_inference(const struct calibration *calibration, const int8_t *input, int8_t *output);

/* Runs one inference and adds each layer's instructions to the profile, which begins as zeros. */
void measure_layers(
    const struct calibration *calibration, struct profile *profile, const int8_t *input, int8_t *output
);

#endif
