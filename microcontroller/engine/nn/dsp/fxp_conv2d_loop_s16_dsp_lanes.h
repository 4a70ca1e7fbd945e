/*
 * fxp_conv2d_loop_row_pairs_dsp_lanes.h for sums of up to 21 bits and int16 outputs: the same products with z = 2^21,
 * three lanes of 64 bits.
 *
 *     bit 63              42 41              21 20               0
 *        |   row 2j + 1     |     row 2j       |    row 2j - 1    |      each plus 2^20, so never negative
 *
 * A step completes the two lower lanes; the upper one is shifted down and is the next step's lowest. Lanes are brought
 * to the top, where EOR takes 2^20 off, and saturated with their shift.
 *
 *     panel    [row pair i][taps of a row pair] x[2i] + x[2i+1] z; a step reads `products` of them, moves on by `taps`
 *     weights  [channel pair]{ bias (z + z^2), lower word of c0 | of c1 | upper word of c0 | of c1 |
 *                              [product]{ w[2m+1] + w[2m] z of c0 | of c1 } }                bias: with 2^20
 *     output   int16 { c0 | c1 }, rows row_bytes apart; output_end is behind the last row
 *
 * Four products per SMLAL, 32 in 11 instructions. Around a step 25 (27 where the number of rows is even): 2 LDRD and 2
 * ADD for lanes and biases, SUB, LDM, 4 EOR, 2 ORR, 4 USAT, 2 PKHBT, 2 STR, 2 ADD, STRD, CMP, branch. The step that
 * begins above the first row stores what it has of it where the first row follows.
 *
 * FXP_CONV2D_LOOP_S16_DSP_LANES(name, taps, products, row_bytes, even, shift, saturate, bits) defines a function of
 * type fxp_conv2d_loop_dsp_lanes: plain numbers but saturate, which is usat or ssat; products a multiple of 4 and at
 * most 256, row_bytes at most 4095, even is 1 for an even number of rows, 0 <= shift <= 20.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_CONV2D_LOOP_S16_DSP_LANES_H
#define FXP_CONV2D_LOOP_S16_DSP_LANES_H

#include "nn/dsp/fxp_conv2d_products_dsp.h"
#include "nn/dsp/fxp_dsp.h"
#include "nn/fxp_little_endian.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* r0 panel, r1 weights, r2 r3 accumulator of c0, r4 r5 of c1, r6 to lr as in FXP_CONV2D_PRODUCTS_DSP; stack: weights,
 * where rows 2j - 1 and 2j go, output_end, sign. */
#define FXP_CONV2D_LOOP_S16_DSP_LANES(name, taps, products, row_bytes, even, shift, saturate, bits)                    \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *panel,                                                                 \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) const fxp_word *output_end                                                             \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "mov r4, r3\n"                                                                                             \
            "mov r3, r2\n"                                                                                             \
            "mov r5, #0x80000000\n"                                                                                    \
            "push {r1-r5}\n"                                                                                           \
            "ldrd r3, r5, [r1, #8]\n"                                                                                  \
            "1:\n"                                                                                                     \
            "ldrd r6, r7, [r1], #8\n"                                                                                  \
            "add r2, r6, r3, lsr #10\n"                                                                                \
            "add r4, r7, r5, lsr #10\n"                                                                                \
            "ldrd r3, r5, [r1], #8\n"                                                                                  \
            FXP_CONV2D_PRODUCTS_DSP("r2", "r3", "r4", "r5", products)                                                  \
            "subw r0, r0, #4 * (" #products " - " #taps ")\n"                                                          \
            "ldm sp, {r1, r10-r12, lr}\n"                                                                              \
            "eor r6, lr, r2, lsl #11\n"                                                                                \
            "eor r7, lr, r3, lsl #22\n"                                                                                \
            "eor r8, lr, r4, lsl #11\n"                                                                                \
            "eor r9, lr, r5, lsl #22\n"                                                                                \
            "orr r7, r7, r2, lsr #10\n"                                                                                \
            "orr r9, r9, r4, lsr #10\n"                                                                                \
            #saturate " r6, #" #bits ", r6, asr #11 + " #shift "\n"                                                    \
            #saturate " r7, #" #bits ", r7, asr #11 + " #shift "\n"                                                    \
            #saturate " r8, #" #bits ", r8, asr #11 + " #shift "\n"                                                    \
            #saturate " r9, #" #bits ", r9, asr #11 + " #shift "\n"                                                    \
            "pkhbt r6, r6, r8, lsl #16\n"                                                                              \
            "pkhbt r7, r7, r9, lsl #16\n"                                                                              \
            "str r6, [r10]\n"                                                                                          \
            ".if " #even "\n"                                                                                          \
            "cmp r11, r12\n"                                                                                           \
            "it ne\n"                                                                                                  \
            "strne r7, [r11]\n"                                                                                        \
            ".else\n"                                                                                                  \
            "str r7, [r11]\n"                                                                                          \
            ".endif\n"                                                                                                 \
            "addw r10, r11, #" #row_bytes "\n"                                                                         \
            "addw r11, r10, #" #row_bytes "\n"                                                                         \
            "strd r10, r11, [sp, #4]\n"                                                                                \
            "cmp r10, r12\n"                                                                                           \
            "blo.w 1b\n"                                                                                               \
            "add sp, sp, #20\n"                                                                                        \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_CONV2D_LOOP_S16_DSP_LANES(name, taps, products, row_bytes, even, shift, saturate, bits)                    \
    static void name(const fxp_word *panel, const uint32_t *weights, fxp_word *output, const fxp_word *output_end) {   \
        fxp_conv2d_s16_twin(                                                                                           \
            panel, weights, output, output_end, taps, products, (row_bytes) / 4, fxp_##saturate(shift, bits)           \
        );                                                                                                             \
    }

/* The code of the lane that begins at a bit. */
static inline int32_t fxp_conv2d_s16_code(uint64_t lanes, int32_t bit, fxp_requantization to) {
    return fxp_requantize((int32_t)(lanes >> bit & 0x1fffffu) - 0x100000, to);
}

static inline void fxp_conv2d_s16_twin(
    const fxp_word *panel,
    const uint32_t *weights,
    fxp_word *output,
    const fxp_word *output_end,
    int32_t taps,
    int32_t products,
    int32_t row_words,
    fxp_requantization to
) {
    uint64_t lanes[2] = {(uint64_t)weights[2] << 32, (uint64_t)weights[3] << 32};
    fxp_word *upper = output;
    fxp_word *lower = output;
    while (upper < output_end) {
        const uint32_t *w = weights + 4;
        for (int32_t c = 0; c < 2; ++c) {
            lanes[c] = (uint64_t)weights[2 + c] << 32 | (uint32_t)(weights[c] + (uint32_t)(lanes[c] >> 42));
        }
        for (int32_t i = 0; i < products; ++i) {
            lanes[0] += (uint64_t)((int64_t)(int32_t)panel[i] * (int32_t)*w++);
            lanes[1] += (uint64_t)((int64_t)(int32_t)panel[i] * (int32_t)*w++);
        }
        *upper = fxp_halves(fxp_conv2d_s16_code(lanes[0], 0, to), fxp_conv2d_s16_code(lanes[1], 0, to));
        if (lower < output_end) {
            *lower = fxp_halves(fxp_conv2d_s16_code(lanes[0], 21, to), fxp_conv2d_s16_code(lanes[1], 21, to));
        }
        upper = lower + row_words;
        lower = upper + row_words;
        panel += taps;
    }
}

#endif

#endif
