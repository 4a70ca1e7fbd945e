/*
 * The depthwise loop of fxp_depthwise_conv2d_s8_packed.c for sums of any size: one product in a multiplication.
 *
 *     codes    [row][column], int32, the panel
 *     weights  { bias | 9 weights, int32 }
 *
 *     3 times 3 LDRD, 3 LDR, 6 MLA; 2 USAT, 2 STRB; about 6 besides                      46 for 18 MAC: 2.6
 *     Cortex-M0+: 9 times 3 LDR, 2 MULS, 2 ADDS; about 25 besides                        88 for 18 MAC: 4.9
 *
 * FXP_DEPTHWISE_LOOP_S8_PACKED(name, shift, lowest, highest)     codes of -lowest to highest
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_S8_PACKED_H
#define FXP_DEPTHWISE_LOOP_S8_PACKED_H

#include "nn/packed/fxp_packed_window.h"

#define FXP_DEPTHWISE_LOOP_S8_PACKED(name, shift, lowest, highest)                                                     \
    static void name(const fxp_packed_panel *panel, const void *codes, const uint32_t *weights, int8_t *output) {      \
        const fxp_packed_panel at = *panel;                                                                            \
        const uint32_t *column = codes;                                                                                \
        for (int32_t x = at.width; x > 0; --x) {                                                                       \
            fxp_packed_walk walk = {column, output, at.height >> 1};                                                   \
            do {                                                                                                       \
                uint32_t upper = weights[0];                                                                           \
                uint32_t lower = upper;                                                                                \
                fxp_packed_windows(walk.window, &at, weights + 1, &upper, &lower);                                     \
                *walk.output = fxp_packed_code(upper, shift, lowest, highest);                                         \
                walk.output[at.output_row] = fxp_packed_code(lower, shift, lowest, highest);                           \
            } while (fxp_packed_next_rows(&walk, &at));                                                                \
            column += at.column_step;                                                                                  \
            output += at.output_channels;                                                                              \
        }                                                                                                              \
    }

#endif
