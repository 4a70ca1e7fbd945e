/*
 * fxp_matrix_loop_s16_dsp.h for weights of 5 to 8 bits as they are, four in a word.
 *
 *     weights  [channel pair]{ bias c0 | bias c1 | [step]{ c0 k0 k2 k1 k3 | c1 k0 k2 k1 k3 } }     codes by byte
 *
 * SXTB16 takes bytes 0 and 2, and with ROR #8 bytes 1 and 3, into a word for SMLAD: 16 products in 14 instructions,
 * LDM, LDRD, four SXTB16 and eight SMLAD, 0.875 each; half the flash of the loop with expanded weights.
 *
 * FXP_MATRIX_LOOP_S16_DSP_W8(name, steps, shift, saturate, bits)
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S16_DSP_W8_H
#define FXP_MATRIX_LOOP_S16_DSP_W8_H

#include "nn/dsp/fxp_matrix_loop_s16_dsp.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* r6 to r9 codes, r10 and r11 packed weights, r12 and lr two of them each. */
#define FXP_MATRIX_LOOP_S16_DSP_W8(name, steps, shift, saturate, bits)                                                 \
    FXP_MATRIX_FUNCTION(name) {                                                                                        \
        __asm volatile(                                                                                                \
            FXP_MATRIX_BEGIN                                                                                           \
            "1:\n"                                                                                                     \
            "ldrd r2, r3, [r1], #8\n"                                                                                  \
            FXP_MATRIX_LOAD_W8                                                                                         \
            FXP_MATRIX_FIRST_BLOCK("r6", "r7", "r12", "lr")                                                            \
            FXP_MATRIX_SECOND_W8                                                                                       \
            ".rept " #steps " - 1\n"                                                                                   \
            FXP_MATRIX_LOAD_W8                                                                                         \
            FXP_MATRIX_BLOCK("r6", "r7", "r12", "lr")                                                                  \
            FXP_MATRIX_SECOND_W8                                                                                       \
            ".endr\n"                                                                                                  \
            FXP_MATRIX_END(shift, saturate, bits)                                                                      \
        );                                                                                                             \
    }

#define FXP_MATRIX_LOAD_W8                                                                                             \
    "ldm r0!, {r6-r9}\n"                                                                                               \
    "ldrd r10, r11, [r1], #8\n"                                                                                        \
    "sxtb16 r12, r10\n"                                                                                                \
    "sxtb16 lr, r11\n"

#define FXP_MATRIX_SECOND_W8                                                                                           \
    "sxtb16 r12, r10, ror #8\n"                                                                                        \
    "sxtb16 lr, r11, ror #8\n"                                                                                         \
    FXP_MATRIX_BLOCK("r8", "r9", "r12", "lr")

#else

#define FXP_MATRIX_LOOP_S16_DSP_W8(name, steps, shift, saturate, bits)                                                 \
    FXP_MATRIX_FUNCTION(name) {                                                                                        \
        while (weights < weights_end) {                                                                                \
            fxp_matrix_sums sums = fxp_matrix_begin(&weights);                                                         \
            for (int32_t step = 0; step < steps; ++step) {                                                             \
                const fxp_word *codes = position_pair + 4 * step;                                                      \
                fxp_matrix_block(&sums, codes, fxp_sxtb16(weights[0]), fxp_sxtb16(weights[1]));                        \
                fxp_matrix_block(&sums, codes + 2, fxp_sxtb16_ror8(weights[0]), fxp_sxtb16_ror8(weights[1]));          \
                weights += 2;                                                                                          \
            }                                                                                                          \
            fxp_matrix_end(&sums, fxp_##saturate(shift, bits), output0++, output1++);                                  \
        }                                                                                                              \
    }

#endif
// clang-format on

#endif
