/*
 * 1x1 convolution with stride 1 on row pairs, four products per instruction.
 *
 * input    row pairs for pointwise
 * weights  as fxp_matrix_loop_row_pairs_dsp_lanes.h draws them
 * output   row pairs for depthwise, the same lead; may begin where the input does
 * scratch  two positions as int16, interleaved for the inner loop: what allows work in place
 *
 * The two positions are the rows of a row pair. Where one of the rows is not the tensor's, they are two columns of the
 * other.
 */
#include "nn/four_bit/fxp_position_pair_row_pairs.h"

/* A row pair of which only one row is the tensor's: 0 the upper one, 1 the lower one. */
static void half_row_pairs(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_args *args,
    const fxp_word *in,
    fxp_word *out,
    fxp_word *scratch,
    int32_t row
) {
    for (int32_t x = 0; x < args->width; x += 2) {
        const int32_t another = x + 1 < args->width;
        fxp_position_pair_columns(in, in + another * args->input_words, row, scratch, args->input_words, args->code_at);
        args->loop(scratch, args->weights, args->weights + args->weights_words, out);
        fxp_spread_columns(out, 1 + another, row, args->output_words);
        in += 2 * args->input_words;
        out += 2 * args->output_words;
    }
}

void fxp_pointwise_conv2d_row_pairs_dsp_lanes(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_args *args, const void *input, void *output, void *scratch
) {
    const fxp_word *in = input;
    fxp_word *out = output;
    const int32_t in_words = args->input_words;
    const int32_t out_words = args->output_words;
    const uint32_t *const weights = args->weights;
    const uint32_t *const weights_end = weights + args->weights_words;
    fxp_matrix_loop_row_pairs_dsp_lanes *const loop = args->loop;

    if (args->lead) {
        half_row_pairs(args, in, out, scratch, 1);
        in += args->width * in_words;
        out += args->width * out_words;
    }
    for (int32_t whole = (args->height - args->lead) / 2 * args->width; whole > 0; --whole) {
        fxp_position_pair_row_pairs(in, scratch, in_words, args->code_at);
        loop(scratch, weights, weights_end, out);
        in += in_words;
        out += out_words;
    }
    if ((args->height - args->lead) % 2 != 0) {
        half_row_pairs(args, in, out, scratch, 0);
    }
}
