/*
 * The walk of both matrix loops of this folder: over channel quads, and in each of them over four or eight steps at a time.
 *
 *     codes    [step][position]{ x0 + x1 z }                z = 2^16
 *     weights  [channel quad][step][4]{ w1 + w0 z }
 *     bias     [channel quad][4]
 *
 * The last channel quad begins at the last channel but three, so that it is whole: some outputs are written twice.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_PACKED_MATRIX_H
#define FXP_PACKED_MATRIX_H

#include "nn/packed/fxp_packed_block.h"

/* What a loop does with a product and a sum; constants of the loop. */
typedef struct {
    int32_t unrolled; /* steps that are written out: 4 or 8, of which the steps are a multiple */
    int32_t upper;    /* whether a sum is of the products' upper halves, and not of whole products */
    uint32_t round;   /* added to a product before */
    int32_t code_bit; /* of a sum, at which the code begins */
    int32_t lowest;   /* codes of -lowest */
    int32_t highest;  /* to highest */
} fxp_packed_sums;

FXP_PACKED_INLINE uint32_t fxp_packed_product(fxp_packed_sums sums, uint32_t codes, uint32_t weights) {
    const uint32_t product = codes * weights + sums.round;
    return sums.upper ? product >> 16 : product;
}

// clang-format off: a line for each part of a block
#if FXP_PACKED_POSITIONS == 3
#define FXP_PACKED_POSITION(do, channel) do(0, channel) do(1, channel) do(2, channel)
#else
#define FXP_PACKED_POSITION(do, channel) do(0, channel) do(1, channel) do(2, channel) do(3, channel)
#endif
#if FXP_PACKED_CHANNELS == 1
#define FXP_PACKED_CHANNEL(do, step) do(0, step)
#elif FXP_PACKED_CHANNELS == 2
#define FXP_PACKED_CHANNEL(do, step) do(0, step) do(1, step)
#else
#define FXP_PACKED_CHANNEL(do, step) do(0, step) do(1, step) do(2, step) do(3, step)
#endif

#define FXP_PACKED_OUTPUT(position, _) int8_t *const output##position = block->outputs[position];

#define FXP_PACKED_BEGIN(position, channel) uint32_t s##position##channel = bias[channel] + begin[position];
#define FXP_PACKED_BEGIN_CHANNEL(channel, _) FXP_PACKED_POSITION(FXP_PACKED_BEGIN, channel)

#define FXP_PACKED_CODES(position, step) const uint32_t x##position = codes[(step) * FXP_PACKED_POSITIONS + position];
#define FXP_PACKED_WEIGHTS(channel, step) const uint32_t w##channel = w4[4 * (step) + channel];
#define FXP_PACKED_ADD(position, channel)                                                                              \
    s##position##channel += fxp_packed_product(sums, x##position, w##channel);                                         \
    FXP_PACKED_KEEP(s##position##channel);
#define FXP_PACKED_ADD_CHANNEL(channel, _) FXP_PACKED_POSITION(FXP_PACKED_ADD, channel)
#define FXP_PACKED_STEP(step) {                                                                                        \
        FXP_PACKED_POSITION(FXP_PACKED_CODES, step)                                                                    \
        FXP_PACKED_CHANNEL(FXP_PACKED_WEIGHTS, step)                                                                   \
        if (FXP_PACKED_POSITIONS == 3) {                                                                               \
            FXP_PACKED_FENCE;                                                                                          \
        }                                                                                                              \
        FXP_PACKED_CHANNEL(FXP_PACKED_ADD_CHANNEL, 0)                                                                  \
        if (FXP_PACKED_CHANNELS > 1 || sums.upper) {                                                                   \
            FXP_PACKED_FENCE;                                                                                          \
        }                                                                                                              \
    }

#define FXP_PACKED_STORE(position, channel)                                                                            \
    output##position[output + channel] =                                                                               \
        fxp_packed_code(s##position##channel, sums.code_bit, sums.lowest, sums.highest);
#define FXP_PACKED_STORE_CHANNEL(channel, _) FXP_PACKED_POSITION(FXP_PACKED_STORE, channel)
// clang-format on

/* begin: of each position, added to every channel's bias. */
FXP_PACKED_INLINE void fxp_packed_matrix(
    const fxp_packed_block *block,
    const uint32_t *weights,
    const uint32_t *bias,
    const uint32_t *begin,
    fxp_packed_sums sums
) {
    const int32_t last = block->channels - 4;
    const uint32_t *const codes_end = block->codes + block->steps * FXP_PACKED_POSITIONS;
    FXP_PACKED_POSITION(FXP_PACKED_OUTPUT, 0)

    for (int32_t first = 0;; first += 4) {
        first = first < last ? first : last;
        for (int32_t output = first; output < first + 4; output += FXP_PACKED_CHANNELS) {
            const uint32_t *codes = block->codes;
            const uint32_t *w4 = weights;
            FXP_PACKED_CHANNEL(FXP_PACKED_BEGIN_CHANNEL, 0)
            do {
                FXP_PACKED_STEP(0)
                FXP_PACKED_STEP(1)
                FXP_PACKED_STEP(2)
                FXP_PACKED_STEP(3)
                if (sums.unrolled == 8) {
                    FXP_PACKED_STEP(4)
                    FXP_PACKED_STEP(5)
                    FXP_PACKED_STEP(6)
                    FXP_PACKED_STEP(7)
                }
                codes += sums.unrolled * FXP_PACKED_POSITIONS;
                w4 += 4 * sums.unrolled;
            } while (codes != codes_end);
            FXP_PACKED_CHANNEL(FXP_PACKED_STORE_CHANNEL, 0)
            weights += FXP_PACKED_CHANNELS;
            bias += FXP_PACKED_CHANNELS;
        }
        if (first == last) {
            return;
        }
        weights += 4 * (block->steps - 1);
    }
}

#endif
