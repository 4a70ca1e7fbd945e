/*
 * Average pooling over all positions as a sum and a shift, on row pairs for depthwise.
 *
 * output   int16 [channels]
 *
 * The two rows of a channel are the halves of a word, summed at once: the plan proves that all of them fit 16 bits. Where
 * a row of a row pair is not the tensor's, its half is cleared: of the first row pair, before others are added; of the
 * last one, after the sums so far are all in the other half.
 */
#include "nn/four_bit/fxp_four_bit.h"

/* Of a loop's words. */
enum { MAX_SUMS = 8 };

static void clear_lower(uint32_t *sums, int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
        sums[i] &= 0xffff0000u;
    }
}

static void to_lower(uint32_t *sums, int32_t count) {
    for (int32_t i = 0; i < count; ++i) {
        sums[i] = (sums[i] & 0xffffu) + (sums[i] >> 16);
    }
}

void fxp_average_pool_row_pairs_to_s16_dsp(
    const fxp_average_pool_row_pairs_to_s16_dsp_args *args, const void *input, void *output
) {
    const fxp_requantization requantization = args->requantization;
    const int32_t bias = args->bias;
    const int32_t count = 2 * args->words_at_once;
    const int32_t words = args->channels / 2;
    const int32_t row_words = args->width * words;
    const int32_t whole_words = (args->height - args->lead) / 2 * row_words;
    const fxp_word *column = input;
    const fxp_word *const column_end = column + words;
    fxp_word *out = output;

    for (; column < column_end; column += args->words_at_once) {
        uint32_t sums[MAX_SUMS] = {0};
        const fxp_word *in = column;
        if (args->lead) {
            args->loop(in, in + row_words, sums);
            clear_lower(sums, count);
            in += row_words;
        }
        if (whole_words > 0) {
            args->loop(in, in + whole_words, sums);
            in += whole_words;
        }
        to_lower(sums, count);
        if ((args->height - args->lead) % 2 != 0) {
            args->loop(in, in + row_words, sums);
        }
        for (int32_t i = 0; i < count; i += 2) {
            const int32_t first = fxp_requantize((int32_t)(sums[i] & 0xffffu) + bias, requantization);
            const int32_t second = fxp_requantize((int32_t)(sums[i + 1] & 0xffffu) + bias, requantization);
            *out++ = fxp_halves(first, second);
        }
    }
}
