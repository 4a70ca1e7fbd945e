/*
 * fxp_matrix_loop_s16_dsp.h for weights of at most 4 bits, eight in a word.
 *
 *     weights  [channel pair]{ bias c0 | bias c1 | [double step]{ c0 k0 .. k7 | c1 k0 .. k7 } }     codes by nibble:
 *
 *         bit  28   24   20   16   12    8    4    0
 *             +----+----+----+----+----+----+----+----+
 *             | k1 | k3 | k5 | k7 | k0 | k2 | k4 | k6 |
 *             +----+----+----+----+----+----+----+----+
 *
 * AND with 0xf000f000 leaves k0 and k1 as the upper nibbles of two halfwords, 4096 times their value, and with the word
 * shifted left by 4, 8 and 12, which costs nothing, the others. The accumulators and biases are 4096 times as large,
 * which the plan proves to fit, and the shift is 12 more. 32 products in 29 instructions, 0.906 each: four LDRD of
 * codes, one of weights, eight AND, sixteen SMLAD. The mask's register is the reason why codes come by LDRD.
 *
 * FXP_MATRIX_LOOP_S16_DSP_W4(name, double_steps, shift, saturate, bits)
 *
 * Where the number of codes is no multiple of 8, the last four weights are 0, and the position pair needs four more
 * words, whatever is in them.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S16_DSP_W4_H
#define FXP_MATRIX_LOOP_S16_DSP_W4_H

#include "nn/dsp/fxp_matrix_loop_s16_dsp.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* r6 and r7 codes, r10 and r11 packed weights, r8 and r9 two of them each, r12 the mask. */
#define FXP_MATRIX_LOOP_S16_DSP_W4(name, double_steps, shift, saturate, bits)                                          \
    FXP_MATRIX_FUNCTION(name) {                                                                                        \
        __asm volatile(                                                                                                \
            FXP_MATRIX_BEGIN                                                                                           \
            "mov r12, #0xf000f000\n"                                                                                   \
            "1:\n"                                                                                                     \
            "ldrd r2, r3, [r1], #8\n"                                                                                  \
            "ldrd r10, r11, [r1], #8\n"                                                                                \
            FXP_MATRIX_LOAD_W4("0")                                                                                    \
            FXP_MATRIX_FIRST_BLOCK("r6", "r7", "r8", "r9")                                                             \
            FXP_MATRIX_REST_W4                                                                                         \
            ".rept " #double_steps " - 1\n"                                                                            \
            "ldrd r10, r11, [r1], #8\n"                                                                                \
            FXP_MATRIX_LOAD_W4("0")                                                                                    \
            FXP_MATRIX_BLOCK("r6", "r7", "r8", "r9")                                                                   \
            FXP_MATRIX_REST_W4                                                                                         \
            ".endr\n"                                                                                                  \
            FXP_MATRIX_END(shift, saturate, bits)                                                                      \
        );                                                                                                             \
    }

#define FXP_MATRIX_LOAD_W4(left)                                                                                       \
    "ldrd r6, r7, [r0], #8\n"                                                                                          \
    "and r8, r12, r10, lsl #" left "\n"                                                                                \
    "and r9, r12, r11, lsl #" left "\n"

#define FXP_MATRIX_REST_W4                                                                                             \
    FXP_MATRIX_LOAD_W4("4")                                                                                            \
    FXP_MATRIX_BLOCK("r6", "r7", "r8", "r9")                                                                           \
    FXP_MATRIX_LOAD_W4("8")                                                                                            \
    FXP_MATRIX_BLOCK("r6", "r7", "r8", "r9")                                                                           \
    FXP_MATRIX_LOAD_W4("12")                                                                                           \
    FXP_MATRIX_BLOCK("r6", "r7", "r8", "r9")

#else

#define FXP_MATRIX_LOOP_S16_DSP_W4(name, double_steps, shift, saturate, bits)                                          \
    FXP_MATRIX_FUNCTION(name) {                                                                                        \
        while (weights < weights_end) {                                                                                \
            fxp_matrix_sums sums = fxp_matrix_begin(&weights);                                                         \
            for (int32_t block = 0; block < 4 * double_steps; ++block) {                                               \
                const int32_t left = 4 * (block % 4);                                                                  \
                const uint32_t c0 = weights[0] << left & 0xf000f000u;                                                  \
                const uint32_t c1 = weights[1] << left & 0xf000f000u;                                                  \
                fxp_matrix_block(&sums, position_pair + 2 * block, c0, c1);                                            \
                weights += block % 4 == 3 ? 2 : 0;                                                                     \
            }                                                                                                          \
            fxp_matrix_end(&sums, fxp_##saturate(shift, bits), output0++, output1++);                                  \
        }                                                                                                              \
    }

#endif
// clang-format on

#endif
