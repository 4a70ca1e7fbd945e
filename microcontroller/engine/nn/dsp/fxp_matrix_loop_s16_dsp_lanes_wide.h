/*
 * fxp_matrix_loop_s16_dsp_lanes.h for two words of positions at once, p0 + p1 z and p2 + p3 z: fewer cycles, more
 * instructions.
 *
 *     positions  [2][step]{ X of k0 | k1 | k2 | k3 }      words; k: codes 4 * step + 0 .. 3
 *     weights    as fxp_matrix_loop_s16_dsp_lanes.h draws them
 *     output     [4 positions][channel pair] c0c1, int16, positions output_bytes apart
 *
 *                p0p1    p2p3           for each code, 16 products in 8 instructions:
 *             +-------+-------+         X X W W     4 LDR      5 cycles
 *        c0c1 | r2 r3 | r6 r7 |         4 SMLAL                4        9 for 16 products: 0.56
 *             +-------+-------+
 *        c2c3 | r4 r5 | r8 r9 |         one word of positions alone: 23 for 32, in 11
 *             +-------+-------+
 *
 * Around them, for 16 outputs: for each span what lanes begin with (9) and the lanes taken out (30), for each but the
 * first 10 to keep sums and 18 to add them; then corrections, saturation and stores, 50.
 *
 * FXP_MATRIX_LOOP_S16_DSP_LANES_WIDE(name, steps, every, output_bytes, shift, bits) defines a function of type
 * fxp_matrix_loop_s16_dsp_wide: plain numbers, 1 <= every <= steps <= 127, output_bytes at most 1360, bits <= 7, shift
 * <= 8. Interrupts are welcome at any point.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S16_DSP_LANES_WIDE_H
#define FXP_MATRIX_LOOP_S16_DSP_LANES_WIDE_H

#include "nn/dsp/fxp_matrix_loop_s16_dsp_lanes.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* Lanes of low and high as halfwords { c0 | c1 }: of the first position to low, of the second one to high; r12 is
 * 0x3fff3fff. */
#define FXP_OUTER_WIDE_LANES(low, high)                                                                                \
    "lsr r10, " low ", #28\n"                                                                                          \
    "orr r10, r10, " high ", lsl #4\n"                                                                                 \
    "pkhbt r11, " low ", r10, lsl #16\n"                                                                               \
    "lsr " low ", " low ", #14\n"                                                                                      \
    "pkhbt " high ", " low ", r10, lsl #2\n"                                                                           \
    "and " low ", r11, r12\n"                                                                                          \
    "and " high ", " high ", r12\n"

/* Sums of a span to r2 (p0 c0c1), r3 (p1), r4 (p0 c2c3), r5 (p1), r6 to r9 (p2, p3), with those of the spans before. */
#define FXP_OUTER_WIDE_TAKE(first)                                                                                     \
    "ldr r12, [sp, #32]\n"                                                                                             \
    FXP_OUTER_WIDE_LANES("r2", "r3")                                                                                   \
    FXP_OUTER_WIDE_LANES("r4", "r5")                                                                                   \
    FXP_OUTER_WIDE_LANES("r6", "r7")                                                                                   \
    FXP_OUTER_WIDE_LANES("r8", "r9")                                                                                   \
    ".if (" first ") == 0\n"                                                                                           \
    "ldm sp, {r10-r12, lr}\n"                                                                                          \
    "uadd16 r2, r2, r10\n"                                                                                             \
    "uadd16 r3, r3, r11\n"                                                                                             \
    "uadd16 r4, r4, r12\n"                                                                                             \
    "uadd16 r5, r5, lr\n"                                                                                              \
    "ldr r10, [sp, #16]\n"                                                                                             \
    "ldr r11, [sp, #20]\n"                                                                                             \
    "ldr r12, [sp, #24]\n"                                                                                             \
    "ldr lr, [sp, #28]\n"                                                                                              \
    "uadd16 r6, r6, r10\n"                                                                                             \
    "uadd16 r7, r7, r11\n"                                                                                             \
    "uadd16 r8, r8, r12\n"                                                                                             \
    "uadd16 r9, r9, lr\n"                                                                                              \
    ".endif\n"

/* What lanes begin with, for both words of positions. */
#define FXP_OUTER_WIDE_BEGIN                                                                                           \
    "ldr r2, [r1]\n"                                                                                                   \
    "ldr r3, [r1, #4]\n"                                                                                               \
    "ldr r4, [r1, #8]\n"                                                                                               \
    "ldr r5, [r1, #12]\n"                                                                                              \
    "ldr r6, [r1]\n"                                                                                                   \
    "ldr r7, [r1, #4]\n"                                                                                               \
    "ldr r8, [r1, #8]\n"                                                                                               \
    "ldr r9, [r1, #12]\n"                                                                                              \
    ".set fxp_at, 16\n"

/* r0 positions, r1 weights of the span; stack: eight sums, mask, weights_end, output. */
#define FXP_MATRIX_LOOP_S16_DSP_LANES_WIDE(name, steps, every, output_bytes, shift, bits)                              \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *positions,                                                             \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "mov r4, r3\n"                                                                                             \
            "mov r3, r2\n"                                                                                             \
            "mov r2, #0x3fff\n"                                                                                        \
            "orr r2, r2, r2, lsl #16\n"                                                                                \
            "push {r2-r4}\n"                                                                                           \
            "sub sp, sp, #32\n"                                                                                        \
            "1:\n"                                                                                                     \
            FXP_OUTER_WIDE_BEGIN                                                                                       \
            ".set fxp_k, 0\n"                                                                                          \
            ".rept 4 * " #steps "\n"                                                                                   \
            ".if fxp_k && fxp_k % (4 * " #every ") == 0\n"                                                             \
            FXP_OUTER_WIDE_TAKE("fxp_k == 4 * " #every)                                                                \
            "stm sp, {r2-r9}\n"                                                                                        \
            "addw r1, r1, #fxp_at\n"                                                                                   \
            FXP_OUTER_WIDE_BEGIN                                                                                       \
            ".endif\n"                                                                                                 \
            "ldr r10, [r0, #4 * fxp_k]\n"                                                                              \
            "ldr r11, [r0, #4 * fxp_k + 16 * " #steps "]\n"                                                            \
            "ldr r12, [r1, #fxp_at]\n"                                                                                 \
            "ldr lr, [r1, #fxp_at + 4]\n"                                                                              \
            "smlal r2, r3, r10, r12\n"                                                                                 \
            "smlal r4, r5, r10, lr\n"                                                                                  \
            "smlal r6, r7, r11, r12\n"                                                                                 \
            "smlal r8, r9, r11, lr\n"                                                                                  \
            ".set fxp_k, fxp_k + 1\n"                                                                                  \
            ".set fxp_at, fxp_at + 8\n"                                                                                \
            ".endr\n"                                                                                                  \
            FXP_OUTER_WIDE_TAKE(#steps " == " #every)                                                                  \
            "ldr r10, [r1, #fxp_at]\n"                                                                                 \
            "ldr r11, [r1, #fxp_at + 4]\n"                                                                             \
            "ldr r12, [sp, #36]\n"                                                                                     \
            "ldr lr, [sp, #40]\n"                                                                                      \
            "uadd16 r2, r2, r10\n"                                                                                     \
            "uadd16 r3, r3, r10\n"                                                                                     \
            "uadd16 r4, r4, r11\n"                                                                                     \
            "uadd16 r5, r5, r11\n"                                                                                     \
            "uadd16 r6, r6, r10\n"                                                                                     \
            "uadd16 r7, r7, r10\n"                                                                                     \
            "uadd16 r8, r8, r11\n"                                                                                     \
            "uadd16 r9, r9, r11\n"                                                                                     \
            FXP_OUTER_SATURATE("r2", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r3", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r4", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r5", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r6", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r7", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r8", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r9", shift, bits)                                                                      \
            "addw r1, r1, #fxp_at + 8\n"                                                                               \
            "str r4, [lr, #4]\n"                                                                                       \
            "str r3, [lr, #" #output_bytes "]\n"                                                                       \
            "str r5, [lr, #" #output_bytes " + 4]\n"                                                                   \
            "str r6, [lr, #2 * " #output_bytes "]\n"                                                                   \
            "str r8, [lr, #2 * " #output_bytes " + 4]\n"                                                               \
            "str r7, [lr, #3 * " #output_bytes "]\n"                                                                   \
            "str r9, [lr, #3 * " #output_bytes " + 4]\n"                                                               \
            "str r2, [lr], #8\n"                                                                                       \
            "str lr, [sp, #40]\n"                                                                                      \
            "cmp r1, r12\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #44\n"                                                                                        \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_S16_DSP_LANES_WIDE(name, steps, every, output_bytes, shift, bits)                              \
    static void name(                                                                                                  \
        const fxp_word *positions, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output              \
    ) {                                                                                                                \
        const int32_t words = (output_bytes) / 4;                                                                      \
        while (weights < weights_end) {                                                                                \
            const uint32_t *const w = weights;                                                                         \
            fxp_outer_twin(positions, w, output, output + words, steps, every, fxp_usat(shift, bits));                 \
            output += 2 * words;                                                                                       \
            positions += 4 * (steps);                                                                                  \
            weights = fxp_outer_twin(positions, w, output, output + words, steps, every, fxp_usat(shift, bits));       \
            positions -= 4 * (steps);                                                                                  \
            output += 2 - 2 * words;                                                                                   \
        }                                                                                                              \
    }
// clang-format on

#endif

#endif
