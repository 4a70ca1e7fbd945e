/*
 * 1x1 convolution with stride 1, int16 activations, four positions at a time.
 *
 * input    [positions][input_words]
 * weights  as fxp_matrix_loop_s16_dsp.h draws them
 * output   [positions][output_words]; may begin where the input does
 * scratch  [4][input_words]; or two positions, interleaved for the loop of the last ones
 *
 * The copy to scratch is what allows work in place. What is left of the positions goes two by two, the last of an odd
 * number twice.
 */
#include "nn/dsp/fxp_copied_words.h"
#include "nn/dsp/fxp_position_pair_s16.h"

void fxp_pointwise_conv2d_s16_dsp_wide(
    const fxp_pointwise_conv2d_s16_dsp_wide_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const int32_t words = args->input_words;
    const fxp_word *in = input;
    fxp_word *out = output;
    int32_t left = args->positions;

    for (; left >= 4; left -= 4) {
        fxp_copied_words(in, scratch, 4 * words);
        args->loop(scratch, args->weights, weights_end, out);
        in += 4 * words;
        out += 4 * args->output_words;
    }
    for (; left > 0; left -= 2) {
        const int32_t another = left > 1;
        fxp_position_pair_s16(in, in + another * words, scratch, words);
        args->last_loop(scratch, args->weights, weights_end, out, out + another * args->output_words);
        in += 2 * words;
        out += 2 * args->output_words;
    }
}
