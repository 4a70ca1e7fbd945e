/*
 * fxp_conv2d_loop_row_pairs_dsp_lanes.h, two steps at once: fewer cycles, more instructions. Panel, weights, output and
 * lanes are those that it draws.
 *
 * The second step's lower word begins with the first one's upper word, which is complete only behind all products: ADDS
 * and ADC put it there then. Where the number of steps is odd, the first one is alone. Products as
 * fxp_conv2d_products_dsp_wide.h draws them; around those of two steps are 34 to 39 cycles.
 *
 * FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_WIDE(name, taps, products, odd, row_bytes, flip, code_bit, bits) defines a
 * function of type fxp_conv2d_loop_dsp_lanes: plain numbers; products a multiple of taps and at most 256, odd is 1 for an odd
 * number of rows of the output, row_bytes at most 2044, code_bit + bits <= 15.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_WIDE_H
#define FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_WIDE_H

#include "nn/dsp/fxp_conv2d_products_dsp_wide.h"
#include "nn/four_bit/fxp_conv2d_loop_row_pairs_dsp_lanes.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Two complete words to bytes in low0. */
#define FXP_CONV2D_WIDE_WORD(low0, low1, flip, code_bit, bits)                                                         \
    ".if " #flip "\n"                                                                                                  \
    "eor " low0 ", " low0 ", #0x80008000\n"                                                                            \
    "eor " low1 ", " low1 ", #0x80008000\n"                                                                            \
    ".endif\n"                                                                                                         \
    "usat16 " low0 ", #" #code_bit " + " #bits ", " low0 "\n"                                                          \
    "usat16 " low1 ", #" #code_bit " + " #bits ", " low1 "\n"                                                          \
    ".if " #code_bit " == 8\n"                                                                                         \
    "uxtb16 " low0 ", " low0 ", ror #8\n"                                                                              \
    ".else\n"                                                                                                          \
    ".if " #code_bit "\n"                                                                                              \
    "lsr " low0 ", " low0 ", #" #code_bit "\n"                                                                         \
    ".endif\n"                                                                                                         \
    "and " low0 ", " low0 ", #0x00010001 * ((1 << " #bits ") - 1)\n"                                                   \
    ".endif\n"                                                                                                         \
    ".if " #code_bit " > 8\n"                                                                                          \
    "lsr " low1 ", " low1 ", #" #code_bit "\n"                                                                         \
    "and " low1 ", " low1 ", #0x00010001 * ((1 << " #bits ") - 1)\n"                                                   \
    "orr " low0 ", " low0 ", " low1 ", lsl #8\n"                                                                       \
    ".else\n"                                                                                                          \
    ".if " #code_bit "\n"                                                                                              \
    "bic " low1 ", " low1 ", #0x00010001 * ((1 << " #code_bit ") - 1)\n"                                               \
    ".endif\n"                                                                                                         \
    "orr " low0 ", " low0 ", " low1 ", lsl #8 - " #code_bit "\n"                                                       \
    ".endif\n"

/* r0 panel, r1 weights, r2 to r9 accumulators, of which r7 and r9 keep the upper words; stack: output_end, output. */
#define FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_WIDE(name, taps, products, odd, row_bytes, flip, code_bit, bits)           \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *panel,                                                                 \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) const fxp_word *output_end                                                             \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "mov r4, r2\n"                                                                                             \
            "push {r3, r4}\n"                                                                                          \
            "ldr r7, [r1]\n"                                                                                           \
            "ldr r9, [r1, #4]\n"                                                                                       \
            ".if " #odd "\n"                                                                                           \
            "mov r2, r7\n"                                                                                             \
            "mov r3, r7\n"                                                                                             \
            "mov r4, r9\n"                                                                                             \
            "mov r5, r9\n"                                                                                             \
            FXP_CONV2D_PRODUCTS_DSP_STEP(products, 8)                                                                  \
            "ldr r12, [sp, #4]\n"                                                                                      \
            "ldr r11, [sp]\n"                                                                                          \
            FXP_CONV2D_WIDE_WORD("r2", "r4", flip, code_bit, bits)                                                     \
            "mov r7, r3\n"                                                                                             \
            "mov r9, r5\n"                                                                                             \
            "str r2, [r12]\n"                                                                                          \
            "addw r12, r12, #" #row_bytes "\n"                                                                         \
            "str r12, [sp, #4]\n"                                                                                      \
            "addw r0, r0, #4 * " #taps "\n"                                                                            \
            "cmp r12, r11\n"                                                                                           \
            "beq.w 2f\n"                                                                                               \
            ".endif\n"                                                                                                 \
            "1:\n"                                                                                                     \
            "ldr r3, [r1]\n"                                                                                           \
            "ldr r5, [r1, #4]\n"                                                                                       \
            "mov r2, r7\n"                                                                                             \
            "mov r4, r9\n"                                                                                             \
            FXP_CONV2D_PRODUCTS_DSP_WIDE("smull", taps, products, 8)                                                   \
            "ldr r10, [r1]\n"                                                                                          \
            "ldr r11, [r1, #4]\n"                                                                                      \
            "ldr r12, [sp, #4]\n"                                                                                      \
            "ldr lr, [sp]\n"                                                                                           \
            "adds r6, r6, r3\n"                                                                                        \
            "adc r7, r7, r10\n"                                                                                        \
            "adds r8, r8, r5\n"                                                                                        \
            "adc r9, r9, r11\n"                                                                                        \
            FXP_CONV2D_WIDE_WORD("r2", "r4", flip, code_bit, bits)                                                     \
            FXP_CONV2D_WIDE_WORD("r6", "r8", flip, code_bit, bits)                                                     \
            "str r2, [r12]\n"                                                                                          \
            "str r6, [r12, #" #row_bytes "]\n"                                                                         \
            "addw r12, r12, #2 * " #row_bytes "\n"                                                                     \
            "str r12, [sp, #4]\n"                                                                                      \
            "addw r0, r0, #8 * " #taps "\n"                                                                            \
            "cmp r12, lr\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            "2:\n"                                                                                                     \
            "add sp, sp, #8\n"                                                                                         \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_WIDE(name, taps, products, odd, row_bytes, flip, code_bit, bits)           \
    FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES(name, taps, products, row_bytes, flip, code_bit, bits)

#endif

#endif
