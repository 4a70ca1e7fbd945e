/*
 * The inner loop of a depthwise 3x3 convolution with stride 2 both ways: one channel. Output row i takes row pairs i
 * and i + 1 as row 2i does in fxp_depthwise_loop_s16_dsp.h: an output in 12 instructions.
 *
 * FXP_DEPTHWISE_LOOP_S16_DSP_STRIDE2(name, output_width, panel_width, position_bytes, shift, saturate, bits) defines a
 * function of type fxp_depthwise_loop_s16_dsp. Arguments are plain numbers but saturate, which is usat or ssat;
 * position_bytes, of all channels of one position, is at most 2047, a width at most 120, 1 <= shift <= 31.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_S16_DSP_STRIDE2_H
#define FXP_DEPTHWISE_LOOP_S16_DSP_STRIDE2_H

#include "nn/dsp/fxp_depthwise_output_s16_dsp.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* r0 panel, r1 output, r2 r3 r11 input words, r4 to r9 weights, r10 sum, r12 bias, lr rows to go. */
#define FXP_DEPTHWISE_LOOP_S16_DSP_STRIDE2(name, output_width, panel_width, position_bytes, shift, saturate, bits)     \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *panel,                                                                 \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) void *output,                                                                          \
        __attribute__((unused)) int32_t rows                                                                           \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_size, " #position_bytes "\n"                                                                     \
            ".set fxp_row, " #position_bytes " * " #output_width "\n"                                                  \
            ".set fxp_panel_row, 4 * " #panel_width "\n"                                                               \
            ".set fxp_near, (fxp_row <= 4096)\n"                                                                       \
            "push {r4-r11, lr}\n"                                                                                      \
            "ldm r1, {r4-r9, r12}\n"                                                                                   \
            "mov lr, r3\n"                                                                                             \
            "mov r1, r2\n"                                                                                             \
            "1:\n"                                                                                                     \
            ".set fxp_x, 0\n"                                                                                          \
            ".set fxp_at, 0\n"                                                                                         \
            ".rept " #output_width "\n"                                                                                \
            FXP_DEPTHWISE_OUTPUT("r12", shift, saturate, bits)                                                         \
            ".if fxp_near\n"                                                                                           \
            ".set fxp_at, fxp_at + fxp_size\n"                                                                         \
            ".else\n"                                                                                                  \
            "add r1, r1, #fxp_size\n"                                                                                  \
            ".endif\n"                                                                                                 \
            ".set fxp_x, fxp_x + 8\n"                                                                                  \
            ".endr\n"                                                                                                  \
            ".if fxp_near\n"                                                                                           \
            "movw r2, #fxp_row\n"                                                                                      \
            "add r1, r1, r2\n"                                                                                         \
            ".endif\n"                                                                                                 \
            "add r0, r0, #fxp_panel_row\n"                                                                             \
            "subs lr, lr, #1\n"                                                                                        \
            "bne 1b\n"                                                                                                 \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_DEPTHWISE_LOOP_S16_DSP_STRIDE2(name, output_width, panel_width, position_bytes, shift, saturate, bits)     \
    static void name(const fxp_word *panel, const uint32_t *weights, void *output, int32_t rows) {                     \
        fxp_depthwise_stride2_twin(                                                                                    \
            panel, weights, output, rows, output_width, panel_width, position_bytes, fxp_##saturate(shift, bits)       \
        );                                                                                                             \
    }

static inline void fxp_depthwise_stride2_twin(
    const fxp_word *panel,
    const uint32_t *weights,
    void *output,
    int32_t rows,
    int32_t output_width,
    int32_t panel_width,
    int32_t position_bytes,
    fxp_requantization to
) {
    fxp_code16 *out = output;
    for (int32_t y = 0; y < rows; ++y) {
        for (int32_t x = 0; x < output_width; ++x) {
            const fxp_word *upper = panel + y * panel_width + 2 * x;
            const fxp_word *lower = upper + panel_width;
            const int32_t sum = fxp_depthwise_sum(upper, lower, weights);
            out[(y * output_width + x) * (position_bytes / 2)] = fxp_requantize(sum, to);
        }
    }
}

#endif

#endif
