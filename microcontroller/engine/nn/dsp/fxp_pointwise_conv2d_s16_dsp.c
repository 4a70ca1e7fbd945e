/*
 * 1x1 convolution with stride 1, int16 activations, two positions at a time.
 *
 * input    [positions][input_words]
 * weights  as fxp_matrix_loop_s16_dsp.h draws them
 * output   [positions][output_words]; may begin where the input does
 * scratch  [step]{ p0 | p1 | p0 | p1 }: the two positions, interleaved word by word for the inner loop
 *
 * The copy to scratch is what allows work in place, and takes five instructions for eight words. The last of an odd
 * number of positions is computed twice.
 */
#include "nn/dsp/fxp_position_pair_s16.h"

void fxp_pointwise_conv2d_s16_dsp(
    const fxp_pointwise_conv2d_s16_dsp_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *out = output;

    for (int32_t position = 0; position < args->positions; position += 2) {
        const int32_t another = position + 1 < args->positions;
        fxp_position_pair_s16(in, in + another * args->input_words, scratch, args->input_words);
        args->loop(scratch, args->weights, weights_end, out, out + another * args->output_words);
        in += 2 * args->input_words;
        out += 2 * args->output_words;
    }
}
