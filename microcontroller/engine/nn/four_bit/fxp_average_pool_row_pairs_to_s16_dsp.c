/*
 * Average pooling over all positions as a sum and a shift, on row pairs for depthwise.
 *
 * output   int16 [channels]
 *
 * The two rows of a channel are the lanes of a word, summed at once: the plan proves that all of them fit 16 bits.
 */
#include "nn/four_bit/fxp_four_bit.h"

/* Of two channel pairs. */
typedef struct {
    uint32_t sums[4];
} pool_sums;

/* Adds `count` positions, of each of which only the rows in `mask`. */
static inline pool_sums add(pool_sums to, const fxp_word *in, int32_t words, int32_t count, uint32_t mask) {
    const fxp_word *const end = in + count * words;
    while (in < end) {
        const uint32_t first = in[0] & mask;
        const uint32_t second = in[1] & mask;
        to.sums[0] = fxp_uxtab16(to.sums[0], first);
        to.sums[1] = fxp_uxtab16_ror8(to.sums[1], first);
        to.sums[2] = fxp_uxtab16(to.sums[2], second);
        to.sums[3] = fxp_uxtab16_ror8(to.sums[3], second);
        in += words;
    }
    return to;
}

static int32_t average(const fxp_average_pool_row_pairs_to_s16_dsp_args *args, uint32_t sums) {
    return fxp_requantize((int32_t)((sums & 0xffffu) + (sums >> 16)) + args->bias, args->requantization);
}

void fxp_average_pool_row_pairs_to_s16_dsp(
    const fxp_average_pool_row_pairs_to_s16_dsp_args *args, const void *input, void *output
) {
    const int32_t words = args->channels / 2;
    const int32_t width = args->width;
    const int32_t upper_only =
        (args->height + args->lead) % 2; /* in the last row pair; lower only in the first, with a lead */
    const int32_t whole = (args->height - args->lead) / 2 * width;
    const fxp_word *column = input;
    fxp_word *out = output;

    for (int32_t word = 0; word < words; word += 2) {
        const fxp_word *in = column;
        pool_sums all = {{0, 0, 0, 0}};
        if (args->lead) {
            all = add(all, in, words, width, 0xffff0000u);
            in += width * words;
        }
        all = add(all, in, words, whole, 0xffffffffu);
        if (upper_only) {
            all = add(all, in + whole * words, words, width, 0x0000ffffu);
        }
        *out++ = fxp_halves(average(args, all.sums[0]), average(args, all.sums[1]));
        *out++ = fxp_halves(average(args, all.sums[2]), average(args, all.sums[3]));
        column += 2;
    }
}
