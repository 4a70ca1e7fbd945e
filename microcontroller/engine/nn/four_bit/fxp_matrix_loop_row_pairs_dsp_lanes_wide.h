/*
 * fxp_matrix_loop_row_pairs_dsp_lanes.h for two channel quads at once: fewer cycles, more instructions. Position pair,
 * weights and output are those that it draws; sums of whole outputs fit their lane, nothing is taken out on the way.
 *
 * A load takes two cycles, each one directly behind it one more, whether LDM says so or single LDR do:
 *
 *             p0   p1              for each two codes, 32 products:
 *          +----+----+             p0 p1 c0c1 c2c3     4 LDR      5 cycles
 *     c0c1 | r2 | r6 |             4 SMLAD                        4
 *     c2c3 | r3 | r7 |             c4c5 c6c7           2 LDR      3
 *          +----+----+             4 SMLAD                        4      16 for 32 products: 0.5
 *     c4c5 | r4 | r8 |
 *     c6c7 | r5 | r9 |             in 14 instructions; one channel quad alone: 18, in 10
 *          +----+----+
 *
 * Lower lanes of two positions, side by side, are brought to the top of halfwords by one EOR with a shift, and
 * saturated together; so are the upper ones where the shift is at least 4. Around the steps of two channel quads 47
 * cycles, 43 where a turn of the loop has them twice.
 *
 * FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_WIDE(name, steps, twos, shift, bits) defines a function of type
 * fxp_matrix_loop_row_pairs_dsp_lanes, for a multiple of 2 * twos channel quads: plain numbers, 1 <= steps, twos *
 * (32 * steps + 16) <= 4095, 0 <= shift, shift + bits <= 11, 1 <= bits <= 4. Interrupts are welcome.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_WIDE_H
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_WIDE_H

#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Both positions by a channel quad. */
#define FXP_LANES_WIDE_PRODUCTS(p0c0c1, p0c2c3, p1c0c1, p1c2c3)                                                        \
    "smlad " p0c0c1 ", r10, r12, " p0c0c1 "\n"                                                                         \
    "smlad " p0c2c3 ", r10, lr, " p0c2c3 "\n"                                                                          \
    "smlad " p1c0c1 ", r11, r12, " p1c0c1 "\n"                                                                         \
    "smlad " p1c2c3 ", r11, lr, " p1c2c3 "\n"

/* The same, first of all: both positions begin with the biases in p0. */
#define FXP_LANES_WIDE_FIRST(p0c0c1, p0c2c3, p1c0c1, p1c2c3)                                                           \
    "smlad " p1c0c1 ", r11, r12, " p0c0c1 "\n"                                                                         \
    "smlad " p1c2c3 ", r11, lr, " p0c2c3 "\n"                                                                          \
    "smlad " p0c0c1 ", r10, r12, " p0c0c1 "\n"                                                                         \
    "smlad " p0c2c3 ", r10, lr, " p0c2c3 "\n"

/* Both lanes of two positions to the word { p0c0 | p0c1 | p1c0 | p1c1 } in `p0`; lr is 0x80008000. */
#define FXP_LANES_WIDE_CODES(p0, p1, shift, bits)                                                                      \
    "pkhbt r10, " p0 ", " p1 ", lsl #16\n"                                                                             \
    "eor r10, lr, r10, lsl #4\n"                                                                                       \
    "usat16 r10, #4 + " #shift " + " #bits ", r10\n"                                                                   \
    ".if " #shift " == 4\n"                                                                                            \
    "uxtb16 r10, r10, ror #8\n"                                                                                        \
    ".else\n"                                                                                                          \
    "lsr r10, r10, #4 + " #shift "\n"                                                                                  \
    "and r10, r10, #0x00010001 * ((1 << " #bits ") - 1)\n"                                                             \
    ".endif\n"                                                                                                         \
    ".if " #shift " >= 4\n"                                                                                            \
    "pkhtb " p0 ", " p1 ", " p0 ", asr #16\n"                                                                          \
    "usat16 " p0 ", #" #shift " - 4 + " #bits ", " p0 "\n"                                                             \
    ".if " #shift " > 4\n"                                                                                             \
    "lsr " p0 ", " p0 ", #" #shift " - 4\n"                                                                            \
    "and " p0 ", " p0 ", #0x00010001 * ((1 << " #bits ") - 1)\n"                                                       \
    ".endif\n"                                                                                                         \
    ".else\n"                                                                                                          \
    "usat " p0 ", #" #bits ", " p0 ", asr #12 + " #shift "\n"                                                          \
    "usat " p1 ", #" #bits ", " p1 ", asr #12 + " #shift "\n"                                                          \
    "orr " p0 ", " p0 ", " p1 ", lsl #16\n"                                                                            \
    ".endif\n"                                                                                                         \
    "orr " p0 ", r10, " p0 ", lsl #8\n"

/* Two channel quads, whose weights begin at fxp_at and whose codes go to fxp_out. */
#define FXP_LANES_WIDE_QUADS(steps, shift, bits)                                                                       \
    "ldr r2, [r1, #fxp_at]\n"                                                                                          \
    "ldr r3, [r1, #fxp_at + 4]\n"                                                                                      \
    "ldr r4, [r1, #fxp_at + fxp_quad]\n"                                                                               \
    "ldr r5, [r1, #fxp_at + fxp_quad + 4]\n"                                                                           \
    "ldr r10, [r0]\n"                                                                                                  \
    "ldr r11, [r0, #4]\n"                                                                                              \
    "ldr r12, [r1, #fxp_at + 8]\n"                                                                                     \
    "ldr lr, [r1, #fxp_at + 12]\n"                                                                                     \
    FXP_LANES_WIDE_FIRST("r2", "r3", "r6", "r7")                                                                       \
    "ldr r12, [r1, #fxp_at + fxp_quad + 8]\n"                                                                          \
    "ldr lr, [r1, #fxp_at + fxp_quad + 12]\n"                                                                          \
    FXP_LANES_WIDE_FIRST("r4", "r5", "r8", "r9")                                                                       \
    ".set fxp_k, 8\n"                                                                                                  \
    ".rept 2 * " #steps " - 1\n"                                                                                       \
    "ldr r10, [r0, #fxp_k]\n"                                                                                          \
    "ldr r11, [r0, #fxp_k + 4]\n"                                                                                      \
    "ldr r12, [r1, #fxp_at + fxp_k + 8]\n"                                                                             \
    "ldr lr, [r1, #fxp_at + fxp_k + 12]\n"                                                                             \
    FXP_LANES_WIDE_PRODUCTS("r2", "r3", "r6", "r7")                                                                    \
    "ldr r12, [r1, #fxp_at + fxp_quad + fxp_k + 8]\n"                                                                  \
    "ldr lr, [r1, #fxp_at + fxp_quad + fxp_k + 12]\n"                                                                  \
    FXP_LANES_WIDE_PRODUCTS("r4", "r5", "r8", "r9")                                                                    \
    ".set fxp_k, fxp_k + 8\n"                                                                                          \
    ".endr\n"                                                                                                          \
    "ldr r11, [sp]\n"                                                                                                  \
    "mov lr, #0x80008000\n"                                                                                            \
    FXP_LANES_WIDE_CODES("r2", "r6", shift, bits)                                                                      \
    FXP_LANES_WIDE_CODES("r3", "r7", shift, bits)                                                                      \
    FXP_LANES_WIDE_CODES("r4", "r8", shift, bits)                                                                      \
    FXP_LANES_WIDE_CODES("r5", "r9", shift, bits)                                                                      \
    "str r2, [r11, #fxp_out]\n"                                                                                        \
    "str r3, [r11, #fxp_out + 4]\n"                                                                                    \
    "str r4, [r11, #fxp_out + 8]\n"                                                                                    \
    "str r5, [r11, #fxp_out + 12]\n"                                                                                   \
    ".set fxp_at, fxp_at + 2 * fxp_quad\n"                                                                             \
    ".set fxp_out, fxp_out + 16\n"

/* r0 position pair, r1 weights, r2 to r9 accumulators, r10 r11 codes, r12 lr weights; stack: output, weights_end. */
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_WIDE(name, steps, twos, shift, bits)                                       \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position_pair,                                                         \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_quad, 16 * " #steps " + 8\n"                                                                     \
            "push {r4-r11, lr}\n"                                                                                      \
            "mov r4, r2\n"                                                                                             \
            "push {r3, r4}\n"                                                                                          \
            "1:\n"                                                                                                     \
            ".set fxp_at, 0\n"                                                                                         \
            ".set fxp_out, 0\n"                                                                                        \
            ".rept " #twos "\n"                                                                                        \
            FXP_LANES_WIDE_QUADS(steps, shift, bits)                                                                   \
            ".endr\n"                                                                                                  \
            "ldr r12, [sp, #4]\n"                                                                                      \
            "addw r1, r1, #fxp_at\n"                                                                                   \
            "addw r11, r11, #fxp_out\n"                                                                                \
            "str r11, [sp]\n"                                                                                          \
            "cmp r1, r12\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #8\n"                                                                                         \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_WIDE(name, steps, twos, shift, bits)                                       \
    FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES(name, steps, steps, 12, shift, bits)

#endif

#endif
