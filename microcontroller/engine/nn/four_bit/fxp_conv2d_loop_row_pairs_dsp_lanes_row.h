/*
 * The inner loop of a convolution from int8 codes of one input channel along a row: all channel pairs of a row of five
 * columns, at a horizontal stride of 2 and with one column of padding to the left.
 *
 *     input    [two rows of the window]{ x9 | x9' || x0 | x0' } halfwords, x': of the second one, and
 *              [row]{ x1 x3 | x5 x7 | x2 x4 | x6 x8 }, words a + b z, z = 2^16
 *     weights  [channel pair]{ what sums of c0 begin with, three words | of c1 |
 *              [two rows of the window]{ w2 | w2' || w1 | w1' of c0, of c1,
 *              [row]{ w2 + w0 z, w3 + w1 z of c0 | of c1 } } }       w<column>
 *     output   halfwords { c0 | c1 } of one of the rows of row pairs for depthwise, position_bytes from column to column
 *
 * Columns that lie two apart see two of the window's taps each, so their words are polynomials, and lanes are columns of
 * the output. At both ends of the row a code has one tap: there two rows are one SMLAD.
 *
 *     y<n> = x<2n-1> w0 + x<2n+1> w2  +  x<2n> w1 + x<2n+2> w3
 *
 *     (x1 + x3 z) (w2 + w0 z)  =  y0 | y1 , y2 | .       SMLAL, to words 0 and 1
 *     (x5 + x7 z) (w2 + w0 z)  =  y2 | y3 , y4 | .       SMLAL, to words 1 and 2
 *     (x2 + x4 z) (w3 + w1 z)  =  y0 | y1 , y2 | .       SMLAL
 *     (x6 + x8 z) (w3 + w1 z)  =  y2 | y3 , y4 | .       SMLAL
 *      x9 w2 + x9' w2'         =  y4                     SMLAD, to word 2
 *      x0 w1 + x0' w1'         =  y0                     SMLAD, to word 0
 *
 *     for each channel pair
 *         sums begin                                        LDM
 *         two rows of the window: 72 products               8 LDM, 16 SMLAL, 4 SMLAD           0.39 each
 *         the last one of an odd number, with x' of no use  5 LDM, 8 SMLAL, 4 SMLAD            0.47
 *         y4 of both channels to one word                   PKHBT
 *         saturate, shift, bring both channels together     5 EOR, 5 USAT16, 5 AND, 3 ORR
 *         store, loop                                       LDM, 2 LSR, 5 STRH, STR, CMP, BNE          32 around the rows
 *
 * Lanes begin 2^15 higher and the plan proves that their sums fit, in any order: so none is ever negative, and nothing is
 * carried from one to the next, nor out of word 0 or 1; EOR takes it off. What word 2 holds beside y4 has no meaning.
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
/* Codes of one tap, two rows at once; sums of c0 in r2 r3 r4, of c1 in r5 r6 r7. */
#define FXP_CONV2D_ROW_ENDS                                                                                            \
    "ldm r0!, {r8, r9}\n"                                                                                              \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    "smlad r4, r8, r10, r4\n"                                                                                          \
    "smlad r2, r9, r11, r2\n"                                                                                          \
    "smlad r7, r8, r12, r7\n"                                                                                          \
    "smlad r5, r9, lr, r5\n"

/* A row's codes in r8 to r11 by a channel's weights. */
#define FXP_CONV2D_ROW_CHANNEL(word0, word1, word2)                                                                    \
    "ldm r1!, {r12, lr}\n"                                                                                             \
    "smlal " word0 ", " word1 ", r8, r12\n"                                                                            \
    "smlal " word1 ", " word2 ", r9, r12\n"                                                                            \
    "smlal " word0 ", " word1 ", r10, lr\n"                                                                            \
    "smlal " word1 ", " word2 ", r11, lr\n"
#define FXP_CONV2D_ROW_PRODUCTS                                                                                        \
    "ldm r0!, {r8-r11}\n"                                                                                              \
    FXP_CONV2D_ROW_CHANNEL("r2", "r3", "r4")                                                                           \
    FXP_CONV2D_ROW_CHANNEL("r5", "r6", "r7")

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
            ".rept " #rows " / 2\n"                                                                                    \
            FXP_CONV2D_ROW_ENDS                                                                                        \
            FXP_CONV2D_ROW_PRODUCTS                                                                                    \
            FXP_CONV2D_ROW_PRODUCTS                                                                                    \
            ".endr\n"                                                                                                  \
            ".if " #rows " & 1\n"                                                                                      \
            FXP_CONV2D_ROW_ENDS                                                                                        \
            FXP_CONV2D_ROW_PRODUCTS                                                                                    \
            ".endif\n"                                                                                                 \
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

/* One row of the window, of one channel. */
static inline void fxp_conv2d_row_products(uint32_t *sums, const fxp_word *x, uint32_t w2w0, uint32_t w3w1) {
    fxp_conv2d_row_smlal(sums, sums + 1, x[0], w2w0);
    fxp_conv2d_row_smlal(sums + 1, sums + 2, x[1], w2w0);
    fxp_conv2d_row_smlal(sums, sums + 1, x[2], w3w1);
    fxp_conv2d_row_smlal(sums + 1, sums + 2, x[3], w3w1);
}

/* Both ends of two rows. */
static inline void fxp_conv2d_row_ends(uint32_t *sums, const fxp_word *x, const uint32_t *w) {
    sums[2] = (uint32_t)fxp_smlad(x[0], w[0], (int32_t)sums[2]);
    sums[0] = (uint32_t)fxp_smlad(x[1], w[1], (int32_t)sums[0]);
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
        const fxp_word *x = input;
        uint32_t sums[2][3];
        memcpy(sums, weights, sizeof sums);
        weights += 6;
        for (int32_t row = 0; row < rows; ++row) {
            if (row % 2 == 0) {
                fxp_conv2d_row_ends(sums[0], x, weights);
                fxp_conv2d_row_ends(sums[1], x, weights + 2);
                x += 2;
                weights += 4;
            }
            fxp_conv2d_row_products(sums[0], x, weights[0], weights[1]);
            fxp_conv2d_row_products(sums[1], x, weights[2], weights[3]);
            x += 4;
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
