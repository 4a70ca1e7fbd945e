/*
 * fxp_panels_s16_dsp.h for four columns at once: fewer cycles. Eight LDR in a row, nine cycles, PKHBT and PKHTB, and
 * single STR, which take a cycle each where STRD takes three.
 *
 * FXP_PANELS_S16_DSP_WIDE(name, input_width, panel_width, position_bytes) defines a function of type
 * fxp_panels_s16_dsp: plain numbers; two rows take at most 4096 bytes, a width is at most 120.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_PANELS_S16_DSP_WIDE_H
#define FXP_PANELS_S16_DSP_WIDE_H

#include "nn/dsp/fxp_panels_s16_dsp.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* A column's two rows, and what they become. */
#define FXP_PANELS_WIDE_LOAD(column, upper, lower)                                                                     \
    ".if fxp_column + " #column " < fxp_width\n"                                                                       \
    "ldr " upper ", [r0, #fxp_size * (fxp_column + " #column ")]\n"                                                    \
    "ldr " lower ", [r0, #fxp_size * (fxp_column + " #column ") + fxp_row]\n"                                          \
    ".endif\n"
#define FXP_PANELS_WIDE_STORE(column, upper, lower)                                                                    \
    ".if fxp_column + " #column " < fxp_width\n"                                                                       \
    "pkhbt r12, " upper ", " lower ", lsl #16\n"                                                                       \
    "pkhtb " lower ", " lower ", " upper ", asr #16\n"                                                                 \
    "str r12, [r1, #4 * (fxp_column + " #column ")]\n"                                                                 \
    "str " lower ", [r2, #4 * (fxp_column + " #column ")]\n"                                                           \
    ".endif\n"

/* r0 input, r1 and r2 panels, r3 row pairs to go. */
#define FXP_PANELS_S16_DSP_WIDE(name, input_width, panel_width, position_bytes)                                        \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *input,                                                                 \
        __attribute__((unused)) fxp_word *panel0,                                                                      \
        __attribute__((unused)) fxp_word *panel1,                                                                      \
        __attribute__((unused)) int32_t row_pairs                                                                      \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_size, " #position_bytes "\n"                                                                     \
            ".set fxp_width, " #input_width "\n"                                                                       \
            ".set fxp_row, " #position_bytes " * " #input_width "\n"                                                   \
            "push {r4-r11, lr}\n"                                                                                      \
            "1:\n"                                                                                                     \
            ".set fxp_column, 0\n"                                                                                     \
            ".rept (" #input_width " + 3) / 4\n"                                                                       \
            FXP_PANELS_WIDE_LOAD(0, "r4", "r5")                                                                        \
            FXP_PANELS_WIDE_LOAD(1, "r6", "r7")                                                                        \
            FXP_PANELS_WIDE_LOAD(2, "r8", "r9")                                                                        \
            FXP_PANELS_WIDE_LOAD(3, "r10", "r11")                                                                      \
            FXP_PANELS_WIDE_STORE(0, "r4", "r5")                                                                       \
            FXP_PANELS_WIDE_STORE(1, "r6", "r7")                                                                       \
            FXP_PANELS_WIDE_STORE(2, "r8", "r9")                                                                       \
            FXP_PANELS_WIDE_STORE(3, "r10", "r11")                                                                     \
            ".set fxp_column, fxp_column + 4\n"                                                                        \
            ".endr\n"                                                                                                  \
            "movw r4, #2 * fxp_row\n"                                                                                  \
            "add r0, r0, r4\n"                                                                                         \
            "addw r1, r1, #4 * " #panel_width "\n"                                                                     \
            "addw r2, r2, #4 * " #panel_width "\n"                                                                     \
            "subs r3, r3, #1\n"                                                                                        \
            "bne.w 1b\n"                                                                                               \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_PANELS_S16_DSP_WIDE(name, input_width, panel_width, position_bytes)                                        \
    FXP_PANELS_S16_DSP(name, input_width, panel_width, position_bytes)

#endif

#endif
