/*
 * The copy to panels of a depthwise 3x3 convolution on row pairs: a channel quad.
 *
 *     input    row pairs for depthwise
 *     panels   [channel][row pair][column]{ row 2i - lead | row 2i + 1 - lead } as halfwords, 0 for rows outside the
 *              tensor
 *
 * Two columns of four channels in 14 instructions: two LDRD, eight UXTB16, four STRD. Columns follow each other from row
 * pair to row pair, in both, so a turn of the loop takes eight of them, wherever a row ends.
 *
 * FXP_PANELS_ROW_PAIRS_DSP(name, row_pairs, lead, tail, width, position_bytes) defines a function of type
 * fxp_panels_row_pairs_dsp; lead and tail: 1 where the first row, or the last one, is outside the tensor. Plain numbers;
 * row_pairs * width <= 250, width * position_bytes <= 4095. Names and terms: docs/glossary.md.
 */
#ifndef FXP_PANELS_ROW_PAIRS_DSP_H
#define FXP_PANELS_ROW_PAIRS_DSP_H

#include "nn/four_bit/fxp_four_bit.h"
#include "nn/fxp_little_endian.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Both words of a column, and on to the next one; LDRD reaches less far than ADDW. */
#define FXP_ROW_PAIR_WORDS(c0c1, c2c3)                                                                                 \
    ".if fxp_size <= 1020\n"                                                                                           \
    "ldrd " c0c1 ", " c2c3 ", [r0], #fxp_size\n"                                                                       \
    ".else\n"                                                                                                          \
    "ldrd " c0c1 ", " c2c3 ", [r0]\n"                                                                                  \
    "addw r0, r0, #fxp_size\n"                                                                                         \
    ".endif\n"

/* A word of each of two columns, to two panels. */
#define FXP_ROW_PAIR_COLUMNS(x0, x1, panels)                                                                           \
    "uxtb16 r8, " x0 ", ror #8\n"                                                                                      \
    "uxtb16 r9, " x1 ", ror #8\n"                                                                                      \
    "strd r8, r9, [" panels ", #fxp_panel]\n"                                                                          \
    "uxtb16 r8, " x0 "\n"                                                                                              \
    "uxtb16 r9, " x1 "\n"                                                                                              \
    "strd r8, r9, [" panels "], #8\n"

/* The same of one column. */
#define FXP_ROW_PAIR_COLUMN(x, panels)                                                                                 \
    "uxtb16 r9, " x ", ror #8\n"                                                                                       \
    "uxtb16 r8, " x "\n"                                                                                               \
    "str r9, [" panels ", #fxp_panel]\n"                                                                               \
    "str r8, [" panels "], #4\n"

/* Two columns of all four channels. */
#define FXP_ROW_PAIR_TWO_COLUMNS                                                                                       \
    FXP_ROW_PAIR_WORDS("r4", "r5")                                                                                     \
    FXP_ROW_PAIR_WORDS("r6", "r7")                                                                                     \
    FXP_ROW_PAIR_COLUMNS("r4", "r6", "r1")                                                                             \
    FXP_ROW_PAIR_COLUMNS("r5", "r7", "r2")

/* Rows outside the tensor, of four panels that begin at r4; r5 is 0. */
#define FXP_ROW_PAIR_ZEROS(row_pairs, lead, tail, width)                                                               \
    ".set fxp_at, 0\n"                                                                                                 \
    ".rept 4\n"                                                                                                        \
    ".set fxp_column, 0\n"                                                                                             \
    ".rept " #width "\n"                                                                                               \
    ".if " #lead "\n"                                                                                                  \
    "strh r5, [r4, #fxp_at + 4 * fxp_column]\n"                                                                        \
    ".endif\n"                                                                                                         \
    ".if " #tail "\n"                                                                                                  \
    "strh r5, [r4, #fxp_at + 4 * fxp_column + 4 * (" #row_pairs " - 1) * " #width " + 2]\n"                            \
    ".endif\n"                                                                                                         \
    ".set fxp_column, fxp_column + 1\n"                                                                                \
    ".endr\n"                                                                                                          \
    ".set fxp_at, fxp_at + fxp_panel\n"                                                                                \
    ".endr\n"

#define FXP_PANELS_ROW_PAIRS_DSP(name, row_pairs, lead, tail, width, position_bytes)                                   \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *input, __attribute__((unused)) fxp_word *panels                        \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_size, " #position_bytes "\n"                                                                     \
            ".set fxp_panel, 4 * " #row_pairs " * " #width "\n"                                                        \
            "push {r1, r4-r9, lr}\n"                                                                                   \
            "addw r2, r1, #2 * fxp_panel\n"                                                                            \
            ".if " #row_pairs " * " #width " >= 8\n"                                                                   \
            "movs r3, #" #row_pairs " * " #width " / 8\n"                                                              \
            "1:\n"                                                                                                     \
            FXP_ROW_PAIR_TWO_COLUMNS FXP_ROW_PAIR_TWO_COLUMNS FXP_ROW_PAIR_TWO_COLUMNS FXP_ROW_PAIR_TWO_COLUMNS        \
            "subs r3, r3, #1\n"                                                                                        \
            "bne.w 1b\n"                                                                                               \
            ".endif\n"                                                                                                 \
            ".rept " #row_pairs " * " #width " % 8 / 2\n"                                                              \
            FXP_ROW_PAIR_TWO_COLUMNS                                                                                   \
            ".endr\n"                                                                                                  \
            ".if " #row_pairs " * " #width " & 1\n"                                                                    \
            FXP_ROW_PAIR_WORDS("r4", "r5")                                                                             \
            FXP_ROW_PAIR_COLUMN("r4", "r1")                                                                            \
            FXP_ROW_PAIR_COLUMN("r5", "r2")                                                                            \
            ".endif\n"                                                                                                 \
            "ldr r4, [sp], #4\n"                                                                                       \
            "movs r5, #0\n"                                                                                            \
            FXP_ROW_PAIR_ZEROS(row_pairs, lead, tail, width)                                                           \
            "pop {r4-r9, pc}\n"                                                                                        \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_PANELS_ROW_PAIRS_DSP(name, row_pairs, lead, tail, width, position_bytes)                                   \
    static void name(const fxp_word *input, fxp_word *panels) {                                                        \
        fxp_panels_row_pairs_twin(input, panels, (row_pairs) * (width), width, (position_bytes) / 4, lead, tail);      \
    }

static inline void fxp_panels_row_pairs_twin(
    const fxp_word *input, fxp_word *panels, int32_t words, int32_t width, int32_t stride, int32_t lead, int32_t tail
) {
    for (int32_t channel = 0; channel < 4; ++channel) {
        for (int32_t i = 0; i < words; ++i) {
            const uint32_t first = lead && i < width ? 0u : 0x000000ffu;
            const uint32_t second = tail && i >= words - width ? 0u : 0x00ff0000u;
            *panels++ = input[i * stride + channel / 2] >> 8 * (channel % 2) & (first | second);
        }
    }
}

#endif

#endif
