/*
 * 1x1 convolution with stride 1 on row pairs, four products per instruction, in lanes that end where halfwords do.
 *
 * input    row pairs for pointwise
 * weights  as fxp_matrix_loop_row_pairs_dsp_lanes_halves.h draws them
 * output   row pairs for depthwise, the same lead; may begin where the input does
 * scratch  two positions for the loop; then, where one row of a row pair is not the tensor's, that row as row pairs
 *
 * The two positions are the rows of a row pair. Where one of the rows is not the tensor's, they are two columns of the
 * other, which are brought together as if they were rows.
 */
#include "nn/four_bit/fxp_position_pair_row_pairs.h"

/* The upper row of both columns. */
static void join_upper(const fxp_word *first, const fxp_word *second, fxp_word *joined, int32_t words) {
    const fxp_word *const end = first + words;
    while (first < end) {
        joined[0] = (first[0] & 0x00ff00ffu) | (second[0] & 0x00ff00ffu) << 8;
        joined[1] = (first[1] & 0x00ff00ffu) | (second[1] & 0x00ff00ffu) << 8;
        first += 2;
        second += 2;
        joined += 2;
    }
}

/* The lower one. */
static void join_lower(const fxp_word *first, const fxp_word *second, fxp_word *joined, int32_t words) {
    const fxp_word *const end = first + words;
    while (first < end) {
        joined[0] = (first[0] >> 8 & 0x00ff00ffu) | (second[0] & 0xff00ff00u);
        joined[1] = (first[1] >> 8 & 0x00ff00ffu) | (second[1] & 0xff00ff00u);
        first += 2;
        second += 2;
        joined += 2;
    }
}

/* A row pair of which only one row is the tensor's: 0 the upper one, 1 the lower one. */
static void half_row_pairs(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves_args *args,
    const fxp_word *in,
    fxp_word *out,
    fxp_word *scratch,
    int32_t row
) {
    const int32_t words = args->input_words;
    fxp_word *const joined = scratch + 2 * words;
    fxp_word *end = joined;
    for (int32_t x = 0; x < args->width; x += 2) {
        const fxp_word *const first = in + x * words;
        const fxp_word *const second = x + 1 < args->width ? first + words : first;
        (row == 0 ? join_upper : join_lower)(first, second, end, words);
        end += words;
    }
    args->loop(joined, end, args->weights, args->weights + args->weights_words, out, scratch);
    fxp_spread_columns(out, args->width, row, args->output_words);
}

void fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves(
    const fxp_pointwise_conv2d_row_pairs_dsp_lanes_halves_args *args, const void *input, void *output, void *scratch
) {
    const fxp_word *in = input;
    fxp_word *out = output;
    const int32_t whole = (args->height - args->lead) / 2 * args->width;

    if (args->lead) {
        half_row_pairs(args, in, out, scratch, 1);
        in += args->width * args->input_words;
        out += args->width * args->output_words;
    }
    if (whole > 0) {
        const fxp_word *const end = in + whole * args->input_words;
        args->loop(in, end, args->weights, args->weights + args->weights_words, out, scratch);
        in = end;
        out += whole * args->output_words;
    }
    if ((args->height - args->lead) % 2 != 0) {
        half_row_pairs(args, in, out, scratch, 0);
    }
}
