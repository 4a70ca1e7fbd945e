/*
 * Average pooling over all positions as a sum and a shift, on row pairs for depthwise.
 *
 * output   int16 [channels]
 *
 * The two rows of a channel are the lanes of a word, summed at once: codes of four bits, and the plan proves that all of
 * them fit 16 bits.
 */
#include "fxp_dsp.h"
#include "fxp_row_pairs.h"

/* The channel pairs of a word at `column` to two sums each: rows of pairs that are not the tensor's are taken off. */
static uint32_t outside(const fxp_average_pool_pairs_args *args, const fxp_word *column, int32_t channel) {
    const int32_t words = args->channels / 2;
    const int32_t row_words = args->width * words;
    const int32_t row_pairs = (args->height + args->lead + 1) / 2;
    const fxp_word *last = column + (row_pairs - 1) * row_words;
    uint32_t sum = 0;
    for (int32_t x = 0; x < args->width; ++x) {
        sum += args->lead ? column[x * words] >> (8 * channel) & 0xffu : 0;
        sum += (args->height + args->lead) % 2 ? last[x * words] >> (16 + 8 * channel) & 0xffu : 0;
    }
    return sum;
}

static int32_t
average(const fxp_average_pool_pairs_args *args, const fxp_word *column, int32_t channel, uint32_t sums) {
    const uint32_t sum = (sums & 0xffffu) + (sums >> 16) - outside(args, column, channel);
    return fxp_requantize((int32_t)sum + args->bias, args->requantization);
}

void fxp_average_pool_pairs(const fxp_average_pool_pairs_args *args, const void *input, void *output) {
    const int32_t words = args->channels / 2;
    const int32_t positions = (args->height + args->lead + 1) / 2 * args->width;
    const fxp_word *column = input;
    fxp_word *out = output;

    for (int32_t word = 0; word < words; word += 2) {
        uint32_t sum0 = 0;
        uint32_t sum1 = 0;
        uint32_t sum2 = 0;
        uint32_t sum3 = 0;
        const fxp_word *in = column;
        for (int32_t position = 0; position < positions; ++position) {
            sum0 = fxp_uxtab16(sum0, in[0]);
            sum1 = fxp_uxtab16_ror8(sum1, in[0]);
            sum2 = fxp_uxtab16(sum2, in[1]);
            sum3 = fxp_uxtab16_ror8(sum3, in[1]);
            in += words;
        }
        *out++ = fxp_halves(average(args, column, 0, sum0), average(args, column, 1, sum1));
        ++column;
        *out++ = fxp_halves(average(args, column, 0, sum2), average(args, column, 1, sum3));
        ++column;
    }
}
