/*
 * The detector on the device: runs the STEPS_IN_FILE rows of logits.bin, forgets them, runs them again, writes both runs'
 * classes (int32) to detected.bin, and prints what a step takes in instructions, and the bytes of the state.
 */
#include "fxp_detector.h"
#include "semihosting.h"
#include "ticks.h"

#include <string.h>

static fxp_detector detector;
static int8_t logits[STEPS_IN_FILE * FXP_DETECTOR_CLASSES];
static int32_t detected[STEPS_IN_FILE];

static __attribute__((noinline)) uint32_t empty_region(void) {
    const uint32_t start = ticks();
    return ticks() - start;
}

_Noreturn void reset(void);

_Noreturn void reset(void) {
    ticks_start();
    (void)empty_region();
    const uint32_t region = empty_region();
    uint32_t most = 0;
    uint32_t sum = 0;

    const uint32_t file = semihosting_open("logits.bin", 10, READ_BINARY);
    const uint32_t missing = semihosting_read(file, logits, sizeof logits);
    const uint32_t results = semihosting_open("detected.bin", 12, WRITE_BINARY);
    memset(&detector, 0x5a, sizeof detector);
    for (int32_t run = 0; run < 2; ++run) {
        fxp_detector_init(&detector);
        for (int32_t step = 0; step < STEPS_IN_FILE; ++step) {
            const uint32_t start = ticks();
            detected[step] = fxp_detector_step(&detector, logits + step * FXP_DETECTOR_CLASSES);
            const uint32_t instructions = ticks() - start - region;
            most = instructions > most ? instructions : most;
            sum += instructions;
        }
        semihosting_write(results, detected, sizeof detected);
    }
    semihosting_number("missing_bytes", missing);
    semihosting_number("most", most);
    semihosting_number("mean", sum / (2 * STEPS_IN_FILE));
    semihosting_number("state_bytes", sizeof detector);
    semihosting_exit();
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {0x20020000u, (uintptr_t)reset};
