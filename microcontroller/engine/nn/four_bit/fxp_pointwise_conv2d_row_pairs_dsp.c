/*
 * 1x1 convolution with stride 1 on row pairs, two products per instruction.
 *
 * input    row pairs for pointwise
 * weights  as fxp_matrix_loop_s16_dsp.h draws them
 * output   row pairs for depthwise, the same lead; may begin where the input does
 * scratch  the two positions of a word as int16, interleaved for the inner loop, then their outputs as int16
 */
#include "nn/four_bit/fxp_position_pair_row_pairs.h"

void fxp_pointwise_conv2d_row_pairs_dsp(
    const fxp_pointwise_conv2d_row_pairs_dsp_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *out = output;
    fxp_word *const out0 = (fxp_word *)scratch + args->position_pair_words;
    fxp_word *const out1 = out0 + args->output_words;

    for (int32_t i = 0; i < args->position_pairs; ++i) {
        fxp_position_pair_row_pairs(in, scratch, args->input_words, args->code_at);
        args->loop(scratch, args->weights, weights_end, out0, out1);
        fxp_row_pair_depthwise(out0, out1, out, args->output_words);
        in += args->input_words;
        out += args->output_words;
    }
}
