/*
 * 1x1 convolution with stride 1 on row pairs, two products per instruction.
 *
 * input    row pairs for 1x1
 * weights  as fxp_pair_products.h draws them
 * output   row pairs for depthwise, the same lead; may begin where the input does
 * scratch  the two positions of a word as int16, interleaved for the inner loop, then their outputs as int16
 */
#include "fxp_position_pair.h"

void fxp_pointwise_conv2d_pairs(
    const fxp_pointwise_conv2d_pairs_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *out = output;
    fxp_word *const out0 = (fxp_word *)scratch + args->pair_words;
    fxp_word *const out1 = out0 + args->output_words;

    for (int32_t pair = 0; pair < args->pairs; ++pair) {
        fxp_position_pair(in, scratch, args->input_words);
        args->products(scratch, args->weights, weights_end, out0, out1);
        fxp_depthwise_pair(out0, out1, out, args->output_words);
        in += args->input_words;
        out += args->output_words;
    }
}
