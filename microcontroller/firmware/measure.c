#include "measure.h"

#include <stddef.h>

#include "board.h"

static fxp_model_arena arena __attribute__((section(".arena")));

static void observe_layer(void *context, int layer, const int8_t *output, size_t bytes) {
    struct profile *const profile = context;
    const uint32_t entered = board_ticks();
    (void)output;
    (void)bytes;
    profile->region = counter_instructions(profile->left, entered) - profile->overhead;
    profile->layers[layer] += profile->region;
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

struct calibration measure_calibrate(void) {
    struct calibration calibration = {.counter = counter_check()};
    struct profile empty = {0};
    empty_schedule(NULL, observe_layer, &empty);
    calibration.layer = empty.region;
    return calibration;
}

uint32_t measure_inference(const struct calibration *calibration, const int8_t *input, int8_t *output) {
    const uint32_t start = board_ticks();
    fxp_model_invoke(input, output, arena.bytes, NULL, NULL);
    return counter_instructions(start, board_ticks()) - calibration->counter.region;
}

void measure_layers(
    const struct calibration *calibration, struct profile *profile, const int8_t *input, int8_t *output
) {
    profile->overhead = calibration->layer;
    profile->left = board_ticks();
    fxp_model_invoke(input, output, arena.bytes, observe_layer, profile);
}
