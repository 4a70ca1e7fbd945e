/*
 * The inner loop of a convolution from int8 codes of one input channel along a row: all channel pairs of a row of five
 * columns, at a horizontal stride of 2 and with one column of padding to the left.
 *
 *     input    [row of the window]{ x1 x3 | x5 x7 | x9 | x2 x4 | x6 x8 | - x0 }, words a + b z, z = 2^16
 *     weights  [channel pair]{ what sums of c0 begin with, three words | of c1 |
 *              [row of the window]{ w2 + w0 z of c0 | of c1 | w3 + w1 z of c0 | of c1 } }       w<column>
 *     output   halfwords { c0 | c1 } of one of the rows of row pairs for depthwise, position_bytes from column to column
 *
 * Columns that lie two apart see two of the window's taps each, so their words are polynomials, and lanes are columns of
 * the output:
 *
 *     y<n> = x<2n-1> w0 + x<2n+1> w2  +  x<2n> w1 + x<2n+2> w3
 *
 *     (x1 + x3 z) (w2 + w0 z)  =  y0 | y1 , y2 | .       SMLAL, to words 0 and 1
 *     (x5 + x7 z) (w2 + w0 z)  =  y2 | y3 , y4 | .       SMLAL, to words 1 and 2
 *      x9         (w2 + w0 z)  =  y4 | .                 MLA, to word 2
 *     (x2 + x4 z) (w3 + w1 z)  =  y0 | y1 , y2 | .       SMLAL
 *     (x6 + x8 z) (w3 + w1 z)  =  y2 | y3 , y4 | .       SMLAL
 *           x0 z  (w3 + w1 z)  =  .  | . ,  y0 | y1      SMLAL, to a word of no use and word 0
 *
 *     for each channel pair
 *         sums begin                                        LDM, MOV for the word of no use
 *         a row of the window: 36 products                  4 LDM, 10 SMLAL, 2 MLA            0.44 each
 *         y4 of both channels to one word                   PKHBT
 *         saturate, shift, bring both channels together     5 EOR, 5 USAT16, 5 AND, 3 ORR
 *         store, loop                                       LDM, 2 LSR, 5 STRH, STR, CMP, BNE          33 around the rows
 *
 * Lanes begin 2^15 higher, so none is negative, and nothing is carried from one to the next; EOR takes it off. The word
 * of no use serves both channels and begins at 2^31: the plan proves that it is never left.
 *
 * FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_ROW(name, rows, position_bytes, code_bit, bits) defines a function of type
 * fxp_conv2d_loop_row_pairs_dsp_lanes_row. Plain numbers: rows of the window, at most 40, position_bytes at most 1020,
 * code_bit + bits <= 15, bits <= 7. All fourteen registers are in use; hence assembly.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_ROW_H
#define FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_ROW_H

#include "nn/four_bit/fxp_four_bit.h"
#include "nn/fxp_little_endian.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Codes of three words in r9 to r11 by weights of both channels in r12 and lr; sums in r2 r3 r4 and in r5 r6 r7. */
#define FXP_CONV2D_ROW_PRODUCTS                                                                                        \
    "ldm r0!, {r9-r11}\n"                                                                                              \
    "ldm r1!, {r12, lr}\n"                                                                                             \
    "smlal r2, r3, r9, r12\n"                                                                                          \
    "smlal r5, r6, r9, lr\n"                                                                                           \
    "smlal r3, r4, r10, r12\n"                                                                                         \
    "smlal r6, r7, r10, lr\n"

/* Sums become codes; r10 is the mask. */
#define FXP_CONV2D_ROW_CODES(sums, code_bit, bits)                                                                     \
    "eor " sums ", " sums ", #0x80008000\n"                                                                            \
    "usat16 " sums ", #" #code_bit " + " #bits ", " sums "\n"                                                          \
    ".if " #code_bit "\n"                                                                                              \
    "and " sums ", r10, " sums ", lsr #" #code_bit "\n"                                                                \
    ".endif\n"

/* Stack: input, output, mask, weights_end. */
#define FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_ROW(name, rows, position_bytes, code_bit, bits)                            \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *input,                                                                 \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_code16 *output                                                                     \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "mov r5, #((1 << " #bits ") - 1) * 0x10001\n"                                                              \
            "mov r4, r3\n"                                                                                             \
            "mov r6, r2\n"                                                                                             \
            "push {r0, r4-r6}\n"                                                                                       \
            "1:\n"                                                                                                     \
            "ldm r1!, {r2-r7}\n"                                                                                       \
            "mov r8, #0x80000000\n"                                                                                    \
            ".rept " #rows "\n"                                                                                        \
            FXP_CONV2D_ROW_PRODUCTS                                                                                    \
            "mla r4, r11, r12, r4\n"                                                                                   \
            "mla r7, r11, lr, r7\n"                                                                                    \
            FXP_CONV2D_ROW_PRODUCTS                                                                                    \
            "smlal r8, r2, r11, r12\n"                                                                                 \
            "smlal r8, r5, r11, lr\n"                                                                                  \
            ".endr\n"                                                                                                  \
            "ldm sp, {r0, r9-r11}\n"                                                                                   \
            "pkhbt r4, r4, r7, lsl #16\n"                                                                              \
            FXP_CONV2D_ROW_CODES("r2", code_bit, bits)                                                                 \
            FXP_CONV2D_ROW_CODES("r3", code_bit, bits)                                                                 \
            FXP_CONV2D_ROW_CODES("r4", code_bit, bits)                                                                 \
            FXP_CONV2D_ROW_CODES("r5", code_bit, bits)                                                                 \
            FXP_CONV2D_ROW_CODES("r6", code_bit, bits)                                                                 \
            "orr r2, r2, r5, lsl #8\n"                                                                                 \
            "orr r3, r3, r6, lsl #8\n"                                                                                 \
            "orr r4, r4, r4, lsr #8\n"                                                                                 \
            "lsr r5, r2, #16\n"                                                                                        \
            "lsr r6, r3, #16\n"                                                                                        \
            "strh r5, [r9, #" #position_bytes "]\n"                                                                    \
            "strh r3, [r9, #2 * " #position_bytes "]\n"                                                                \
            "strh r6, [r9, #3 * " #position_bytes "]\n"                                                                \
            "strh r4, [r9, #4 * " #position_bytes "]\n"                                                                \
            "strh r2, [r9], #4\n"                                                                                      \
            "str r9, [sp, #4]\n"                                                                                       \
            "cmp r1, r11\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #16\n"                                                                                        \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_ROW(name, rows, position_bytes, code_bit, bits)                            \
    static void name(                                                                                                  \
        const fxp_word *input, const uint32_t *weights, const uint32_t *weights_end, fxp_code16 *output                \
    ) {                                                                                                                \
        fxp_conv2d_row_twin(                                                                                           \
            input, weights, weights_end, output, rows, (position_bytes) / 2, fxp_usat(code_bit, bits)                  \
        );                                                                                                             \
    }

/* To two words of sums, as one number. */
static inline void fxp_conv2d_row_smlal(uint32_t *low, uint32_t *high, uint32_t a, uint32_t b) {
    const uint64_t product = (uint64_t)((int64_t)(int32_t)a * (int32_t)b);
    const uint64_t sum = ((uint64_t)*high << 32 | *low) + product;
    *low = (uint32_t)sum;
    *high = (uint32_t)(sum >> 32);
}

/* One row of the window; `lost` is the word of no use. */
static inline void
fxp_conv2d_row_products(uint32_t *sums, uint32_t *lost, const fxp_word *x, uint32_t w2w0, uint32_t w3w1) {
    fxp_conv2d_row_smlal(sums, sums + 1, x[0], w2w0);
    fxp_conv2d_row_smlal(sums + 1, sums + 2, x[1], w2w0);
    sums[2] += x[2] * w2w0;
    fxp_conv2d_row_smlal(sums, sums + 1, x[3], w3w1);
    fxp_conv2d_row_smlal(sums + 1, sums + 2, x[4], w3w1);
    fxp_conv2d_row_smlal(lost, sums, x[5], w3w1);
}

static inline void fxp_conv2d_row_twin(
    const fxp_word *input,
    const uint32_t *weights,
    const uint32_t *weights_end,
    fxp_code16 *output,
    int32_t rows,
    int32_t position_codes,
    fxp_requantization to
) {
    while (weights < weights_end) {
        uint32_t sums[2][3];
        uint32_t lost = 0x80000000u;
        memcpy(sums, weights, sizeof sums);
        weights += 6;
        for (int32_t row = 0; row < rows; ++row) {
            fxp_conv2d_row_products(sums[0], &lost, input + 6 * row, weights[0], weights[2]);
            fxp_conv2d_row_products(sums[1], &lost, input + 6 * row, weights[1], weights[3]);
            weights += 4;
        }
        for (int32_t column = 0; column < 5; ++column) {
            const int32_t right = 16 * (column % 2);
            const uint32_t c0 = sums[0][column / 2] >> right ^ 0x8000u;
            const uint32_t c1 = sums[1][column / 2] >> right ^ 0x8000u;
            const int32_t low = fxp_requantize(fxp_low(c0), to);
            output[column * position_codes] = (fxp_code16)(low | fxp_requantize(fxp_low(c1), to) << 8);
        }
        output += 2;
    }
}

#endif

#endif
