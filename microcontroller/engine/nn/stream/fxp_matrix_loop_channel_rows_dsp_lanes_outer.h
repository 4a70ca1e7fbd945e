/*
 * fxp_matrix_loop_s16_dsp_lanes.h for a stream's rows: the same weights, proof and steps, channel rows out.
 *
 *     position_pair  [step]{ X of k0 | k1 | k2 | k3 }, X = p0 + p1 z, z = 2^14; k: codes 4 * step + 0 .. 3
 *     output0        [channel]{ p0 p1 | .. }, or { p0 0 | .. } of one position, int16, channel_bytes apart
 *
 * A step: 32 products in 11 instructions. Around the steps of a channel quad 31 instead of 25: PKHBT and PKHTB put both
 * positions of a channel into a word. One position, the last of an odd number, takes half of the saturations.
 *
 * FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_OUTER(name, steps, every, shift, bits, channel_bytes, positions) defines a
 * function of type fxp_matrix_loop_s16_dsp, which leaves output1 alone; channel_bytes is at most 60, positions 1 or 2,
 * the other numbers are those of FXP_MATRIX_LOOP_S16_DSP_LANES.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_OUTER_H
#define FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_OUTER_H

#include "nn/dsp/fxp_matrix_loop_s16_dsp_lanes.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* r0 position pair, r1 weights; stack: four sums, mask, weights_end, output. */
#define FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_OUTER(name, steps, every, shift, bits, channel_bytes, positions)        \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position_pair,                                                         \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output0,                                                                     \
        __attribute__((unused)) fxp_word *output1                                                                      \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "mov r4, r3\n"                                                                                             \
            "mov r3, r2\n"                                                                                             \
            "mov r2, #0x3fff\n"                                                                                        \
            "orr r2, r2, r2, lsl #16\n"                                                                                \
            "push {r2-r4}\n"                                                                                           \
            "sub sp, sp, #16\n"                                                                                        \
            "1:\n"                                                                                                     \
            FXP_OUTER_STEPS(steps, every)                                                                              \
            "ldrd r2, r3, [r1], #8\n"                                                                                  \
            "uadd16 r6, r6, r2\n"                                                                                      \
            "uadd16 r8, r8, r3\n"                                                                                      \
            FXP_OUTER_SATURATE("r6", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r8", shift, bits)                                                                      \
            ".if " #positions " == 2\n"                                                                                \
            "uadd16 r7, r7, r2\n"                                                                                      \
            "uadd16 r9, r9, r3\n"                                                                                      \
            FXP_OUTER_SATURATE("r7", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r9", shift, bits)                                                                      \
            "pkhbt r2, r6, r7, lsl #16\n"                                                                              \
            "pkhtb r3, r7, r6, asr #16\n"                                                                              \
            "pkhbt r4, r8, r9, lsl #16\n"                                                                              \
            "pkhtb r5, r9, r8, asr #16\n"                                                                              \
            ".else\n"                                                                                                  \
            "uxth r2, r6\n"                                                                                            \
            "lsr r3, r6, #16\n"                                                                                        \
            "uxth r4, r8\n"                                                                                            \
            "lsr r5, r8, #16\n"                                                                                        \
            ".endif\n"                                                                                                 \
            "ldrd r12, r10, [sp, #20]\n"                                                                               \
            "subw r0, r0, #16 * " #steps "\n"                                                                          \
            "str r3, [r10, #" #channel_bytes "]\n"                                                                     \
            "str r4, [r10, #2 * " #channel_bytes "]\n"                                                                 \
            "str r5, [r10, #3 * " #channel_bytes "]\n"                                                                 \
            "str r2, [r10], #4 * " #channel_bytes "\n"                                                                 \
            "str r10, [sp, #24]\n"                                                                                     \
            "cmp r1, r12\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #28\n"                                                                                        \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_OUTER(name, steps, every, shift, bits, channel_bytes, positions)        \
    static void name(                                                                                                  \
        const fxp_word *position_pair,                                                                                 \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        fxp_word *output0,                                                                                             \
        fxp_word *output1                                                                                              \
    ) {                                                                                                                \
        (void)output1;                                                                                                 \
        while (weights < weights_end) {                                                                                \
            fxp_word p0[2];                                                                                            \
            fxp_word p1[2];                                                                                            \
            weights = fxp_outer_twin(position_pair, weights, p0, p1, steps, every, fxp_usat(shift, bits));             \
            for (int32_t i = 0; i < 2; ++i) {                                                                          \
                *output0 = fxp_lows(p0[i], (positions) == 2 ? p1[i] : 0);                                              \
                output0 += (channel_bytes) / 4;                                                                        \
                *output0 = fxp_highs(p0[i], (positions) == 2 ? p1[i] : 0);                                             \
                output0 += (channel_bytes) / 4;                                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }

#endif

#endif
