/*
 * Depthwise 3x3 convolution of a stream's rows, codes of at most seven bits without a sign: padding of 1 to the left and
 * right, none along time. What rows have added to outputs that are not complete yet is kept, not the rows.
 *
 * input    channel rows [rows][channel]{ x0 x1 | x2 x3 | .. }
 * weights  as fxp_depthwise_loop_position_pairs_dsp_lanes.h draws them
 * output   position pairs of each row
 * sums     [channel]{ of the next output row | of the one behind it }, sum_words each
 */
#include "nn/stream/fxp_stream.h"

void fxp_depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes(
    const fxp_depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes_args *args,
    const void *input,
    void *output,
    void *sums
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *out = output;

    for (int32_t row = 0; row < args->rows; ++row) {
        args->loop(in, args->weights, sums, out, weights_end);
        in += args->input_words;
        out += args->output_words;
    }
}

void fxp_begin_sums(void *sums, const fxp_depthwise_conv2d_channel_rows_to_position_pairs_dsp_lanes_args *args) {
    const int32_t words = args->sum_words;
    const int32_t channel_words = args->product_words + words;
    fxp_word *sum = sums;

    for (int32_t at = args->product_words; at < args->weights_words; at += channel_words) {
        for (int32_t i = 0; i < words; ++i) {
            sum[i] = args->weights[at + i];
            sum[words + i] = args->weights[at + i];
        }
        sum += 2 * words;
    }
}
