/*
 * fxp_matrix_loop_s16_dsp.h for four positions at once: fewer cycles, more instructions.
 *
 *     positions  [4][step]{ k0k1 | k2k3 }     words of four positions, one behind the other
 *     weights    as fxp_matrix_loop_s16_dsp.h draws them
 *     output     [4 positions][channel pair] c0c1, positions output_bytes apart
 *
 * A load takes two cycles, each one directly behind it one more, whether LDM says so or single LDR do. So what counts
 * is how many words a product needs, and how often loads begin anew:
 *
 *              p0   p1   p2   p3        for each two codes, 16 products:
 *           +----+----+----+----+       p0 p1 c0 c1     4 LDR      5 cycles
 *        c0 | r2 | r4 | r6 | r8 |       4 SMLAD                    4
 *           +----+----+----+----+       p2 p3           2 LDR      3
 *        c1 | r3 | r5 | r7 | r9 |       4 SMLAD                    4        16 for 16 products: 1.0
 *           +----+----+----+----+       in 14 instructions; two positions alone: 18, in 10
 *
 * Around them, for eight outputs, 23 cycles (27 for another shift than 16): biases; PKHTB, USAT16; four STR, the
 * pointer and the end from the stack, CMP, BNE.
 *
 * FXP_MATRIX_LOOP_S16_DSP_WIDE(name, steps, output_bytes, shift, saturate, bits) defines a function of type
 * fxp_matrix_loop_s16_dsp_wide: plain numbers but saturate, which is usat or ssat; 1 <= steps <= 128, output_bytes at
 * most 1364, 1 <= shift <= 31. Interrupts are welcome at any point.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S16_DSP_WIDE_H
#define FXP_MATRIX_LOOP_S16_DSP_WIDE_H

#include "nn/dsp/fxp_dsp.h"
#include "nn/fxp_little_endian.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* Two positions by two channels. */
#define FXP_WIDE_PRODUCTS(p0c0, p0c1, p1c0, p1c1)                                                                      \
    "smlad " p0c0 ", r10, r12, " p0c0 "\n"                                                                             \
    "smlad " p0c1 ", r10, lr, " p0c1 "\n"                                                                              \
    "smlad " p1c0 ", r11, r12, " p1c0 "\n"                                                                             \
    "smlad " p1c1 ", r11, lr, " p1c1 "\n"

/* Codes { c0 | c1 } of a position to `c0`. */
#define FXP_WIDE_CODES(c0, c1, shift, saturate, bits)                                                                  \
    ".if " #shift " == 16\n"                                                                                           \
    "pkhtb " c0 ", " c1 ", " c0 ", asr #16\n"                                                                          \
    #saturate "16 " c0 ", #" #bits ", " c0 "\n"                                                                        \
    ".else\n"                                                                                                          \
    #saturate " " c0 ", #" #bits ", " c0 ", asr #" #shift "\n"                                                         \
    #saturate " " c1 ", #" #bits ", " c1 ", asr #" #shift "\n"                                                         \
    "pkhbt " c0 ", " c0 ", " c1 ", lsl #16\n"                                                                          \
    ".endif\n"

/* r0 positions, r1 weights, r2 to r9 accumulators, r10 r11 codes, r12 lr weights; stack: output, weights_end. */
#define FXP_MATRIX_LOOP_S16_DSP_WIDE(name, steps, output_bytes, shift, saturate, bits)                                 \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *positions,                                                             \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "mov r4, r2\n"                                                                                             \
            "push {r3, r4}\n"                                                                                          \
            "1:\n"                                                                                                     \
            "ldr r2, [r1]\n"                                                                                           \
            "ldr r3, [r1, #4]\n"                                                                                       \
            "ldr r10, [r0, #3 * 8 * " #steps "]\n"                                                                     \
            "ldr r11, [r0, #8 * " #steps "]\n"                                                                         \
            "ldr r12, [r1, #8]\n"                                                                                      \
            "ldr lr, [r1, #12]\n"                                                                                      \
            "smlad r8, r10, r12, r2\n"                                                                                 \
            "smlad r9, r10, lr, r3\n"                                                                                  \
            "smlad r4, r11, r12, r2\n"                                                                                 \
            "smlad r5, r11, lr, r3\n"                                                                                  \
            "ldr r10, [r0, #2 * 8 * " #steps "]\n"                                                                     \
            "ldr r11, [r0]\n"                                                                                          \
            "smlad r6, r10, r12, r2\n"                                                                                 \
            "smlad r7, r10, lr, r3\n"                                                                                  \
            "smlad r2, r11, r12, r2\n"                                                                                 \
            "smlad r3, r11, lr, r3\n"                                                                                  \
            ".set fxp_k, 4\n"                                                                                          \
            ".rept 2 * " #steps " - 1\n"                                                                               \
            "ldr r10, [r0, #fxp_k]\n"                                                                                  \
            "ldr r11, [r0, #fxp_k + 8 * " #steps "]\n"                                                                 \
            "ldr r12, [r1, #2 * fxp_k + 8]\n"                                                                          \
            "ldr lr, [r1, #2 * fxp_k + 12]\n"                                                                          \
            FXP_WIDE_PRODUCTS("r2", "r3", "r4", "r5")                                                                  \
            "ldr r10, [r0, #fxp_k + 2 * 8 * " #steps "]\n"                                                             \
            "ldr r11, [r0, #fxp_k + 3 * 8 * " #steps "]\n"                                                             \
            FXP_WIDE_PRODUCTS("r6", "r7", "r8", "r9")                                                                  \
            ".set fxp_k, fxp_k + 4\n"                                                                                  \
            ".endr\n"                                                                                                  \
            "ldr r10, [sp]\n"                                                                                          \
            "ldr r11, [sp, #4]\n"                                                                                      \
            FXP_WIDE_CODES("r2", "r3", shift, saturate, bits)                                                          \
            FXP_WIDE_CODES("r4", "r5", shift, saturate, bits)                                                          \
            FXP_WIDE_CODES("r6", "r7", shift, saturate, bits)                                                          \
            FXP_WIDE_CODES("r8", "r9", shift, saturate, bits)                                                          \
            "addw r1, r1, #16 * " #steps " + 8\n"                                                                      \
            "str r4, [r10, #" #output_bytes "]\n"                                                                      \
            "str r6, [r10, #2 * " #output_bytes "]\n"                                                                  \
            "str r8, [r10, #3 * " #output_bytes "]\n"                                                                  \
            "str r2, [r10], #4\n"                                                                                      \
            "str r10, [sp]\n"                                                                                          \
            "cmp r1, r11\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #8\n"                                                                                         \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_S16_DSP_WIDE(name, steps, output_bytes, shift, saturate, bits)                                 \
    static void name(                                                                                                  \
        const fxp_word *positions, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output              \
    ) {                                                                                                                \
        for (; weights < weights_end; weights += 2 + 4 * (steps)) {                                                    \
            fxp_wide_twin(positions, weights, output++, 2 * (steps), (output_bytes) / 4, fxp_##saturate(shift, bits)); \
        }                                                                                                              \
    }
// clang-format on

/* One channel pair of four positions. */
static inline void fxp_wide_twin(
    const fxp_word *positions,
    const uint32_t *weights,
    fxp_word *output,
    int32_t words,
    int32_t output_words,
    fxp_requantization to
) {
    for (int32_t position = 0; position < 4; ++position) {
        int32_t sums[2] = {(int32_t)weights[0], (int32_t)weights[1]};
        for (int32_t i = 0; i < words; ++i) {
            sums[0] = fxp_smlad(positions[position * words + i], weights[2 + 2 * i], sums[0]);
            sums[1] = fxp_smlad(positions[position * words + i], weights[3 + 2 * i], sums[1]);
        }
        output[position * output_words] = fxp_halves(fxp_requantize(sums[0], to), fxp_requantize(sums[1], to));
    }
}

#endif

#endif
