/*
 * One output of a depthwise 3x3 convolution on a panel, from a row pair's upper row downwards: what the loops for
 * stride 1 and 2 share. fxp_x and fxp_at are the offsets of input and output, fxp_panel_row the bytes of a row pair.
 *
 *     weights  [channel]{ w00w10 | w10w20 | w01w11 | w11w21 | w02w12 | w12w22 | bias }      w<row><column>
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_OUTPUT_S16_DSP_H
#define FXP_DEPTHWISE_OUTPUT_S16_DSP_H

#include "nn/dsp/fxp_dsp.h"
#include "nn/fxp_little_endian.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* One output, of rows 2i to 2i + 2: r0 panel, r1 output, r2 r3 r11 input words, r4 to r9 weights, r10 sum. */
#define FXP_DEPTHWISE_OUTPUT(bias, shift, saturate, bits)                                                              \
    "ldrd r2, r3, [r0, #fxp_x]\n"                                                                                      \
    "ldr r11, [r0, #fxp_x + 8]\n"                                                                                      \
    "smlad r10, r2, r4, " bias "\n"                                                                                    \
    "smlad r10, r3, r6, r10\n"                                                                                         \
    "smlad r10, r11, r8, r10\n"                                                                                        \
    "ldrd r2, r3, [r0, #fxp_x + fxp_panel_row]\n"                                                                      \
    "ldr r11, [r0, #fxp_x + fxp_panel_row + 8]\n"                                                                      \
    "smlabt r10, r2, r5, r10\n"                                                                                        \
    "smlabt r10, r3, r7, r10\n"                                                                                        \
    "smlabt r10, r11, r9, r10\n"                                                                                       \
    #saturate " r10, #" #bits ", r10, asr #" #shift "\n"                                                               \
    "strh r10, [r1, #fxp_at]\n"
// clang-format on

#else

/* The sum under a window of rows 2i to 2i + 2. */
static inline int32_t fxp_depthwise_sum(const fxp_word *upper, const fxp_word *lower, const uint32_t *weights) {
    int32_t sum = (int32_t)weights[6];
    for (int32_t column = 0; column < 3; ++column) {
        sum = fxp_smlad(upper[column], weights[2 * column], sum);
        sum += fxp_low(lower[column]) * fxp_high(weights[2 * column + 1]);
    }
    return sum;
}

#endif

#endif
