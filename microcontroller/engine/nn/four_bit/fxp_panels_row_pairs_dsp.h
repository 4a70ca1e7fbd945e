/*
 * The copy to panels of a depthwise 3x3 convolution on row pairs: two neighbouring channels.
 *
 *     input    row pairs for depthwise
 *     panel    [row pair][column]{ row 2i - lead | row 2i + 1 - lead } of one channel, as halfwords
 *
 * FXP_PANELS_ROW_PAIRS_DSP(name, row_pairs, width, position_bytes) defines a function of type fxp_panels_row_pairs_dsp:
 * two UXTB16 take a word apart. Plain numbers; row_pairs * width <= 250, width * position_bytes <= 4095. Names and
 * terms: docs/glossary.md.
 */
#ifndef FXP_PANELS_ROW_PAIRS_DSP_H
#define FXP_PANELS_ROW_PAIRS_DSP_H

#include "nn/four_bit/fxp_four_bit.h"
#include "nn/fxp_little_endian.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
#define FXP_PANELS_ROW_PAIRS_DSP(name, row_pairs, width, position_bytes)                                               \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *input,                                                                 \
        __attribute__((unused)) fxp_word *panel0,                                                                      \
        __attribute__((unused)) fxp_word *panel1                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r9, lr}\n"                                                                                       \
            "movs r3, #" #row_pairs "\n"                                                                               \
            "1:\n"                                                                                                     \
            ".set fxp_at, 0\n"                                                                                         \
            ".rept " #width " / 2\n"                                                                                   \
            "ldr r4, [r0, #fxp_at]\n"                                                                                  \
            "ldr r5, [r0, #fxp_at + " #position_bytes "]\n"                                                            \
            "uxtb16 r6, r4\n"                                                                                          \
            "uxtb16 r7, r5\n"                                                                                          \
            "uxtb16 r8, r4, ror #8\n"                                                                                  \
            "uxtb16 r9, r5, ror #8\n"                                                                                  \
            "strd r6, r7, [r1], #8\n"                                                                                  \
            "strd r8, r9, [r2], #8\n"                                                                                  \
            ".set fxp_at, fxp_at + 2 * " #position_bytes "\n"                                                          \
            ".endr\n"                                                                                                  \
            ".if " #width " & 1\n"                                                                                     \
            "ldr r4, [r0, #fxp_at]\n"                                                                                  \
            "uxtb16 r6, r4\n"                                                                                          \
            "uxtb16 r8, r4, ror #8\n"                                                                                  \
            "str r6, [r1], #4\n"                                                                                       \
            "str r8, [r2], #4\n"                                                                                       \
            ".endif\n"                                                                                                 \
            "addw r0, r0, #" #width " * " #position_bytes "\n"                                                         \
            "subs r3, r3, #1\n"                                                                                        \
            "bne 1b\n"                                                                                                 \
            "pop {r4-r9, pc}\n"                                                                                        \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_PANELS_ROW_PAIRS_DSP(name, row_pairs, width, position_bytes)                                               \
    static void name(const fxp_word *input, fxp_word *panel0, fxp_word *panel1) {                                      \
        fxp_panels_row_pairs_twin(input, panel0, panel1, (row_pairs) * (width), (position_bytes) / 4);                 \
    }

static inline void
fxp_panels_row_pairs_twin(const fxp_word *input, fxp_word *panel0, fxp_word *panel1, int32_t words, int32_t stride) {
    for (int32_t i = 0; i < words; ++i) {
        panel0[i] = input[i * stride] & 0x00ff00ffu;
        panel1[i] = input[i * stride] >> 8 & 0x00ff00ffu;
    }
}

#endif

#endif
