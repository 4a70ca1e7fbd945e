/*
 * The matrix loop of fxp_pointwise_conv2d_s8_packed.c and fxp_conv2d_s8_packed.c where every sum fits 16 bits: two products
 * in one multiplication, and nothing else to do with it. z = 2^16, everything modulo z^2:
 *
 *     (x0 + x1 z) (w1 + w0 z)  =  x0w1 + (x0w0 + x1w1) z
 *
 *     | sum of x0w0 + x1w1, 16 bits | sum of x0w1, 16 bits |        the upper lane is the layer's sum
 *
 *     codes    [step][position]{ x0 + x1 z }                        of the positions of a block
 *     weights  [channel quad][step][4]{ w1 + w0 z }
 *     bias     [channel quad][4]{ bias z - the least sum of x0w1 }
 *
 * The lower lane is of no use. It begins high enough never to borrow from the upper one, and stays within 16 bits: the plan
 * proves that, and that the upper lane holds the layer's sum. On the way to it they may leave both lanes.
 *
 *     Cortex-M3: 3 positions by 2 channels, 2 LDRD, LDR, 6 MLA                            9 for 12 MAC: 0.75
 *     Cortex-M0+: 4 positions by 1 channel, LDR, 4 times LDR, MULS, ADDS                 13 for  8 MAC: 1.63
 *     RV32IM: 4 positions by 4 channels, 8 LW, 16 times MUL, ADD                         40 for 32 MAC: 1.25
 *
 * FXP_MATRIX_LOOP_S8_PACKED_LANES(name, unrolled, shift, lowest, highest)     codes of -lowest to highest
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S8_PACKED_LANES_H
#define FXP_MATRIX_LOOP_S8_PACKED_LANES_H

#include "nn/packed/fxp_packed_matrix.h"

#define FXP_MATRIX_LOOP_S8_PACKED_LANES(name, unrolled, shift, lowest, highest)                                        \
    static void name(const fxp_packed_block *block, const uint32_t *weights, const uint32_t *bias) {                   \
        static const uint32_t nothing[FXP_PACKED_POSITIONS];                                                           \
        fxp_packed_matrix(                                                                                             \
            block, weights, bias, nothing, (fxp_packed_sums){unrolled, 0, 0, 16 + (shift), lowest, highest}            \
        );                                                                                                             \
    }

#endif
