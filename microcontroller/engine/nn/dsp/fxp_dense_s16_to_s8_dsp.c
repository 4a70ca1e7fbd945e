/*
 * Dense layer from int16 activations to int8 codes.
 *
 * input    [words]
 * weights  [outputs][words], two codes in a word
 * output   [outputs]
 *
 * Two words at a time: their number is a multiple of two, as channels are one of FXP_CHANNEL_BLOCK.
 */
#include "nn/dsp/fxp_dsp.h"

#include <assert.h>

static_assert(FXP_CHANNEL_BLOCK % 4 == 0, "positions must be an even number of words");

void fxp_dense_s16_to_s8_dsp(const fxp_dense_s16_to_s8_dsp_args *args, const void *input, void *output) {
    const uint32_t *w = args->weights;
    int8_t *out = output;

    for (int32_t i = 0; i < args->outputs; ++i) {
        const fxp_word *in = input;
        const uint32_t *const end = w + args->words;
        int32_t sum = args->bias[i];
        while (w < end) {
            sum = fxp_smlad(fxp_first_low(in[0]), w[0], sum);
            sum = fxp_smlad(fxp_first_low(in[1]), w[1], sum);
            in += 2;
            w += 2;
        }
        *out++ = fxp_requantize(sum, args->requantization);
    }
}
