#include "counter.h"

#include "board.h"
#include "core.h"
#include "firmware_config.h"
#include "report.h"

enum { CHECK_ITERATIONS = 50000, INSTRUCTIONS_PER_ITERATION = 2, STEPS = 64 };

_Static_assert(
    (FIRMWARE_TICKS == 1 && FIRMWARE_INSTRUCTIONS == 1) || FIRMWARE_TICKS > 2 * FIRMWARE_INSTRUCTIONS,
    "a counter this coarse tells no instruction from the next"
);

/* Each reading is less than a tick late, so that rounding finds the number of instructions that it was. */
uint32_t counter_instructions(uint32_t start, uint32_t end) {
    const uint64_t ticks = end - start;
    return (uint32_t)((ticks * FIRMWARE_INSTRUCTIONS + FIRMWARE_TICKS / 2) / FIRMWARE_TICKS);
}

/* Not inlined: every call then has the same instructions around the loop. */
static __attribute__((noinline, noclone)) uint32_t loop_ticks(uint32_t iterations) {
    const uint32_t start = board_ticks();
    core_spin(iterations);
    return board_ticks() - start;
}

static uint32_t empty_region(void) {
    const uint32_t start = board_ticks();
    return counter_instructions(start, board_ticks());
}

/* Loops of 1, 2, ... turns: how far the difference of neighbours is from a turn's instructions, at most. */
static uint32_t largest_step_error(void) {
    uint32_t largest = 0;
    uint32_t before = counter_instructions(0, loop_ticks(1));
    for (uint32_t turns = 2; turns < STEPS; turns++) {
        const uint32_t count = counter_instructions(0, loop_ticks(turns));
        const uint32_t expected = before + INSTRUCTIONS_PER_ITERATION;
        const uint32_t error = count > expected ? count - expected : expected - count;
        largest = error > largest ? error : largest;
        before = count;
    }
    return largest;
}

struct counter_check counter_check(void) {
    struct counter_check check;
    /* The difference of two loops is free of what reading the counter costs. The first one is a warm-up. */
    (void)loop_ticks(CHECK_ITERATIONS);
    const uint32_t shorter = loop_ticks(CHECK_ITERATIONS);
    const uint32_t longer = loop_ticks(2 * CHECK_ITERATIONS);
    check.instructions = CHECK_ITERATIONS * INSTRUCTIONS_PER_ITERATION;
    check.ticks = longer - shorter;
    check.step_error = largest_step_error();
    (void)empty_region();
    check.region = empty_region();
    return check;
}

void counter_report(const struct counter_check *check) {
    report_unsigned("instructions", check->instructions);
    report_unsigned("ticks", check->ticks);
    report_unsigned("region", check->region);
    report_unsigned("step_error", check->step_error);
}
