/*
 * fxp_conv2d_loop_s16_dsp_lanes.h, two steps at once: fewer cycles, more instructions. Panel, weights, output and lanes
 * are those that it draws.
 *
 *     rows        0 | 1  2  3  4 | 5  6  7  8 | ..      the first step alone (it begins above row 0), then two and two:
 *     steps       0 | 1     2    | 3     4    | ..       so the number of steps, rows / 2 + 1, is odd
 *
 * The second step's lowest lane needs the first one's upper lane, which is complete only behind all products: ADDS and
 * ADC put it there then. Products as fxp_conv2d_products_dsp_wide.h draws them; around those of two steps are 55
 * cycles: biases (11), lanes across (4), four rows (28), the pointer and the end from the stack, CMP, branch.
 *
 * FXP_CONV2D_LOOP_S16_DSP_LANES_WIDE(name, taps, products, row_bytes, even, shift, saturate, bits) defines a function
 * of type fxp_conv2d_loop_dsp_lanes: plain numbers but saturate, which is usat or ssat; products a multiple of taps and
 * at most 256, row_bytes at most 1020, even is 1 for an even number of rows, 0 <= shift <= 20.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_CONV2D_LOOP_S16_DSP_LANES_WIDE_H
#define FXP_CONV2D_LOOP_S16_DSP_LANES_WIDE_H

#include "nn/dsp/fxp_conv2d_loop_s16_dsp_lanes.h"
#include "nn/dsp/fxp_conv2d_products_dsp_wide.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Codes { c0 | c1 } of a step's lowest lanes to r10; lr is 2^31. */
#define FXP_CONV2D_WIDE_LOWEST(low0, low1, shift, saturate, bits)                                                      \
    "eor r10, lr, " low0 ", lsl #11\n"                                                                                 \
    "eor r11, lr, " low1 ", lsl #11\n"                                                                                 \
    #saturate " r10, #" #bits ", r10, asr #11 + " #shift "\n"                                                          \
    #saturate " r11, #" #bits ", r11, asr #11 + " #shift "\n"                                                          \
    "pkhbt r10, r10, r11, lsl #16\n"

/* The same of the lanes above them. */
#define FXP_CONV2D_WIDE_MIDDLE(low0, high0, low1, high1, shift, saturate, bits)                                        \
    "eor r10, lr, " high0 ", lsl #22\n"                                                                                \
    "eor r11, lr, " high1 ", lsl #22\n"                                                                                \
    "orr r10, r10, " low0 ", lsr #10\n"                                                                                \
    "orr r11, r11, " low1 ", lsr #10\n"                                                                                \
    #saturate " r10, #" #bits ", r10, asr #11 + " #shift "\n"                                                          \
    #saturate " r11, #" #bits ", r11, asr #11 + " #shift "\n"                                                          \
    "pkhbt r10, r10, r11, lsl #16\n"

/* What lanes begin with, to r2 to r5: lower words of both channels, then the upper ones. */
#define FXP_CONV2D_WIDE_BIASES                                                                                         \
    "ldr r2, [r1]\n"                                                                                                   \
    "ldr r4, [r1, #4]\n"                                                                                               \
    "ldr r3, [r1, #8]\n"                                                                                               \
    "ldr r5, [r1, #12]\n"

/* r0 panel, r1 weights, r2 to r9 accumulators, of which r7 and r9 keep the upper lanes; stack: output, output_end. */
#define FXP_CONV2D_LOOP_S16_DSP_LANES_WIDE(name, taps, products, row_bytes, even, shift, saturate, bits)               \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *panel,                                                                 \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) const fxp_word *output_end                                                             \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "addw r4, r2, #" #row_bytes "\n"                                                                           \
            "push {r3, r4}\n"                                                                                          \
            "push {r2}\n"                                                                                              \
            FXP_CONV2D_WIDE_BIASES                                                                                     \
            "add r2, r2, r3, lsr #10\n"                                                                                \
            "add r4, r4, r5, lsr #10\n"                                                                                \
            FXP_CONV2D_PRODUCTS_DSP_STEP(products, 16)                                                                 \
            "mov r7, r3\n"                                                                                             \
            "mov r9, r5\n"                                                                                             \
            "mov lr, #0x80000000\n"                                                                                    \
            FXP_CONV2D_WIDE_MIDDLE("r2", "r3", "r4", "r5", shift, saturate, bits)                                      \
            "pop {r11}\n"                                                                                              \
            "str r10, [r11]\n"                                                                                         \
            "ldr r12, [sp, #4]\n"                                                                                      \
            "ldr r11, [sp]\n"                                                                                          \
            "addw r0, r0, #4 * " #taps "\n"                                                                            \
            "cmp r12, r11\n"                                                                                           \
            "bhs.w 2f\n"                                                                                               \
            "1:\n"                                                                                                     \
            FXP_CONV2D_WIDE_BIASES                                                                                     \
            "mov r6, r2\n"                                                                                             \
            "mov r8, r4\n"                                                                                             \
            "add r2, r2, r7, lsr #10\n"                                                                                \
            "add r4, r4, r9, lsr #10\n"                                                                                \
            "mov r7, r3\n"                                                                                             \
            "mov r9, r5\n"                                                                                             \
            FXP_CONV2D_PRODUCTS_DSP_WIDE("smlal", taps, products, 16)                                                  \
            "ldr r12, [sp, #4]\n"                                                                                      \
            "mov lr, #0x80000000\n"                                                                                    \
            "adds r6, r6, r3, lsr #10\n"                                                                               \
            "adc r7, r7, #0\n"                                                                                         \
            "adds r8, r8, r5, lsr #10\n"                                                                               \
            "adc r9, r9, #0\n"                                                                                         \
            FXP_CONV2D_WIDE_LOWEST("r2", "r4", shift, saturate, bits)                                                  \
            "str r10, [r12]\n"                                                                                         \
            FXP_CONV2D_WIDE_MIDDLE("r2", "r3", "r4", "r5", shift, saturate, bits)                                      \
            "str r10, [r12, #" #row_bytes "]\n"                                                                        \
            FXP_CONV2D_WIDE_LOWEST("r6", "r8", shift, saturate, bits)                                                  \
            "str r10, [r12, #2 * " #row_bytes "]\n"                                                                    \
            FXP_CONV2D_WIDE_MIDDLE("r6", "r7", "r8", "r9", shift, saturate, bits)                                      \
            "ldr r11, [sp]\n"                                                                                          \
            ".if " #even "\n"                                                                                          \
            "addw r12, r12, #3 * " #row_bytes "\n"                                                                     \
            "cmp r12, r11\n"                                                                                           \
            "it ne\n"                                                                                                  \
            "strne r10, [r12]\n"                                                                                       \
            "addw r12, r12, #" #row_bytes "\n"                                                                         \
            ".else\n"                                                                                                  \
            "str r10, [r12, #3 * " #row_bytes "]\n"                                                                    \
            "addw r12, r12, #4 * " #row_bytes "\n"                                                                     \
            ".endif\n"                                                                                                 \
            "str r12, [sp, #4]\n"                                                                                      \
            "addw r0, r0, #8 * " #taps "\n"                                                                            \
            "cmp r12, r11\n"                                                                                           \
            "blo.w 1b\n"                                                                                               \
            "2:\n"                                                                                                     \
            "add sp, sp, #8\n"                                                                                         \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_CONV2D_LOOP_S16_DSP_LANES_WIDE(name, taps, products, row_bytes, even, shift, saturate, bits)               \
    FXP_CONV2D_LOOP_S16_DSP_LANES(name, taps, products, row_bytes, even, shift, saturate, bits)

#endif

#endif
