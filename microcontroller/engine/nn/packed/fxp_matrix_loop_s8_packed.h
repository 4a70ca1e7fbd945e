/*
 * The matrix loop of fxp_pointwise_conv2d_s8_packed.c and fxp_conv2d_s8_packed.c for sums of any size: two products in one
 * multiplication, whose upper half is added. z = 2^16, everything modulo z^2:
 *
 *     ((x0 + x1 z) (w1 + w0 z) + round) >> 16  =  x0w0 + x1w1 + what round makes of x0w1, which is a constant
 *
 *     codes    [step][position]{ x0 + x1 z }                        of the positions of a block
 *     weights  [channel quad][step][4]{ w1 + w0 z }
 *     bias     [channel quad][4]                                    with what the two kinds below add up to, taken off
 *
 *     kind        codes      weights as stored      round
 *     unsigned    0 .. 127   w + offset >= 0        0            x0w1 and x0w0 + x1w1 both are 0 .. 2^16 - 1
 *     signed      any        w                      2^31 + 2^15  both are -2^15 .. 2^15 - 1
 *
 * which the plan proves of every two weights in a word. Where weights are stored with an offset, a sum is too
 * large by offset times the sum of a position's codes; that is taken off where the position begins.
 *
 *     Cortex-M3: 3 positions by 2 channels, 2 LDRD, LDR, 6 times MUL, ADD               15 for 12 MAC: 1.25
 *     Cortex-M0+: 4 positions by 1 channel, LDR, 4 times LDR, MULS, LSRS, ADDS          17 for  8 MAC: 2.13
 *     RV32IM: 4 positions by 4 channels, 8 LW, 16 times MUL, SRLI, ADD                  56 for 32 MAC: 1.75
 *
 * and, for the signed kind, MLA for MUL, or one ADD more.
 *
 * FXP_MATRIX_LOOP_S8_PACKED(name, unrolled, offset, round, shift, lowest, highest)     codes of -lowest to highest
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S8_PACKED_H
#define FXP_MATRIX_LOOP_S8_PACKED_H

#include "nn/packed/fxp_packed_matrix.h"

/* Minus offset times the sum of each position's codes, which are unsigned: at most 2^16 - 1 of even and of odd ones. */
FXP_PACKED_INLINE void fxp_packed_begin(const fxp_packed_block *block, uint32_t offset, uint32_t *begin) {
    for (int32_t position = 0; position < FXP_PACKED_POSITIONS; ++position) {
        const uint32_t *codes = block->codes + position;
        uint32_t sum = 0;
        for (int32_t step = 0; offset != 0 && step < block->steps; ++step) {
            sum += *codes;
            codes += FXP_PACKED_POSITIONS;
        }
        begin[position] = 0u - offset * ((sum & 0xffffu) + (sum >> 16));
    }
}

#define FXP_MATRIX_LOOP_S8_PACKED(name, unrolled, offset, round, shift, lowest, highest)                               \
    static void name(const fxp_packed_block *block, const uint32_t *weights, const uint32_t *bias) {                   \
        uint32_t begin[FXP_PACKED_POSITIONS];                                                                          \
        fxp_packed_begin(block, offset, begin);                                                                        \
        fxp_packed_matrix(block, weights, bias, begin, (fxp_packed_sums){unrolled, 1, round, shift, lowest, highest}); \
    }

#endif
