/*
 * First convolution of a stream: rows of one input channel and int8 codes, horizontal stride 2, four products per
 * instruction. The rows that windows need again are kept as words, so that each is packed once.
 *
 * input    [rows * stride][input_width], int8
 * weights  as fxp_conv2d_loop_channel_rows_dsp_lanes.h draws them
 * output   channel rows [rows][channel]{ y0 y1 | y2 y3 | .. }
 * kept     [window_rows][width + 1], words as that header draws them
 */
#include "nn/stream/fxp_stream.h"

/* Columns `at` and two further on, 0 beyond the row's end. */
static fxp_word two_columns(const int8_t *row, int32_t width, int32_t at) {
    const uint32_t low = at < width ? (uint32_t)row[at] : 0;
    const uint32_t high = at + 2 < width ? (uint32_t)row[at + 2] : 0;
    return low + (high << 16);
}

static void pack_row(const fxp_conv2d_s8_to_channel_rows_dsp_lanes_args *args, const int8_t *row, fxp_word *to) {
    for (int32_t first = 1; first <= 2; ++first) {
        for (int32_t at = first; at < 2 * args->width - (first == 2); at += 4) {
            *to++ = two_columns(row, args->input_width, at);
        }
    }
    *to = (uint32_t)row[0] << 16;
}

void fxp_conv2d_s8_to_channel_rows_dsp_lanes(
    const fxp_conv2d_s8_to_channel_rows_dsp_lanes_args *args, const void *input, void *output, void *kept
) {
    const int32_t row_words = args->width + 1;
    const int32_t old_words = (args->window_rows - args->stride) * row_words;
    const int8_t *in = input;
    fxp_word *const rows = kept;
    fxp_word *out = output;

    for (int32_t row = 0; row < args->rows; ++row) {
        fxp_keep_rows(rows, (size_t)old_words * sizeof *rows, (size_t)(args->stride * row_words) * sizeof *rows);
        for (int32_t i = 0; i < args->stride; ++i) {
            pack_row(args, in, rows + old_words + i * row_words);
            in += args->input_width;
        }
        args->loop(rows, args->weights, out, args->weights + args->weights_words);
        out += args->output_words;
    }
}
