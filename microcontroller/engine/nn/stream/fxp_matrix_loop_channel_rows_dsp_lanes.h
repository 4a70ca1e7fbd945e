/*
 * fxp_matrix_loop_row_pairs_dsp_lanes.h for a stream's rows: the same weights, proof and steps, channel rows out.
 *
 *     position_pair  [step]{ p0 k0k1 | p1 k0k1 | p0 k2k3 | p1 k2k3 }     words; p: position, k: codes 4 * step + 0 .. 3
 *     output         [channel]{ p0 p1 | .. }, int16, channel_bytes apart
 *
 * A step: 32 products in 10 instructions. Around the steps of a channel quad 23: LDRD of biases, 4 EOR, 4 USAT and 2 ORR
 * for the lower lanes, 2 PKHTB and 2 USAT16 for the upper ones (where shift is 16 - lane; 4 USAT and 2 ORR else), 4 STR,
 * LDM, STR, CMP, BNE; as many more as there where the lower lanes are taken out.
 *
 * FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES(name, steps, every, lane, shift, bits, channel_bytes) defines a function of type
 * fxp_matrix_loop_s16_dsp, which leaves output1 alone; channel_bytes is at most 60, the other numbers are those of
 * FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_H
#define FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES_H

#include "nn/dsp/fxp_dsp.h"
#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Codes of a channel's two positions, in one word: of the lower lanes, r6 to r9, in r6 and r7; of the upper lanes, r2 to
 * r5, in r2 and r3. */
#define FXP_LANES_BY_CHANNEL(lane, shift, bits)                                                                        \
    "orr r6, r6, r8, lsl #16\n"                                                                                        \
    "orr r7, r7, r9, lsl #16\n"                                                                                        \
    ".if " #lane " + " #shift " == 16\n"                                                                               \
    "pkhtb r2, r4, r2, asr #16\n"                                                                                      \
    "pkhtb r3, r5, r3, asr #16\n"                                                                                      \
    "usat16 r2, #" #bits ", r2\n"                                                                                      \
    "usat16 r3, #" #bits ", r3\n"                                                                                      \
    ".else\n"                                                                                                          \
    FXP_LANES_SATURATE("r2", "r3", "r4", "r5", shift, bits, lane)                                                      \
    "orr r2, r2, r4, lsl #16\n"                                                                                        \
    "orr r3, r3, r5, lsl #16\n"                                                                                        \
    ".endif\n"

/* Stack: position pair, weights_end, output, sign; or four sums, weights_end, output. */
#define FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES(name, steps, every, lane, shift, bits, channel_bytes)                   \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position_pair,                                                         \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) fxp_word *output1                                                                      \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            ".if " #every " < " #steps "\n"                                                                            \
            "push {r2, r3}\n"                                                                                          \
            "sub sp, sp, #16\n"                                                                                        \
            ".else\n"                                                                                                  \
            "mov r4, #0x80000000\n"                                                                                    \
            "push {r0, r2-r4}\n"                                                                                       \
            ".endif\n"                                                                                                 \
            "1:\n"                                                                                                     \
            FXP_LANES_STEPS(steps, every, lane)                                                                        \
            ".if " #every " < " #steps "\n"                                                                            \
            "ldm sp, {r6-r11}\n"                                                                                       \
            "subw r0, r0, #16 * " #steps "\n"                                                                          \
            FXP_LANES_SUMS(lane, shift, bits)                                                                          \
            ".else\n"                                                                                                  \
            "ldm sp, {r0, r10-r12}\n"                                                                                  \
            FXP_LANES_LANES(lane, shift, bits)                                                                         \
            ".endif\n"                                                                                                 \
            FXP_LANES_BY_CHANNEL(lane, shift, bits)                                                                    \
            "str r2, [r11, #" #channel_bytes "]\n"                                                                     \
            "str r7, [r11, #2 * " #channel_bytes "]\n"                                                                 \
            "str r3, [r11, #3 * " #channel_bytes "]\n"                                                                 \
            "str r6, [r11], #4 * " #channel_bytes "\n"                                                                 \
            ".if " #every " < " #steps "\n"                                                                            \
            "str r11, [sp, #20]\n"                                                                                     \
            ".else\n"                                                                                                  \
            "str r11, [sp, #8]\n"                                                                                      \
            ".endif\n"                                                                                                 \
            "cmp r1, r10\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            ".if " #every " < " #steps "\n"                                                                            \
            "add sp, sp, #24\n"                                                                                        \
            ".else\n"                                                                                                  \
            "add sp, sp, #16\n"                                                                                        \
            ".endif\n"                                                                                                 \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_CHANNEL_ROWS_DSP_LANES(name, steps, every, lane, shift, bits, channel_bytes)                   \
    static void name(                                                                                                  \
        const fxp_word *position_pair,                                                                                 \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        fxp_word *output,                                                                                              \
        fxp_word *output1                                                                                              \
    ) {                                                                                                                \
        (void)output1;                                                                                                 \
        for (; weights < weights_end; weights += 2 + 4 * (steps)) {                                                    \
            fxp_word bytes[2];                                                                                         \
            fxp_lanes_twin(position_pair, weights, bytes, steps, every, lane, fxp_usat(shift, bits));                  \
            for (int32_t i = 0; i < 2; ++i) {                                                                          \
                *output = bytes[i] & 0x00ff00ffu;                                                                      \
                output += (channel_bytes) / 4;                                                                         \
                *output = bytes[i] >> 8 & 0x00ff00ffu;                                                                 \
                output += (channel_bytes) / 4;                                                                         \
            }                                                                                                          \
        }                                                                                                              \
    }

#endif

#endif
