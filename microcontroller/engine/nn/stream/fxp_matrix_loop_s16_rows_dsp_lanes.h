/*
 * fxp_matrix_loop_row_pairs_dsp_lanes.h for a stream's rows: the same weights, proof and steps, int16 codes out.
 *
 *     position_pair  [step]{ p0 k0k1 | p1 k0k1 | p0 k2k3 | p1 k2k3 }     words; p: position, k: codes 4 * step + 0 .. 3
 *     output0        [channel quad]{ c0 c1 | c2 c3 }, int16, of p0; output1 of p1
 *
 * A step: 32 products in 10 instructions. Around the steps of a channel quad 23: LDRD of biases, 4 EOR, 8 USAT, 4 ORR,
 * 3 STRD, LDM, CMP, BNE; as many more as there where the lower lanes are taken out.
 *
 * FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES(name, steps, every, lane, shift, bits) defines a function of type
 * fxp_matrix_loop_s16_dsp; the numbers are those of FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES_H
#define FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES_H

#include "nn/dsp/fxp_dsp.h"
#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Stack: position pair, weights_end, both outputs, sign; or four sums, weights_end, both outputs. */
#define FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES(name, steps, every, lane, shift, bits)                                      \
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
            "ldr r4, [sp, #36]\n"                                                                                      \
            ".if " #every " < " #steps "\n"                                                                            \
            "push {r2-r4}\n"                                                                                           \
            "sub sp, sp, #16\n"                                                                                        \
            ".else\n"                                                                                                  \
            "mov r5, #0x80000000\n"                                                                                    \
            "push {r0, r2-r5}\n"                                                                                       \
            ".endif\n"                                                                                                 \
            "1:\n"                                                                                                     \
            FXP_LANES_STEPS(steps, every, lane)                                                                        \
            ".if " #every " < " #steps "\n"                                                                            \
            "ldm sp, {r6-r12}\n"                                                                                       \
            "subw r0, r0, #16 * " #steps "\n"                                                                          \
            FXP_LANES_SUMS(lane, shift, bits)                                                                          \
            ".else\n"                                                                                                  \
            "ldm sp, {r0, r10, r11, r12, lr}\n"                                                                        \
            "eor r6, lr, r2, lsl #32 - " #lane "\n"                                                                    \
            "eor r7, lr, r3, lsl #32 - " #lane "\n"                                                                    \
            "eor r8, lr, r4, lsl #32 - " #lane "\n"                                                                    \
            "eor r9, lr, r5, lsl #32 - " #lane "\n"                                                                    \
            FXP_LANES_SATURATE("r6", "r7", "r8", "r9", shift, bits, 32 - lane)                                         \
            ".endif\n"                                                                                                 \
            FXP_LANES_SATURATE("r2", "r3", "r4", "r5", shift, bits, lane)                                              \
            "orr r6, r6, r2, lsl #16\n"                                                                                \
            "orr r7, r7, r3, lsl #16\n"                                                                                \
            "orr r8, r8, r4, lsl #16\n"                                                                                \
            "orr r9, r9, r5, lsl #16\n"                                                                                \
            "strd r6, r7, [r11], #8\n"                                                                                 \
            "strd r8, r9, [r12], #8\n"                                                                                 \
            ".if " #every " < " #steps "\n"                                                                            \
            "strd r11, r12, [sp, #20]\n"                                                                               \
            ".else\n"                                                                                                  \
            "strd r11, r12, [sp, #8]\n"                                                                                \
            ".endif\n"                                                                                                 \
            "cmp r1, r10\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            ".if " #every " < " #steps "\n"                                                                            \
            "add sp, sp, #28\n"                                                                                        \
            ".else\n"                                                                                                  \
            "add sp, sp, #20\n"                                                                                        \
            ".endif\n"                                                                                                 \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES(name, steps, every, lane, shift, bits)                                      \
    static void name(                                                                                                  \
        const fxp_word *position_pair,                                                                                 \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        fxp_word *output0,                                                                                             \
        fxp_word *output1                                                                                              \
    ) {                                                                                                                \
        for (; weights < weights_end; weights += 2 + 4 * (steps)) {                                                    \
            fxp_word bytes[2];                                                                                         \
            fxp_lanes_twin(position_pair, weights, bytes, steps, every, lane, fxp_usat(shift, bits));                  \
            for (int32_t i = 0; i < 2; ++i) {                                                                          \
                *output0++ = (bytes[i] & 0xffu) | (bytes[i] >> 8 & 0xffu) << 16;                                       \
                *output1++ = (bytes[i] >> 16 & 0xffu) | bytes[i] >> 24 << 16;                                          \
            }                                                                                                          \
        }                                                                                                              \
    }

#endif

#endif
