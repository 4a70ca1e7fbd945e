/*
 * The depthwise loop of fxp_depthwise_conv2d_s8_packed_taps.c where a channel's sums are narrow: a column of the window, three
 * weights, lies in one word, and a code times it adds to the sums of three output rows. z = 2^lane_bits:
 *
 *     x (w2 + w1 z + w0 z^2)
 *
 *     | sum of row y, from w0 | sum of row y - 1, from w1 | sum of row y - 2, from w2 |         x: a code of input row y
 *           32 - 2 lane_bits           lane_bits                  lane_bits
 *
 * The lowest lane is then complete: out it goes, and the others move down by one lane. No code is loaded twice for its
 * column, and weights stay in registers.
 *
 *     codes    uint8 [row][column][4], four channels' panels, of which the loop runs on one
 *     weights  { columns 0, 1, 2 as above | begin | bias, less what begin has added to the lowest lane }
 *
 * Each step adds begin, the magnitude of the least that it can add to each lane: no lane is ever negative, so none borrows.
 * That each holds its greatest sum is what the plan proves.
 *
 *     3 times LDRB, MLA; ADD with the shift; UBFX, ADD, USAT, STRB; 2 ADD, SUBS, BNE          15 for 9 MAC: 1.67
 *     Cortex-M0+: 3 times LDRB, MULS, ADDS; about 13 besides                                  22 for 9 MAC: 2.4
 *
 * FXP_DEPTHWISE_LOOP_S8_PACKED_TAPS(name, lane_bits, shift, lowest, highest)     codes of -lowest to highest
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_S8_PACKED_TAPS_H
#define FXP_DEPTHWISE_LOOP_S8_PACKED_TAPS_H

#include "nn/packed/fxp_packed_block.h"

/* The lanes after one more input row. */
FXP_PACKED_INLINE uint32_t
fxp_packed_taps_step(uint32_t sums, const uint8_t *row, const uint32_t *weights, int32_t lane_bits) {
    sums = (sums >> lane_bits) + weights[3];
    sums += row[0] * weights[0];
    FXP_PACKED_KEEP(sums);
    sums += row[4] * weights[1];
    FXP_PACKED_KEEP(sums);
    sums += row[8] * weights[2];
    return sums;
}

#define FXP_DEPTHWISE_LOOP_S8_PACKED_TAPS(name, lane_bits, shift, lowest, highest)                                     \
    static void name(const fxp_packed_panel *panel, const void *codes, const uint32_t *weights, int8_t *output) {      \
        const uint32_t words[4] = {weights[0], weights[1], weights[2], weights[3]};                                    \
        const uint32_t bias = weights[4];                                                                              \
        const int32_t pitch = 4 * panel->pitch;                                                                        \
        const int32_t output_row = panel->output_row;                                                                  \
        const uint8_t *column = codes;                                                                                 \
        for (int32_t x = panel->width; x > 0; --x) {                                                                   \
            const uint8_t *row = column;                                                                               \
            int8_t *out = output;                                                                                      \
            uint32_t sums = fxp_packed_taps_step(0, row, words, lane_bits);                                            \
            sums = fxp_packed_taps_step(sums, row + pitch, words, lane_bits);                                          \
            row += 2 * pitch;                                                                                          \
            for (int32_t y = panel->height; y > 0; --y) {                                                              \
                sums = fxp_packed_taps_step(sums, row, words, lane_bits);                                              \
                row += pitch;                                                                                          \
                *out = fxp_packed_code((sums & ((1u << (lane_bits)) - 1u)) + bias, shift, lowest, highest);            \
                out += output_row;                                                                                     \
            }                                                                                                          \
            column += 4;                                                                                               \
            output += panel->output_channels;                                                                          \
        }                                                                                                              \
    }

#endif
