/*
 * The inner loop of a stream's first convolution: one row of all output channels, from rows with one input channel, at
 * a horizontal stride of 2 and with one column of padding to the left.
 *
 *     input    [row of the window]{ x1 x3 | x5 x7 | x9 - | x2 x4 | x6 x8 | - x0 }, words a + b z, z = 2^16
 *     weights  [channel]{ what sums begin with, [row of the window]{ w2 + w0 z | w3 + w1 z } }     w<column>
 *     output   [channel]{ y0 y1 | y2 y3 | y4 0 }, int16
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
 *     for each channel, width 5
 *         sums begin                            LDM, MOV for the word of no use
 *         a row of the window: 18 products      2 LDM, 5 SMLAL, MLA
 *         saturate, shift                       3 EOR, 3 USAT16, MOV, 2 AND, UBFX
 *         store, loop                           LDRD, STM, STR, SUBW, CMP, BNE          8 * rows + 18
 *
 * Lanes begin 2^15 higher, so none is negative, and nothing is carried from one to the next; EOR takes it off.
 *
 * FXP_CONV2D_LOOP_CHANNEL_ROWS_DSP_LANES(name, rows, width, code_bit, bits) defines a function of type
 * fxp_conv2d_loop_channel_rows_dsp_lanes. Plain numbers: rows of the window, at most 40, 2 <= width <= 5,
 * code_bit + bits <= 15, bits <= 7.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_CONV2D_LOOP_CHANNEL_ROWS_DSP_LANES_H
#define FXP_CONV2D_LOOP_CHANNEL_ROWS_DSP_LANES_H

#include "nn/fxp_little_endian.h"
#include "nn/stream/fxp_stream.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* An instruction with the registers of the sums, of which there are one to three. */
#define FXP_CHANNEL_SUMS(one, instruction, width)                                                                      \
    ".if " #width " == 2\n"                                                                                            \
    one                                                                                                                \
    ".elseif " #width " <= 4\n"                                                                                        \
    instruction ", {r2, r3}\n"                                                                                         \
    ".else\n"                                                                                                          \
    instruction ", {r2, r3, lr}\n"                                                                                     \
    ".endif\n"

/* A row of the window: codes in r4 to r9, weights r10 r11, sums r12 (of no use) r2 r3 lr. */
#define FXP_CHANNEL_WINDOW_ROW(width)                                                                                  \
    ".if " #width " == 5\n"                                                                                            \
    "ldm r0!, {r4-r9}\n"                                                                                               \
    "ldm r1!, {r10, r11}\n"                                                                                            \
    "smlal r2, r3, r4, r10\n"                                                                                          \
    "smlal r3, lr, r5, r10\n"                                                                                          \
    "mla lr, r6, r10, lr\n"                                                                                            \
    "smlal r2, r3, r7, r11\n"                                                                                          \
    "smlal r3, lr, r8, r11\n"                                                                                          \
    "smlal r12, r2, r9, r11\n"                                                                                         \
    ".elseif " #width " == 4\n"                                                                                        \
    "ldm r0!, {r4-r8}\n"                                                                                               \
    "ldm r1!, {r10, r11}\n"                                                                                            \
    "smlal r2, r3, r4, r10\n"                                                                                          \
    "mla r3, r5, r10, r3\n"                                                                                            \
    "smlal r2, r3, r6, r11\n"                                                                                          \
    "mla r3, r7, r11, r3\n"                                                                                            \
    "smlal r12, r2, r8, r11\n"                                                                                         \
    ".elseif " #width " == 3\n"                                                                                        \
    "ldm r0!, {r4-r7}\n"                                                                                               \
    "ldm r1!, {r10, r11}\n"                                                                                            \
    "smlal r2, r3, r4, r10\n"                                                                                          \
    "mla r3, r5, r10, r3\n"                                                                                            \
    "smlal r2, r3, r6, r11\n"                                                                                          \
    "smlal r12, r2, r7, r11\n"                                                                                         \
    ".else\n"                                                                                                          \
    "ldm r0!, {r4-r6}\n"                                                                                               \
    "ldm r1!, {r10, r11}\n"                                                                                            \
    "mla r2, r4, r10, r2\n"                                                                                            \
    "mla r2, r5, r11, r2\n"                                                                                            \
    "smlal r12, r2, r6, r11\n"                                                                                         \
    ".endif\n"

/* A word of sums becomes codes; r10 is the mask. Of the last word of an odd number only the lower half is. */
#define FXP_CHANNEL_CODES(sums, last, code_bit, bits)                                                                  \
    "eor " sums ", " sums ", #0x80008000\n"                                                                            \
    "usat16 " sums ", #" #code_bit " + " #bits ", " sums "\n"                                                          \
    ".if " #last "\n"                                                                                                  \
    "ubfx " sums ", " sums ", #" #code_bit ", #" #bits "\n"                                                            \
    ".elseif " #code_bit "\n"                                                                                          \
    "and " sums ", r10, " sums ", lsr #" #code_bit "\n"                                                                \
    ".endif\n"

/* r0 input, r1 weights; stack: output, weights_end. */
#define FXP_CONV2D_LOOP_CHANNEL_ROWS_DSP_LANES(name, rows, width, code_bit, bits)                                      \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *input,                                                                 \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) const uint32_t *weights_end                                                            \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r2-r11, lr}\n"                                                                                      \
            "1:\n"                                                                                                     \
            FXP_CHANNEL_SUMS("ldr r2, [r1], #4\n", "ldm r1!", width)                                                   \
            "mov r12, r2\n"                                                                                            \
            ".rept " #rows "\n"                                                                                        \
            FXP_CHANNEL_WINDOW_ROW(width)                                                                              \
            ".endr\n"                                                                                                  \
            "mov r10, #((1 << " #bits ") - 1) * 0x10001\n"                                                             \
            FXP_CHANNEL_CODES("r2", 0, code_bit, bits)                                                                 \
            ".if " #width " >= 3\n"                                                                                    \
            FXP_CHANNEL_CODES("r3", width == 3, code_bit, bits)                                                        \
            ".endif\n"                                                                                                 \
            ".if " #width " == 5\n"                                                                                    \
            FXP_CHANNEL_CODES("lr", 1, code_bit, bits)                                                                 \
            ".endif\n"                                                                                                 \
            "ldrd r4, r5, [sp]\n"                                                                                      \
            FXP_CHANNEL_SUMS("str r2, [r4], #4\n", "stm r4!", width)                                                   \
            "str r4, [sp]\n"                                                                                           \
            "subw r0, r0, #4 * " #rows " * (" #width " + 1)\n"                                                         \
            "cmp r1, r5\n"                                                                                             \
            "bne.w 1b\n"                                                                                               \
            "pop {r2-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_CONV2D_LOOP_CHANNEL_ROWS_DSP_LANES(name, rows, width, code_bit, bits)                                      \
    static void name(const fxp_word *input, const uint32_t *weights, fxp_word *output, const uint32_t *weights_end) {  \
        fxp_channel_conv2d_twin(input, weights, output, weights_end, rows, width, fxp_usat(code_bit, bits));           \
    }

/* All products of words with one of weights: the last word has one code where `codes` is odd. */
static inline void
fxp_channel_window_row(fxp_word *sums, const fxp_word *input, uint32_t weight, int32_t codes, int32_t words) {
    for (int32_t word = 0; 2 * word < codes; ++word) {
        if (word + 1 < words) {
            fxp_smlal(sums + word, input[word], weight);
        } else {
            sums[word] += input[word] * weight;
        }
    }
}

static inline void fxp_channel_conv2d_twin(
    const fxp_word *input,
    const uint32_t *weights,
    fxp_word *output,
    const uint32_t *weights_end,
    int32_t rows,
    int32_t width,
    fxp_requantization to
) {
    const int32_t words = (width + 1) / 2;
    while (weights < weights_end) {
        fxp_word sums[4] = {weights[0]}; /* the first one is of no use */
        for (int32_t i = 0; i < words; ++i) {
            sums[1 + i] = *weights++;
        }
        for (int32_t row = 0; row < rows; ++row) {
            const fxp_word *const at = input + row * (width + 1);
            fxp_channel_window_row(sums + 1, at, weights[0], width, words);
            fxp_channel_window_row(sums + 1, at + words, weights[1], width - 1, words);
            fxp_smlal(sums, at[width], weights[1]);
            weights += 2;
        }
        for (int32_t i = 0; i < words; ++i) {
            const uint32_t flipped = sums[1 + i] ^ 0x80008000u;
            const int32_t high = 2 * i + 1 < width ? fxp_requantize(fxp_high(flipped), to) : 0;
            *output++ = fxp_halves(fxp_requantize(fxp_low(flipped), to), high);
        }
    }
}

#endif

#endif
