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

enum { BYTES_0_AND_2 = 0x00ff00ff };

void fxp_average_pool_pairs(const fxp_average_pool_pairs_args *args, const void *input, void *output) {
    const int32_t words = args->channels / 2;
    const int32_t row_words = args->width * words;
    const int32_t row_pairs = (args->height + args->lead + 1) / 2;
    /* Of the first and the last pair, only the rows that are the tensor's. */
    const uint32_t first_mask = args->lead ? 0xffff0000u : 0xffffffffu;
    const uint32_t last_mask = (args->height + args->lead) % 2 ? 0x0000ffffu : 0xffffffffu;
    fxp_word *out = output;

    for (int32_t word = 0; word < words; ++word) {
        const fxp_word *in = (const fxp_word *)input + word;
        const fxp_word *const end = in + row_pairs * row_words;
        uint32_t sum0 = 0;
        uint32_t sum1 = 0;
        for (int32_t x = 0; x < args->width; ++x) {
            const uint32_t first = in[x * words] & ~first_mask;
            const uint32_t last = in[(row_pairs - 1) * row_words + x * words] & ~last_mask;
            sum0 -= (first & BYTES_0_AND_2) + (last & BYTES_0_AND_2);
            sum1 -= (first >> 8 & BYTES_0_AND_2) + (last >> 8 & BYTES_0_AND_2);
        }
        for (; in < end; in += words) {
            sum0 += *in & BYTES_0_AND_2;
            sum1 += *in >> 8 & BYTES_0_AND_2;
        }
        const int32_t c0 = (int32_t)((sum0 & 0xffffu) + (sum0 >> 16)) + args->bias;
        const int32_t c1 = (int32_t)((sum1 & 0xffffu) + (sum1 >> 16)) + args->bias;
        *out++ = fxp_halves(fxp_requantize(c0, args->requantization), fxp_requantize(c1, args->requantization));
    }
}
