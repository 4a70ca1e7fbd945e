/*
 * The front end on the device: reads clips of CLIP_HOPS hops from samples.bin, writes each one's features to
 * features.bin, and prints what a hop takes: instructions in all and by step, bytes of memory. The buffer that it reads
 * into begins SAMPLES_OFFSET samples after an aligned address.
 */
#include "fxp_frontend.h"
#include "fxp_frontend_steps.h"
#include "semihosting.h"
#include "ticks.h"

enum { STACK_WORDS = 512, PAINT = 0x5aa55aa5 };

static fxp_frontend state;
static fxp_frontend_scratch scratch;
static alignas(8) int16_t buffer[FXP_FRONTEND_HOP_SAMPLES + 1];
static alignas(8) int16_t logs[FXP_FRONTEND_MEL_BANDS];
static int8_t features[FXP_FRONTEND_FEATURE_BYTES];
static int8_t codes[FXP_FRONTEND_COEFFICIENTS];

struct count {
    uint32_t most;
    uint32_t least;
    uint64_t sum;
};

static uint32_t region;

static void add(struct count *count, uint32_t start, uint32_t end) {
    const uint32_t instructions = end - start - region;
    count->most = instructions > count->most ? instructions : count->most;
    count->least = instructions < count->least || count->least == 0 ? instructions : count->least;
    count->sum += instructions;
}

static __attribute__((noinline)) uint32_t empty_region(void) {
    const uint32_t start = ticks();
    return ticks() - start;
}

/* The stack that is free, from its pointer down. */
static inline __attribute__((always_inline)) uint32_t *paint(void) {
    uint32_t *stack_pointer;
    __asm volatile("mov %0, sp" : "=r"(stack_pointer));
    volatile uint32_t *const free = stack_pointer - STACK_WORDS;
    for (int32_t i = 0; i < STACK_WORDS; ++i) {
        free[i] = PAINT;
    }
    return stack_pointer - STACK_WORDS;
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
    struct count hop = {0};
    struct count spectrum = {0};
    struct count band_logs = {0};
    struct count dct = {0};
    int16_t *const samples = buffer + SAMPLES_OFFSET;
    uint32_t hops = 0;
    uint32_t stack = 0;
    ticks_start();
    (void)empty_region();
    region = empty_region();
    const uint32_t in = semihosting_open("samples.bin", 11, READ_BINARY);
    const uint32_t out = semihosting_open("features.bin", 12, WRITE_BINARY);
    fxp_frontend_init(&state);
    while (semihosting_read(in, samples, sizeof buffer - sizeof buffer[0]) == 0) {
        const uint32_t *const below = paint();
        uint32_t start = ticks();
        (void)fxp_frontend_hop(&state, samples, &scratch);
        add(&hop, start, ticks());
        const uint32_t used = painted_away(below);
        stack = used > stack ? used : stack;

        start = ticks();
        const int32_t shift = fxp_frontend_spectrum(state.samples, fxp_frontend_steps, scratch.work, scratch.bins);
        add(&spectrum, start, ticks());
        start = ticks();
        fxp_frontend_band_logs(scratch.bins, shift, logs);
        add(&band_logs, start, ticks());
        start = ticks();
        fxp_frontend_codes(logs, codes);
        add(&dct, start, ticks());

        if (++hops % CLIP_HOPS == 0) {
            fxp_frontend_features(&state, features);
            semihosting_write(out, features, sizeof features);
            fxp_frontend_init(&state);
        }
    }
    semihosting_number("hops", hops);
    semihosting_number("instructions_min", hop.least);
    semihosting_number("instructions_mean", (uint32_t)(hop.sum / hops));
    semihosting_number("instructions_max", hop.most);
    semihosting_number("spectrum_mean", (uint32_t)(spectrum.sum / hops));
    semihosting_number("band_logs_mean", (uint32_t)(band_logs.sum / hops));
    semihosting_number("codes_mean", (uint32_t)(dct.sum / hops));
    semihosting_number("state_bytes", sizeof state);
    semihosting_number("scratch_bytes", sizeof scratch);
    semihosting_number("stack_bytes", stack);
    semihosting_exit();
}

extern const uintptr_t vectors[2];

__attribute__((section(".vectors"))) const uintptr_t vectors[2] = {0x20020000u, (uintptr_t)reset};
