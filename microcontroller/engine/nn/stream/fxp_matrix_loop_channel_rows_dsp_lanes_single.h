/*
 * The loop of fxp_matrix_loop_channel_rows_dsp_lanes.h for one position: the last of an odd number of them.
 *
 *     position  [step]{ k0k1 | k2k3 }, words
 *     output    [channel]{ p | 0 }, int16, channel_bytes apart; overlaps not the position
 *
 * Steps as in fxp_matrix_loop_s16_rows_dsp_lanes_single.h. Around the steps of a channel quad 17: LDRD of biases, MOV,
 * 2 EOR, 4 USAT, LDM, SUBW, 5 STR, CMP, BNE; as many more as there where lower lanes are taken out.
 *
 * FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_SINGLE(name, steps, every, lane, shift, bits, channel_bytes) defines a function
 * of type fxp_matrix_loop_s16_dsp_single; the numbers are those of FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_SINGLE_H
#define FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_SINGLE_H

#include "nn/stream/fxp_matrix_loop_s16_rows_dsp_lanes_single.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Stack: weights_end, output. */
#define FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_SINGLE(name, steps, every, lane, shift, bits, channel_bytes)            \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position,                                                              \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r2-r11, lr}\n"                                                                                      \
            "1:\n"                                                                                                     \
            FXP_LANES_SINGLE_STEPS(steps, every, lane)                                                                 \
            "ldm sp, {r8, r9}\n"                                                                                       \
            "subw r0, r0, #8 * " #steps "\n"                                                                           \
            FXP_LANES_SINGLE_CODES(steps, every, lane, shift, bits)                                                    \
            "str r2, [r9, #" #channel_bytes "]\n"                                                                      \
            "str r5, [r9, #2 * " #channel_bytes "]\n"                                                                  \
            "str r3, [r9, #3 * " #channel_bytes "]\n"                                                                  \
            "str r4, [r9], #4 * " #channel_bytes "\n"                                                                  \
            "str r9, [sp, #4]\n"                                                                                       \
            "cmp r1, r8\n"                                                                                             \
            "bne.w 1b\n"                                                                                               \
            "pop {r2-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_SINGLE(name, steps, every, lane, shift, bits, channel_bytes)            \
    static void name(                                                                                                  \
        const fxp_word *position, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output               \
    ) {                                                                                                                \
        for (; weights < weights_end; weights += 2 + 4 * (steps)) {                                                    \
            fxp_word codes[2];                                                                                         \
            fxp_lanes_single_twin(position, weights, codes, steps, every, lane, fxp_usat(shift, bits));                \
            for (int32_t i = 0; i < 2; ++i) {                                                                          \
                *output = codes[i] & 0xffffu;                                                                          \
                output += (channel_bytes) / 4;                                                                         \
                *output = codes[i] >> 16;                                                                              \
                output += (channel_bytes) / 4;                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }

#endif

#endif
