/*
 * The inner loop of a convolution from int8 codes as a product of polynomials in z = 2^16: two channels, down one
 * column of the output, two rows a step.
 *
 * Rows of the input that are a stride apart form a sequence x[0], x[1], ..; the taps w[0], w[1], .. of a column of the
 * window on it give y[n] = sum of x[n + t] w[t]. Two codes times two taps are four products of one SMLAL:
 *
 *     X = x[2i] + x[2i + 1] z          W = w[2m + 1] + w[2m] z          lanes of X W:  y[2(i - m) - 1 .. 2(i - m) + 1]
 *
 * A step sums over every m, every sequence, column and input channel of the window, which completes the lower word:
 * rows 2j - 1 and 2j. The upper word holds row 2j + 1 so far and is the next step's lower word, without an instruction.
 *
 *     panel    [row pair i][taps of a row pair] X; a step reads `products` of them and moves on by `taps`
 *     weights  [channel pair]{ bias (1 + z) of c0 | of c1 | [product]{ W of c0 | W of c1 } }
 *     output   bytes { p0c0 | p0c1 | p1c0 | p1c1 }: row pairs for depthwise, lead 1
 *
 * Four X and four times two W in 3 LDM, 8 SMLAL: 32 products in 11 instructions, 0.34 each, less what taps beyond an
 * odd number of them waste. Around a step, 18 to 20 instructions: LDRD for biases, 2 SUB, EOR, USAT16, LSR and AND per
 * channel (flip and code_bit are what fxp_depthwise_loop_row_pairs_dsp_lanes.h says), ORR, STR, LDM, ADD, STR, CMP,
 * branch. All fourteen registers are in use.
 *
 * FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES(name, taps, products, row_bytes, flip, code_bit, bits) defines a function of type
 * fxp_conv2d_loop_dsp_lanes; plain numbers, products a multiple of 4 and at most 256, row_bytes (of the output) at most
 * 4095, code_bit + bits <= 15.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_H
#define FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES_H

#include "nn/dsp/fxp_conv2d_products_dsp.h"
#include "nn/four_bit/fxp_four_bit.h"
#include "nn/fxp_little_endian.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* One step into the words low0 and low1, which it ends with; branches to 2 behind the last one. */
#define FXP_CONV2D_LANES_STEP(low0, high0, low1, high1, taps, products, row_bytes, flip, code_bit, bits)               \
    "ldrd " high0 ", " high1 ", [r1], #8\n"                                                                            \
    FXP_CONV2D_PRODUCTS_DSP(low0, high0, low1, high1, products)                                                        \
    "subw r0, r0, #4 * (" #products " - " #taps ")\n"                                                                  \
    "subw r1, r1, #8 * (" #products " + 1)\n"                                                                          \
    "ldm sp, {r6, r7}\n"                                                                                               \
    ".if " #flip "\n"                                                                                                  \
    "eor " low0 ", " low0 ", #0x80008000\n"                                                                            \
    "eor " low1 ", " low1 ", #0x80008000\n"                                                                            \
    ".endif\n"                                                                                                         \
    "usat16 " low0 ", #" #code_bit " + " #bits ", " low0 "\n"                                                          \
    "usat16 " low1 ", #" #code_bit " + " #bits ", " low1 "\n"                                                          \
    ".if " #code_bit " == 8\n"                                                                                         \
    "uxtb16 " low0 ", " low0 ", ror #8\n"                                                                              \
    "uxtb16 " low1 ", " low1 ", ror #8\n"                                                                              \
    ".else\n"                                                                                                          \
    ".if " #code_bit "\n"                                                                                              \
    "lsr " low0 ", " low0 ", #" #code_bit "\n"                                                                         \
    "lsr " low1 ", " low1 ", #" #code_bit "\n"                                                                         \
    ".endif\n"                                                                                                         \
    "and " low0 ", " low0 ", #0x00010001 * ((1 << " #bits ") - 1)\n"                                                   \
    "and " low1 ", " low1 ", #0x00010001 * ((1 << " #bits ") - 1)\n"                                                   \
    ".endif\n"                                                                                                         \
    "orr " low0 ", " low0 ", " low1 ", lsl #8\n"                                                                       \
    "str " low0 ", [r6]\n"                                                                                             \
    "addw r6, r6, #" #row_bytes "\n"                                                                                   \
    "str r6, [sp]\n"                                                                                                   \
    "cmp r6, r7\n"

/* r0 panel, r1 weights, r2 r3 accumulators of c0, r4 r5 of c1, r6 to r9 input, r10 r11 r12 lr weights. */
#define FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES(name, taps, products, row_bytes, flip, code_bit, bits)                     \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *panel,                                                                 \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) const fxp_word *output_end                                                             \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "push {r2, r3}\n"                                                                                          \
            "ldrd r2, r4, [r1]\n"                                                                                      \
            "1:\n"                                                                                                     \
            FXP_CONV2D_LANES_STEP("r2", "r3", "r4", "r5", taps, products, row_bytes, flip, code_bit, bits)             \
            "beq.w 2f\n"                                                                                               \
            FXP_CONV2D_LANES_STEP("r3", "r2", "r5", "r4", taps, products, row_bytes, flip, code_bit, bits)             \
            "bne.w 1b\n"                                                                                               \
            "2:\n"                                                                                                     \
            "add sp, sp, #8\n"                                                                                         \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_CONV2D_LOOP_ROW_PAIRS_DSP_LANES(name, taps, products, row_bytes, flip, code_bit, bits)                     \
    static void name(const fxp_word *panel, const uint32_t *weights, fxp_word *output, const fxp_word *output_end) {   \
        fxp_conv2d_row_pairs_twin(                                                                                     \
            panel, weights, output, output_end, taps, products, (row_bytes) / 4, flip, fxp_usat(code_bit, bits)        \
        );                                                                                                             \
    }

static inline uint32_t fxp_conv2d_row_pairs_codes(uint32_t sums, int32_t flip, fxp_requantization to) {
    const uint32_t true_sums = flip ? sums ^ 0x80008000u : sums;
    return fxp_halves(fxp_requantize(fxp_low(true_sums), to), fxp_requantize(fxp_high(true_sums), to));
}

static inline void fxp_conv2d_row_pairs_twin(
    const fxp_word *panel,
    const uint32_t *weights,
    fxp_word *output,
    const fxp_word *output_end,
    int32_t taps,
    int32_t products,
    int32_t row_words,
    int32_t flip,
    fxp_requantization to
) {
    uint32_t low0 = weights[0];
    uint32_t low1 = weights[1];
    for (; output < output_end; output += row_words) {
        const uint32_t *w = weights + 2;
        uint64_t sums0 = (uint64_t)weights[0] << 32 | low0;
        uint64_t sums1 = (uint64_t)weights[1] << 32 | low1;
        for (int32_t i = 0; i < products; ++i) {
            const int64_t codes = (int32_t)panel[i];
            sums0 += (uint64_t)(codes * (int32_t)*w++);
            sums1 += (uint64_t)(codes * (int32_t)*w++);
        }
        *output = fxp_conv2d_row_pairs_codes((uint32_t)sums0, flip, to) |
                  fxp_conv2d_row_pairs_codes((uint32_t)sums1, flip, to) << 8;
        low0 = (uint32_t)(sums0 >> 32);
        low1 = (uint32_t)(sums1 >> 32);
        panel += taps;
    }
}

#endif

#endif
