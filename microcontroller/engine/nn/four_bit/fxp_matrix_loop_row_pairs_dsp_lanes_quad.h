/*
 * fxp_matrix_loop_row_pairs_dsp_lanes.h turned round: one channel quad of any number of position pairs, whose words lie
 * one behind another, and whose outputs are output_bytes apart. Where lower lanes are taken out, one instruction more.
 *
 * FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_QUAD(name, steps, every, lane, shift, bits) defines a function of type
 * fxp_matrix_loop_row_pairs_dsp_lanes_quad, with numbers as there. Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_QUAD_H
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_QUAD_H

#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* Stack: four sums, if any; position_pairs_end, output, sign, output_bytes; registers; the caller's output_bytes. */
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_QUAD(name, steps, every, lane, shift, bits)                                \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position_pairs,                                                        \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const fxp_word *position_pairs_end,                                                    \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) int32_t output_bytes                                                                   \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "mov r4, #0x80000000\n"                                                                                    \
            "ldr r5, [sp, #36]\n"                                                                                      \
            "push {r2-r5}\n"                                                                                           \
            ".if " #every " < " #steps "\n"                                                                            \
            "sub sp, sp, #16\n"                                                                                        \
            ".endif\n"                                                                                                 \
            "1:\n"                                                                                                     \
            FXP_LANES_STEPS(steps, every, lane)                                                                        \
            "subw r1, r1, #8 + 16 * " #steps "\n"                                                                      \
            ".if " #every " < " #steps "\n"                                                                            \
            "ldm sp, {r6-r12}\n"                                                                                       \
            FXP_LANES_SUMS(lane, shift, bits)                                                                          \
            "ldr lr, [sp, #28]\n"                                                                                      \
            ".else\n"                                                                                                  \
            "ldm sp, {r10-r12, lr}\n"                                                                                  \
            FXP_LANES_LANES(lane, shift, bits)                                                                         \
            ".endif\n"                                                                                                 \
            FXP_LANES_CODES(lane, shift, bits)                                                                         \
            "strd r6, r7, [r11]\n"                                                                                     \
            "add r11, r11, lr\n"                                                                                       \
            ".if " #every " < " #steps "\n"                                                                            \
            "str r11, [sp, #20]\n"                                                                                     \
            ".else\n"                                                                                                  \
            "str r11, [sp, #4]\n"                                                                                      \
            ".endif\n"                                                                                                 \
            "cmp r0, r10\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            ".if " #every " < " #steps "\n"                                                                            \
            "add sp, sp, #32\n"                                                                                        \
            ".else\n"                                                                                                  \
            "add sp, sp, #16\n"                                                                                        \
            ".endif\n"                                                                                                 \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }

#else

#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_QUAD(name, steps, every, lane, shift, bits)                                \
    static void name(                                                                                                  \
        const fxp_word *position_pairs,                                                                                \
        const uint32_t *weights,                                                                                       \
        const fxp_word *position_pairs_end,                                                                            \
        fxp_word *output,                                                                                              \
        int32_t output_bytes                                                                                           \
    ) {                                                                                                                \
        for (; position_pairs < position_pairs_end; position_pairs += 4 * (steps)) {                                   \
            fxp_lanes_twin(position_pairs, weights, output, steps, every, lane, fxp_usat(shift, bits));                \
            output += output_bytes / 4;                                                                                \
        }                                                                                                              \
    }

#endif
// clang-format on

#endif
