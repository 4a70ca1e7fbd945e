/*
 * fxp_panels_row_pairs_dsp.h for six columns at once: fewer cycles. LDR in a row, two UXTB16 for a column, and single
 * STR, which take a cycle each where STRD takes three; two row pairs in a turn of the loop, and two channels after two.
 *
 * FXP_PANELS_ROW_PAIRS_DSP_WIDE(name, row_pairs, lead, tail, width, position_bytes) defines a function of type
 * fxp_panels_row_pairs_dsp; plain numbers; row_pairs * width <= 250, width * position_bytes <= 4095.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_PANELS_ROW_PAIRS_DSP_WIDE_H
#define FXP_PANELS_ROW_PAIRS_DSP_WIDE_H

#include "nn/four_bit/fxp_panels_row_pairs_dsp.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* A column's word, and what it becomes. */
#define FXP_ROW_PAIR_PANELS_LOAD(column, word)                                                                         \
    ".if fxp_column + " #column " < fxp_width\n"                                                                       \
    "ldr " word ", [r0, #fxp_at + fxp_size * (fxp_column + " #column ")]\n"                                            \
    ".endif\n"
#define FXP_ROW_PAIR_PANELS_STORE(column, word)                                                                        \
    ".if fxp_column + " #column " < fxp_width\n"                                                                       \
    "uxtb16 r10, " word "\n"                                                                                           \
    "uxtb16 r11, " word ", ror #8\n"                                                                                   \
    "str r10, [r1], #4\n"                                                                                              \
    "str r11, [r2], #4\n"                                                                                              \
    ".endif\n"

/* A row pair of both panels. */
#define FXP_ROW_PAIR_PANELS(width)                                                                                     \
    ".set fxp_column, 0\n"                                                                                             \
    ".rept (" #width " + 5) / 6\n"                                                                                     \
    FXP_ROW_PAIR_PANELS_LOAD(0, "r4")                                                                                  \
    FXP_ROW_PAIR_PANELS_LOAD(1, "r5")                                                                                  \
    FXP_ROW_PAIR_PANELS_LOAD(2, "r6")                                                                                  \
    FXP_ROW_PAIR_PANELS_LOAD(3, "r7")                                                                                  \
    FXP_ROW_PAIR_PANELS_LOAD(4, "r8")                                                                                  \
    FXP_ROW_PAIR_PANELS_LOAD(5, "r9")                                                                                  \
    FXP_ROW_PAIR_PANELS_STORE(0, "r4")                                                                                 \
    FXP_ROW_PAIR_PANELS_STORE(1, "r5")                                                                                 \
    FXP_ROW_PAIR_PANELS_STORE(2, "r6")                                                                                 \
    FXP_ROW_PAIR_PANELS_STORE(3, "r7")                                                                                 \
    FXP_ROW_PAIR_PANELS_STORE(4, "r8")                                                                                 \
    FXP_ROW_PAIR_PANELS_STORE(5, "r9")                                                                                 \
    ".set fxp_column, fxp_column + 6\n"                                                                                \
    ".endr\n"                                                                                                          \
    ".set fxp_at, fxp_at + fxp_size * fxp_width\n"

/* Both panels of a channel pair, from r0 to r1 and r2; the label begins the loop. */
#define FXP_ROW_PAIR_TWO_PANELS(label, row_pairs, width)                                                               \
    ".set fxp_at, 0\n"                                                                                                 \
    ".if fxp_twice\n"                                                                                                  \
    "movs r3, #" #row_pairs " / 2\n"                                                                                   \
    ".if " #row_pairs " & 1\n"                                                                                         \
    FXP_ROW_PAIR_PANELS(width)                                                                                         \
    "addw r0, r0, #fxp_at\n"                                                                                           \
    ".endif\n"                                                                                                         \
    ".else\n"                                                                                                          \
    "movs r3, #" #row_pairs "\n"                                                                                       \
    ".endif\n"                                                                                                         \
    label ":\n"                                                                                                        \
    ".set fxp_at, 0\n"                                                                                                 \
    FXP_ROW_PAIR_PANELS(width)                                                                                         \
    ".if fxp_twice\n"                                                                                                  \
    FXP_ROW_PAIR_PANELS(width)                                                                                         \
    ".endif\n"                                                                                                         \
    "addw r0, r0, #fxp_at\n"                                                                                           \
    "subs r3, r3, #1\n"                                                                                                \
    "bne.w " label "b\n"

/* Stack: input of the other channel pair, panels. */
#define FXP_PANELS_ROW_PAIRS_DSP_WIDE(name, row_pairs, lead, tail, width, position_bytes)                              \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *input, __attribute__((unused)) fxp_word *panels                        \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_size, " #position_bytes "\n"                                                                     \
            ".set fxp_width, " #width "\n"                                                                             \
            ".set fxp_panel, 4 * " #row_pairs " * " #width "\n"                                                        \
            ".set fxp_twice, (" #row_pairs " > 1) && (2 * fxp_size * fxp_width <= 4095)\n"                             \
            "push {r4-r11, lr}\n"                                                                                      \
            "adds r2, r0, #4\n"                                                                                        \
            "push {r1, r2}\n"                                                                                          \
            "addw r2, r1, #fxp_panel\n"                                                                                \
            FXP_ROW_PAIR_TWO_PANELS("1", row_pairs, width)                                                             \
            "ldr r0, [sp, #4]\n"                                                                                       \
            "mov r1, r2\n"                                                                                             \
            "addw r2, r2, #fxp_panel\n"                                                                                \
            FXP_ROW_PAIR_TWO_PANELS("2", row_pairs, width)                                                             \
            "pop {r4, r5}\n"                                                                                           \
            "movs r5, #0\n"                                                                                            \
            FXP_ROW_PAIR_ZEROS(row_pairs, lead, tail, width)                                                           \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_PANELS_ROW_PAIRS_DSP_WIDE(name, row_pairs, lead, tail, width, position_bytes)                              \
    FXP_PANELS_ROW_PAIRS_DSP(name, row_pairs, lead, tail, width, position_bytes)

#endif

#endif
