#include "measure.h"

#include <stddef.h>

#include "board.h"
#include "firmware_config.h"

enum { CALIBRATION_ITERATIONS = 50000, INSTRUCTIONS_PER_ITERATION = 2, STEPS = 64 };

_Static_assert(
    (FIRMWARE_TICKS == 1 && FIRMWARE_INSTRUCTIONS == 1) || FIRMWARE_TICKS > 2 * FIRMWARE_INSTRUCTIONS,
    "a counter this coarse tells no instruction from the next"
);

static fxp_model_arena arena __attribute__((section(".arena")));

/* Instructions between two readings of the counter. Each is less than a tick late, so that rounding finds the number
 * of instructions that it was. */
static uint32_t instructions(uint32_t start, uint32_t end) {
    const uint64_t ticks = end - start;
    return (uint32_t)((ticks * FIRMWARE_INSTRUCTIONS + FIRMWARE_TICKS / 2) / FIRMWARE_TICKS);
}

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
    profile->region = instructions(profile->left, entered) - profile->overhead;
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

static uint32_t empty_region(void) {
    const uint32_t start = board_ticks();
    return instructions(start, board_ticks());
}

/* Loops of 1, 2, ... turns: how far the difference of neighbours is from a turn's instructions, at most. */
static uint32_t largest_step_error(void) {
    uint32_t largest = 0;
    uint32_t before = instructions(0, loop_ticks(1));
    for (uint32_t turns = 2; turns < STEPS; turns++) {
        const uint32_t count = instructions(0, loop_ticks(turns));
        const uint32_t expected = before + INSTRUCTIONS_PER_ITERATION;
        const uint32_t error = count > expected ? count - expected : expected - count;
        largest = error > largest ? error : largest;
        before = count;
    }
    return largest;
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

    calibration.step_error = largest_step_error();

    (void)empty_region();
    calibration.region = empty_region();
    empty_schedule(NULL, observe_layer, &empty);
    calibration.layer = empty.region;
    return calibration;
}

uint32_t measure_inference(const struct calibration *calibration, const int8_t *input, int8_t *output) {
    const uint32_t start = board_ticks();
    fxp_model_invoke(input, output, arena.bytes, NULL, NULL);
    return instructions(start, board_ticks()) - calibration->region;
}

void measure_layers(
    const struct calibration *calibration, struct profile *profile, const int8_t *input, int8_t *output
) {
    profile->overhead = calibration->layer;
    profile->left = board_ticks();
    fxp_model_invoke(input, output, arena.bytes, observe_layer, profile);
}
