/*
 * fxp_depthwise_loop_s16_dsp.h down one column after the other, for a padding of one column left and right: fewer
 * cycles.
 *
 *     row 2i - 2, row 2i - 1    o0, o1    of which row pair i of the panel is the end
 *     row 2i,     row 2i + 1    n0, n1    of which it is the beginning; the next row pair's o0, o1
 *
 *     each word of row pair i     SMLAD n0, w0w1   SMLATB n1, w0   SMLABT o0, w2   SMLAD o1, w1w2
 *
 * So a word is loaded once for three columns, where the loop along a row loads it twice; and the columns of padding are
 * not multiplied:
 *
 *     bias, two words; the third word                     3 LDR, LDR        6 cycles
 *     12 multiplications, 18 products                                      12
 *     saturate and store o0, o1                           2 USAT, 2 STRH    4      22 for 18 products: 1.22
 *     left and right column: 12 products                                          16
 *
 * All rows are unrolled, in three places: left, inside, right. Panel and weights as fxp_depthwise_loop_s16_dsp.h has
 * them; all fourteen registers are in use.
 *
 * FXP_DEPTHWISE_LOOP_S16_DSP_COLUMN(name, output_rows, output_width, position_bytes, shift, saturate, bits) defines a
 * function of type fxp_depthwise_loop_s16_dsp, whose rows are output_rows. Plain numbers but saturate, which is usat or
 * ssat; (output_rows + 3) / 2 * (output_width + 2) at most 1023, output_width * position_bytes at most 4095, 1 <= shift
 * <= 31.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_S16_DSP_COLUMN_H
#define FXP_DEPTHWISE_LOOP_S16_DSP_COLUMN_H

#include "nn/dsp/fxp_depthwise_loop_s16_dsp.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* A column of the window on a word; n0 holds the bias where `from` is n0. fxp_new outputs begin, fxp_old ones end. */
#define FXP_COLUMN_WORD(word, w0w1, w1w2, n0, n1, o0, o1, from)                                                        \
    ".if fxp_new > 1\n"                                                                                                \
    "smlatb " n1 ", " word ", " w0w1 ", " from "\n"                                                                    \
    ".endif\n"                                                                                                         \
    ".if fxp_new\n"                                                                                                    \
    "smlad " n0 ", " word ", " w0w1 ", " n0 "\n"                                                                       \
    ".endif\n"                                                                                                         \
    ".if fxp_old\n"                                                                                                    \
    "smlabt " o0 ", " word ", " w1w2 ", " o0 "\n"                                                                      \
    ".endif\n"                                                                                                         \
    ".if fxp_old > 1\n"                                                                                                \
    "smlad " o1 ", " word ", " w1w2 ", " o1 "\n"                                                                       \
    ".endif\n"

/* The four places that a column can have in a row: r0 is the first of the window's three. */
#define FXP_COLUMN_INSIDE(n0, n1, o0, o1)                                                                              \
    "ldr r2, [r0, #fxp_x]\n"                                                                                           \
    "ldr r3, [r0, #fxp_x + 4]\n"                                                                                       \
    FXP_COLUMN_WORD("r2", "r4", "r5", n0, n1, o0, o1, n0)                                                              \
    "ldr r2, [r0, #fxp_x + 8]\n"                                                                                       \
    FXP_COLUMN_WORD("r3", "r6", "r7", n0, n1, o0, o1, n1)                                                              \
    FXP_COLUMN_WORD("r2", "r8", "r9", n0, n1, o0, o1, n1)
#define FXP_COLUMN_LEFT(n0, n1, o0, o1)                                                                                \
    "ldr r2, [r0, #fxp_x + 4]\n"                                                                                       \
    "ldr r3, [r0, #fxp_x + 8]\n"                                                                                       \
    FXP_COLUMN_WORD("r2", "r6", "r7", n0, n1, o0, o1, n0)                                                              \
    FXP_COLUMN_WORD("r3", "r8", "r9", n0, n1, o0, o1, n1)
#define FXP_COLUMN_RIGHT(n0, n1, o0, o1)                                                                               \
    "ldr r2, [r0, #fxp_x]\n"                                                                                           \
    "ldr r3, [r0, #fxp_x + 4]\n"                                                                                       \
    FXP_COLUMN_WORD("r2", "r4", "r5", n0, n1, o0, o1, n0)                                                              \
    FXP_COLUMN_WORD("r3", "r6", "r7", n0, n1, o0, o1, n1)
#define FXP_COLUMN_ONLY(n0, n1, o0, o1)                                                                                \
    "ldr r2, [r0, #fxp_x + 4]\n"                                                                                       \
    FXP_COLUMN_WORD("r2", "r6", "r7", n0, n1, o0, o1, n0)

/* Row pair fxp_i of the panel. */
#define FXP_COLUMN_STEP(place, n0, n1, o0, o1, output_rows, shift, saturate, bits)                                     \
    ".set fxp_new, 0\n"                                                                                                \
    ".if 2 * fxp_i < " #output_rows "\n"                                                                               \
    ".set fxp_new, 1\n"                                                                                                \
    "ldr " n0 ", [sp]\n"                                                                                               \
    ".endif\n"                                                                                                         \
    ".if 2 * fxp_i + 1 < " #output_rows "\n"                                                                           \
    ".set fxp_new, 2\n"                                                                                                \
    ".endif\n"                                                                                                         \
    ".set fxp_old, 0\n"                                                                                                \
    ".if fxp_i\n"                                                                                                      \
    ".set fxp_old, 1\n"                                                                                                \
    ".if 2 * fxp_i - 1 < " #output_rows "\n"                                                                           \
    ".set fxp_old, 2\n"                                                                                                \
    ".endif\n"                                                                                                         \
    ".endif\n"                                                                                                         \
    place(n0, n1, o0, o1)                                                                                              \
    ".if fxp_old\n"                                                                                                    \
    ".if fxp_at + fxp_row > 4095\n"                                                                                    \
    "movw r2, #fxp_at\n"                                                                                               \
    "add r1, r1, r2\n"                                                                                                 \
    ".set fxp_moved, fxp_moved + fxp_at\n"                                                                             \
    ".set fxp_at, 0\n"                                                                                                 \
    ".endif\n"                                                                                                         \
    #saturate " " o0 ", #" #bits ", " o0 ", asr #" #shift "\n"                                                         \
    ".if fxp_old > 1\n"                                                                                                \
    #saturate " " o1 ", #" #bits ", " o1 ", asr #" #shift "\n"                                                         \
    ".endif\n"                                                                                                         \
    "strh " o0 ", [r1, #fxp_at]\n"                                                                                     \
    ".if fxp_old > 1\n"                                                                                                \
    "strh " o1 ", [r1, #fxp_at + fxp_row]\n"                                                                           \
    ".endif\n"                                                                                                         \
    ".set fxp_at, fxp_at + 2 * fxp_row\n"                                                                              \
    ".endif\n"                                                                                                         \
    ".set fxp_i, fxp_i + 1\n"                                                                                          \
    ".set fxp_x, fxp_x + fxp_panel_row\n"

/* Down one column, and to the top of the next one. */
#define FXP_COLUMN(place, output_rows, position_bytes, shift, saturate, bits)                                          \
    ".set fxp_i, 0\n"                                                                                                  \
    ".set fxp_x, 0\n"                                                                                                  \
    ".set fxp_at, 0\n"                                                                                                 \
    ".set fxp_moved, 0\n"                                                                                              \
    ".rept (" #output_rows " + 3) / 2\n"                                                                               \
    ".if fxp_i & 1\n"                                                                                                  \
    FXP_COLUMN_STEP(place, "r12", "lr", "r10", "r11", output_rows, shift, saturate, bits)                              \
    ".else\n"                                                                                                          \
    FXP_COLUMN_STEP(place, "r10", "r11", "r12", "lr", output_rows, shift, saturate, bits)                              \
    ".endif\n"                                                                                                         \
    ".endr\n"                                                                                                          \
    ".if fxp_moved > " #position_bytes "\n"                                                                            \
    "movw r2, #fxp_moved - " #position_bytes "\n"                                                                      \
    "sub r1, r1, r2\n"                                                                                                 \
    ".else\n"                                                                                                          \
    "addw r1, r1, #" #position_bytes " - fxp_moved\n"                                                                  \
    ".endif\n"

/* r0 panel, r1 output, r2 r3 input words, r4 to r9 weights, r10 r11 and r12 lr sums; stack: bias, columns to go. */
#define FXP_DEPTHWISE_LOOP_S16_DSP_COLUMN(name, output_rows, output_width, position_bytes, shift, saturate, bits)      \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *panel,                                                                 \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) void *output,                                                                          \
        __attribute__((unused)) int32_t rows                                                                           \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_row, " #position_bytes " * " #output_width "\n"                                                  \
            ".set fxp_panel_row, 4 * (" #output_width " + 2)\n"                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "ldm r1, {r4-r10}\n"                                                                                       \
            "mov r1, r2\n"                                                                                             \
            "movs r11, #" #output_width " - 2\n"                                                                       \
            "push {r10, r11}\n"                                                                                        \
            ".if " #output_width " == 1\n"                                                                             \
            FXP_COLUMN(FXP_COLUMN_ONLY, output_rows, position_bytes, shift, saturate, bits)                            \
            ".else\n"                                                                                                  \
            FXP_COLUMN(FXP_COLUMN_LEFT, output_rows, position_bytes, shift, saturate, bits)                            \
            "adds r0, r0, #4\n"                                                                                        \
            ".if " #output_width " > 2\n"                                                                              \
            "1:\n"                                                                                                     \
            FXP_COLUMN(FXP_COLUMN_INSIDE, output_rows, position_bytes, shift, saturate, bits)                          \
            "ldr r2, [sp, #4]\n"                                                                                       \
            "adds r0, r0, #4\n"                                                                                        \
            "subs r2, r2, #1\n"                                                                                        \
            "str r2, [sp, #4]\n"                                                                                       \
            "bne.w 1b\n"                                                                                               \
            ".endif\n"                                                                                                 \
            FXP_COLUMN(FXP_COLUMN_RIGHT, output_rows, position_bytes, shift, saturate, bits)                           \
            ".endif\n"                                                                                                 \
            "add sp, sp, #8\n"                                                                                         \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else
// clang-format on

#define FXP_DEPTHWISE_LOOP_S16_DSP_COLUMN(name, output_rows, output_width, position_bytes, shift, saturate, bits)      \
    FXP_DEPTHWISE_LOOP_S16_DSP(name, output_width, position_bytes, shift, saturate, bits)

#endif

#endif
