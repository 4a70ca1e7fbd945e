#include "fxp_detector.h"

#include <assert.h>
#include <stdbool.h>

static_assert(FXP_DETECTOR_WINDOW >= 1 && FXP_DETECTOR_WINDOW <= 255, "the ring's place is a byte");
static_assert(FXP_DETECTOR_REFRACTORY >= 1 && FXP_DETECTOR_REFRACTORY <= 255, "the count of quiet steps is a byte");
static_assert(FXP_DETECTOR_RISE >= 1 && FXP_DETECTOR_RISE <= FXP_DETECTOR_ANY_RISE, "the steps of a rise are a byte");
static_assert(FXP_DETECTOR_POSTERIOR_BITS == 15, "a posterior of one is kept in 16 bits, its numerator in 32");

static int32_t largest(const int8_t *logits) {
    int32_t peak = logits[0];
    for (int32_t i = 1; i < FXP_DETECTOR_CLASSES; ++i) {
        peak = logits[i] > peak ? logits[i] : peak;
    }
    return peak;
}

/* The oldest posteriors leave the sums, those of the new logits enter. */
static void advance(fxp_detector *detector, const int8_t *logits) {
    const int32_t peak = largest(logits);
    uint32_t total = 0;
    for (int32_t i = 0; i < FXP_DETECTOR_CLASSES; ++i) {
        total += fxp_detector_exponentials[peak - logits[i]];
    }
    uint16_t *row = detector->posteriors[detector->oldest];
    for (int32_t i = 0; i < FXP_DETECTOR_CLASSES; ++i) {
        const uint32_t exponential = fxp_detector_exponentials[peak - logits[i]];
        const uint32_t posterior = (exponential << FXP_DETECTOR_POSTERIOR_BITS) / total;
        detector->sums[i] += posterior - row[i];
        row[i] = (uint16_t)posterior;
    }
    detector->oldest = (uint8_t)(detector->oldest + 1 == FXP_DETECTOR_WINDOW ? 0 : detector->oldest + 1);
}

/* Whether class i, whose sum has been advanced, has not been rising for too long. */
static bool quick(fxp_detector *detector, int32_t i) {
#if FXP_DETECTOR_RISE < FXP_DETECTOR_ANY_RISE
    const uint32_t sum = detector->sums[i];
    if (sum < FXP_DETECTOR_ONSET && sum < fxp_detector_thresholds[i]) {
        detector->risen[i] = 0;
    } else if (detector->risen[i] < FXP_DETECTOR_ANY_RISE) {
        ++detector->risen[i];
    }
    return detector->risen[i] <= FXP_DETECTOR_RISE;
#else
    (void)detector;
    (void)i;
    return true;
#endif
}

int32_t fxp_detector_step(fxp_detector *detector, const int8_t *logits) {
    int32_t best = FXP_DETECTOR_NONE;
    uint32_t best_excess = 0;
    advance(detector, logits);
    for (int32_t i = 0; i < FXP_DETECTOR_CLASSES; ++i) {
        const uint32_t sum = detector->sums[i], threshold = fxp_detector_thresholds[i];
        const bool in_time = quick(detector, i);
        if (sum < threshold) {
            detector->held[i] = 0;
        } else if (in_time && !detector->held[i] && (best == FXP_DETECTOR_NONE || sum - threshold > best_excess)) {
            best = i;
            best_excess = sum - threshold;
        }
    }
    if (detector->quiet > 0) {
        --detector->quiet;
        return FXP_DETECTOR_NONE;
    }
    if (best != FXP_DETECTOR_NONE) {
        detector->held[best] = 1;
        detector->quiet = FXP_DETECTOR_REFRACTORY - 1;
    }
    return best;
}
