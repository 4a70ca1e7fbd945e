/*
 * 1x1 convolution with stride 1, int16 activations of at most 7 bits without a sign, four products per instruction.
 *
 * input    [positions][input_words]
 * weights  as fxp_matrix_loop_s16_dsp_lanes.h draws them
 * output   [positions][output_words]; may begin where the input does
 * scratch  [channel] p0 + 2^14 p1: what allows work in place
 *
 * The last of an odd number of positions is computed twice.
 */
#include "nn/dsp/fxp_combined_positions.h"

void fxp_pointwise_conv2d_s16_dsp_lanes(
    const fxp_pointwise_conv2d_s16_dsp_lanes_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *out = output;

    for (int32_t position = 0; position < args->positions; position += 2) {
        const int32_t another = position + 1 < args->positions;
        fxp_combined_positions(in, in + another * args->input_words, scratch, args->input_words);
        args->loop(scratch, args->weights, weights_end, out, out + another * args->output_words);
        in += 2 * args->input_words;
        out += 2 * args->output_words;
    }
}
