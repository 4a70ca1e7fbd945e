/*
 * The copy to panels of a depthwise 3x3 convolution: two neighbouring channels, whole row pairs.
 *
 *     input    [row][column][channel], int16
 *     panel    [row pair][padded column]{ row 2i | row 2i + 1 } of one channel, so that SMLAD multiplies two rows
 *
 * FXP_PANELS_S16_DSP(name, input_width, panel_width, position_bytes) defines a function of type fxp_panels_s16_dsp:
 * four LDR, PKHBT and PKHTB of two words each, and two STRD for eight codes. Plain numbers; position_bytes, of all
 * channels of one position, is at most 2047, a width at most 120.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_PANELS_S16_DSP_H
#define FXP_PANELS_S16_DSP_H

#include "nn/dsp/fxp_dsp.h"
#include "nn/fxp_little_endian.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* r0 input, r1 and r2 panels, r3 row pairs to go. Offsets in instructions, unless rows are too long for them. */
#define FXP_PANELS_S16_DSP(name, input_width, panel_width, position_bytes)                                             \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *input,                                                                 \
        __attribute__((unused)) fxp_word *panel0,                                                                      \
        __attribute__((unused)) fxp_word *panel1,                                                                      \
        __attribute__((unused)) int32_t row_pairs                                                                      \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_size, " #position_bytes "\n"                                                                     \
            ".set fxp_row, " #position_bytes " * " #input_width "\n"                                                   \
            ".set fxp_near, (2 * fxp_row <= 4096)\n"                                                                   \
            "push {r4-r9, lr}\n"                                                                                       \
            "1:\n"                                                                                                     \
            ".set fxp_at, 0\n"                                                                                         \
            ".rept " #input_width " / 2\n"                                                                             \
            ".if fxp_near\n"                                                                                           \
            "ldr r4, [r0, #fxp_at]\n"                                                                                  \
            "ldr r5, [r0, #fxp_at + fxp_row]\n"                                                                        \
            "ldr r6, [r0, #fxp_at + fxp_size]\n"                                                                       \
            "ldr r7, [r0, #fxp_at + fxp_size + fxp_row]\n"                                                             \
            ".set fxp_at, fxp_at + 2 * fxp_size\n"                                                                     \
            ".else\n"                                                                                                  \
            "movw r9, #fxp_row\n"                                                                                      \
            "ldr r4, [r0]\n"                                                                                           \
            "ldr r6, [r0, #fxp_size]\n"                                                                                \
            "add r9, r9, r0\n"                                                                                         \
            "ldr r5, [r9]\n"                                                                                           \
            "ldr r7, [r9, #fxp_size]\n"                                                                                \
            "add r0, r0, #2 * fxp_size\n"                                                                              \
            ".endif\n"                                                                                                 \
            "pkhbt r8, r4, r5, lsl #16\n"                                                                              \
            "pkhtb r5, r5, r4, asr #16\n"                                                                              \
            "pkhbt r9, r6, r7, lsl #16\n"                                                                              \
            "pkhtb r7, r7, r6, asr #16\n"                                                                              \
            "strd r8, r9, [r1], #8\n"                                                                                  \
            "strd r5, r7, [r2], #8\n"                                                                                  \
            ".endr\n"                                                                                                  \
            ".if " #input_width " & 1\n"                                                                               \
            ".if fxp_near\n"                                                                                           \
            "ldr r4, [r0, #fxp_at]\n"                                                                                  \
            "ldr r5, [r0, #fxp_at + fxp_row]\n"                                                                        \
            ".else\n"                                                                                                  \
            "movw r9, #fxp_row\n"                                                                                      \
            "ldr r4, [r0]\n"                                                                                           \
            "ldr r5, [r0, r9]\n"                                                                                       \
            "add r0, r0, #fxp_size\n"                                                                                  \
            ".endif\n"                                                                                                 \
            "pkhbt r8, r4, r5, lsl #16\n"                                                                              \
            "pkhtb r5, r5, r4, asr #16\n"                                                                              \
            "str r8, [r1], #4\n"                                                                                       \
            "str r5, [r2], #4\n"                                                                                       \
            ".endif\n"                                                                                                 \
            ".if fxp_near\n"                                                                                           \
            "movw r9, #2 * fxp_row\n"                                                                                  \
            ".else\n"                                                                                                  \
            "movw r9, #fxp_row\n"                                                                                      \
            ".endif\n"                                                                                                 \
            "add r0, r0, r9\n"                                                                                         \
            ".if " #panel_width " > " #input_width "\n"                                                                \
            "add r1, r1, #4 * (" #panel_width " - " #input_width ")\n"                                                 \
            "add r2, r2, #4 * (" #panel_width " - " #input_width ")\n"                                                 \
            ".endif\n"                                                                                                 \
            "subs r3, r3, #1\n"                                                                                        \
            "bne 1b\n"                                                                                                 \
            "pop {r4-r9, pc}\n"                                                                                        \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_PANELS_S16_DSP(name, input_width, panel_width, position_bytes)                                             \
    static void name(const fxp_word *input, fxp_word *panel0, fxp_word *panel1, int32_t row_pairs) {                   \
        fxp_panels_s16_twin(input, panel0, panel1, row_pairs, input_width, panel_width, position_bytes);               \
    }

static inline void fxp_panels_s16_twin(
    const fxp_word *input,
    fxp_word *panel0,
    fxp_word *panel1,
    int32_t row_pairs,
    int32_t input_width,
    int32_t panel_width,
    int32_t position_bytes
) {
    const int32_t position = position_bytes / 4;
    const int32_t row = input_width * position;
    for (int32_t row_pair = 0; row_pair < row_pairs; ++row_pair) {
        for (int32_t x = 0; x < input_width; ++x) {
            const uint32_t upper = input[2 * row_pair * row + x * position];
            const uint32_t lower = input[(2 * row_pair + 1) * row + x * position];
            panel0[row_pair * panel_width + x] = fxp_halves(fxp_low(upper), fxp_low(lower));
            panel1[row_pair * panel_width + x] = fxp_halves(fxp_high(upper), fxp_high(lower));
        }
    }
}

#endif

#endif
