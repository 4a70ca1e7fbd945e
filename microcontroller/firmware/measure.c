#include "measure.h"

#include <stddef.h>

#include "board.h"

enum { CALIBRATION_ITERATIONS = 50000, INSTRUCTIONS_PER_ITERATION = 2 };

static fxp_model_arena arena __attribute__((section(".arena")));

/* Not inlined: every call then has the same instructions around the loop. */
static __attribute__((noinline, noclone)) uint32_t loop_ticks(uint32_t iterations) {
    const uint32_t start = board_ticks();
    __asm volatile(".syntax unified\n"
                   "1: subs %0, %0, #1\n"
                   "bne 1b\n"
                   : "+l"(iterations)
                   :
                   : "cc");
    return board_ticks() - start;
}

static void observe_layer(void *context, int layer, const int8_t *output, size_t bytes) {
    struct profile *const profile = context;
    const uint32_t entered = board_ticks();
    (void)output;
    (void)bytes;
    profile->region = entered - profile->left - profile->overhead;
    profile->layer_ticks[layer] += profile->region;
    profile->left = board_ticks();
}

/* Calls the observer as a model does, with nothing in between. */
static __attribute__((noinline, noclone)) void
empty_schedule(const int8_t *output, fxp_observer observer, void *context) {
    for (int call = 0; call < 2; call++) {
        if (observer != NULL) {
            observer(context, 0, output, FXP_MODEL_OUTPUT_BYTES);
        }
    }
}

static uint32_t empty_region_ticks(void) {
    const uint32_t start = board_ticks();
    return board_ticks() - start;
}

struct calibration measure_calibrate(void) {
    struct calibration calibration;
    struct profile empty = {0};

    /* The difference of two loops is free of what reading the counter costs. The first one is a warm-up. */
    (void)loop_ticks(CALIBRATION_ITERATIONS);
    const uint32_t shorter = loop_ticks(CALIBRATION_ITERATIONS);
    const uint32_t longer = loop_ticks(2 * CALIBRATION_ITERATIONS);
    calibration.instructions = CALIBRATION_ITERATIONS * INSTRUCTIONS_PER_ITERATION;
    calibration.ticks = longer - shorter;

    (void)empty_region_ticks();
    calibration.region_ticks = empty_region_ticks();
    empty_schedule(NULL, observe_layer, &empty);
    calibration.layer_ticks = empty.region;
    return calibration;
}

uint32_t measure_inference(const struct calibration *calibration, const int8_t *input, int8_t *output) {
    const uint32_t start = board_ticks();
    fxp_model_invoke(input, output, arena.bytes, NULL, NULL);
    return board_ticks() - start - calibration->region_ticks;
}

void measure_layers(
    const struct calibration *calibration, struct profile *profile, const int8_t *input, int8_t *output
) {
    profile->overhead = calibration->layer_ticks;
    profile->left = board_ticks();
    fxp_model_invoke(input, output, arena.bytes, observe_layer, profile);
}
