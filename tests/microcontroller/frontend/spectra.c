/*
 * Spectra on the device: reads a window's steps and a frame's samples from frames.bin, again and again, writes the bins
 * and the normalization to spectra.bin, and prints instructions. With CMSIS_DSP it compares with that, too.
 */
#include "fxp_frontend.h"
#include "fxp_frontend_steps.h"
#include "semihosting.h"
#include "ticks.h"

#include <string.h>

#if defined(CMSIS_DSP)
#include "dsp/transform_functions.h"
#endif

static fxp_frontend_scratch scratch;

static struct {
    fxp_frontend_step steps[FXP_FRONTEND_PAIRS / 4];
    int16_t samples[FXP_FRONTEND_WINDOW_SAMPLES];
} frame;

static struct {
    int32_t bins[FXP_FRONTEND_FFT_LENGTH + 2];
    int32_t normalization;
} spectrum;

#if defined(CMSIS_DSP)

static int32_t folded[FXP_FRONTEND_FFT_LENGTH];
static int32_t output[2 * FXP_FRONTEND_FFT_LENGTH];

enum { QUARTER = FXP_FRONTEND_FFT_LENGTH / 4 };

static int32_t window(int32_t i, int32_t quarter) {
    const fxp_frontend_step *const step = frame.steps + FXP_FRONTEND_STEP(i / 2);
    const int32_t inner = FXP_FRONTEND_INNER_WINDOW(step, quarter % 4 == 0 ? 1 : quarter, i % 2);
    return quarter == 0 ? step->first[i % 2] : quarter == 4 ? step->last[i % 2] : inner;
}

static uint32_t cmsis_instructions(void) {
    arm_rfft_instance_q31 instance;
    (void)arm_rfft_init_512_q31(&instance, 0, 1);
    for (int32_t i = 0; i < FXP_FRONTEND_WINDOW_SAMPLES; ++i) {
        const int32_t product = frame.samples[i] * window(i % QUARTER, i / QUARTER);
        folded[i % FXP_FRONTEND_FFT_LENGTH] = product + (i < FXP_FRONTEND_FFT_LENGTH ? 0 : folded[i % QUARTER]);
    }
    const uint32_t start = ticks();
    arm_rfft_q31(&instance, folded, output);
    return ticks() - start;
}

#endif

_Noreturn void reset(void);

_Noreturn void reset(void) {
    uint32_t frames = 0;
    uint64_t own = 0;
    ticks_start();
    const uint32_t in = semihosting_open("frames.bin", 10, READ_BINARY);
    const uint32_t out = semihosting_open("spectra.bin", 11, WRITE_BINARY);
#if defined(CMSIS_DSP)
    uint64_t cmsis = 0;
    uint32_t different = 0;
#endif
    while (semihosting_read(in, &frame, sizeof frame) == 0) {
        const uint32_t start = ticks();
        spectrum.normalization = fxp_frontend_spectrum(frame.samples, frame.steps, scratch.work, spectrum.bins);
        own += ticks() - start;
        semihosting_write(out, &spectrum, sizeof spectrum);
        ++frames;
#if defined(CMSIS_DSP)
        cmsis += cmsis_instructions();
        different += memcmp(output, spectrum.bins, sizeof spectrum.bins) != 0;
#endif
    }
    semihosting_number("frames", frames);
    semihosting_number("spectrum_mean", (uint32_t)(own / frames));
#if defined(CMSIS_DSP)
    semihosting_number("cmsis_fft_mean", (uint32_t)(cmsis / frames));
    semihosting_number("different", different);
#endif
    semihosting_exit();
}

extern const uintptr_t vectors[2];

__attribute__((section(".vectors"))) const uintptr_t vectors[2] = {0x20020000u, (uintptr_t)reset};
