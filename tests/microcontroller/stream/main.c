/*
 * The streaming network on the device: runs the FRAMES_IN_FILE frames of frames.bin, forgets them, runs them again, writes
 * both runs' logits to logits.bin, and prints what a call takes: instructions, and bytes of memory.
 */
#include "fxp_stream_model.h"
#include "semihosting.h"
#include "ticks.h"

#include <string.h>

enum { CALLS = FRAMES_IN_FILE / FXP_STREAM_FRAMES, STACK_WORDS = 256, PAINT = 0x5aa55aa5 };

static fxp_stream_state state;
static fxp_stream_arena arena;
static int8_t frames[FRAMES_IN_FILE * FXP_STREAM_FRAME_BYTES];
static int8_t logits[CALLS * FXP_STREAM_OUTPUT_BYTES];

static __attribute__((noinline)) uint32_t empty_region(void) {
    const uint32_t start = ticks();
    return ticks() - start;
}

/* Stack below the caller's frame: painted before a call, looked through after it. */
static __attribute__((noinline)) void paint(uint32_t *words) {
    volatile uint32_t *const below = words;
    for (int32_t i = 0; i < STACK_WORDS; ++i) {
        below[i] = PAINT;
    }
}

static uint32_t painted_away(const uint32_t *words) {
    uint32_t untouched = 0;
    while (untouched < STACK_WORDS && words[untouched] == PAINT) {
        ++untouched;
    }
    return 4 * (STACK_WORDS - untouched);
}

_Noreturn void reset(void);

_Noreturn void reset(void) {
    ticks_start();
    (void)empty_region();
    const uint32_t region = empty_region();
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    uint32_t sum = 0;

    const uint32_t file = semihosting_open("frames.bin", 10, READ_BINARY);
    const uint32_t missing = semihosting_read(file, frames, sizeof frames);
    const uint32_t results = semihosting_open("logits.bin", 10, WRITE_BINARY);
    memset(&state, 0x5a, sizeof state);
    memset(&arena, 0x5a, sizeof arena);
    for (int32_t run = 0; run < 2; ++run) {
        fxp_stream_init(&state);
        for (int32_t call = 0; call < CALLS; ++call) {
            const int8_t *const input = frames + call * FXP_STREAM_INPUT_BYTES;
            const uint32_t start = ticks();
            fxp_stream_step(&state, input, logits + call * FXP_STREAM_OUTPUT_BYTES, arena.bytes);
            const uint32_t instructions = ticks() - start - region;
            least = instructions < least ? instructions : least;
            most = instructions > most ? instructions : most;
            sum += instructions;
        }
        semihosting_write(results, logits, sizeof logits);
    }
    uint32_t *stack;
    __asm volatile("mov %0, sp" : "=r"(stack));
    stack -= STACK_WORDS;
    paint(stack);
    fxp_stream_step(&state, frames, logits, arena.bytes);
    semihosting_number("missing_bytes", missing);
    semihosting_number("least", least);
    semihosting_number("most", most);
    semihosting_number("mean", sum / (2 * CALLS));
    semihosting_number("state_bytes", sizeof state);
    semihosting_number("arena_bytes", sizeof arena);
    semihosting_number("stack_bytes", painted_away(stack));
    semihosting_exit();
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {0x20020000u, (uintptr_t)reset};
