/*
 * The depthwise loop of fxp_depthwise_conv2d_s8_packed.c where every sum fits 16 bits: two output rows in one
 * multiplication. z = 2^16:
 *
 *     (x0 + x1 z) w  =  x0w + x1w z            x0, x1: codes of one column in two input rows, as far apart as two outputs'
 *
 *     | sum of row y + 1, 16 bits | sum of row y, 16 bits, 2^15 higher |
 *
 *     codes    [row][column]{ x0 + x1 z }, the panel
 *     weights  { bias (1 + z) + 2^15 | 9 weights, int32 }
 *
 * The lower lane begins 2^15 higher, so it never borrows from the upper one. The last row pair begins at the last row but
 * one: some outputs are written twice.
 *
 *     9 times LDR, LDR, MLA; 2 USAT, UXTH, SUB, 2 STRB; about 6 besides                  39 for 18 MAC: 2.2
 *     Cortex-M0+: 9 times LDR, LDR, MULS, ADDS; about 22 besides                         58 for 18 MAC: 3.2
 *
 * FXP_DEPTHWISE_LOOP_S8_PACKED_LANES(name, shift, lowest, highest)     codes of -lowest to highest
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_S8_PACKED_LANES_H
#define FXP_DEPTHWISE_LOOP_S8_PACKED_LANES_H

#include "nn/packed/fxp_packed_window.h"

#define FXP_DEPTHWISE_LOOP_S8_PACKED_LANES(name, shift, lowest, highest)                                               \
    static void name(const fxp_packed_panel *panel, const void *codes, const uint32_t *weights, int8_t *output) {      \
        const fxp_packed_panel at = *panel;                                                                            \
        const uint32_t *column = codes;                                                                                \
        for (int32_t x = at.width; x > 0; --x) {                                                                       \
            fxp_packed_walk walk = {column, output, at.height >> 1};                                                   \
            do {                                                                                                       \
                const uint32_t sums = fxp_packed_window(walk.window, at.pitch, weights + 1, weights[0]);               \
                walk.output[at.output_row] = fxp_packed_code(sums, 16 + (shift), lowest, highest);                     \
                *walk.output = fxp_packed_code((sums & 0xffffu) - 0x8000u, shift, lowest, highest);                    \
            } while (fxp_packed_next_rows(&walk, &at));                                                                \
            column += at.column_step;                                                                                  \
            output += at.output_channels;                                                                              \
        }                                                                                                              \
    }

#endif
