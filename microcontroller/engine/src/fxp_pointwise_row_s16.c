/*
 * 1x1 convolution of a stream's rows, int16 activations: two positions at a time, and the last of an odd number alone.
 *
 * input    [positions][input_words]
 * weights  as fxp_pair_products.h draws them
 * output   [positions][output_words]; overlaps not the input
 * scratch  [step]{ p0 | p1 | p0 | p1 }: two positions, interleaved word by word for the inner loop
 */
#include "fxp_interleave.h"
#include "fxp_stream.h"

void fxp_pointwise_row_s16(const fxp_pointwise_row_s16_args *args, const void *input, void *output, void *scratch) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *out = output;

    for (int32_t pairs = args->positions / 2; pairs > 0; --pairs) {
        fxp_interleave(in, in + args->input_words, scratch, args->input_words);
        args->products(scratch, args->weights, weights_end, out, out + args->output_words);
        in += 2 * args->input_words;
        out += 2 * args->output_words;
    }
    if (args->positions % 2 != 0) {
        args->single(in, args->weights, weights_end, out);
    }
}
