/*
 * First convolution of one input channel to five columns of row pairs, horizontal stride 2, four products per
 * instruction.
 *
 * input    int8 [input_height][input_width]
 * weights  as fxp_conv2d_loop_row_pairs_dsp_lanes_row.h draws them
 * output   row pairs for depthwise
 * scratch  the input with its padding above and below, [padded_rows]{ x1 x3 | x5 x7 | x9 | x2 x4 | x6 x8 | - x0 }
 */
#include "nn/four_bit/fxp_four_bit.h"

enum { COLUMNS = 10, ROW_WORDS = 6 };

static fxp_word two(const int8_t *codes) {
    return (uint32_t)codes[0] + ((uint32_t)codes[2] << 16);
}

static void pack_row(const int8_t *codes, fxp_word *words) {
    const int32_t x9 = codes[9];
    words[0] = two(codes + 1);
    words[1] = two(codes + 5);
    words[2] = (uint32_t)x9;
    words[3] = two(codes + 2);
    words[4] = two(codes + 6);
    words[5] = (uint32_t)codes[0] << 16;
}

static void pack(const fxp_conv2d_s8_to_row_pairs_dsp_lanes_args *args, const int8_t *in, fxp_word *rows) {
    fxp_word *row = rows + ROW_WORDS * args->top;
    memset(rows, 0, sizeof(fxp_word) * (size_t)(ROW_WORDS * args->padded_rows));
    if (args->input_width == COLUMNS) {
        for (int32_t y = 0; y < args->input_rows; ++y) {
            pack_row(in, row);
            in += COLUMNS;
            row += ROW_WORDS;
        }
    } else {
        int8_t codes[COLUMNS] = {0};
        for (int32_t y = 0; y < args->input_rows; ++y) {
            memcpy(codes, in, (size_t)args->input_width);
            pack_row(codes, row);
            in += args->input_width;
            row += ROW_WORDS;
        }
    }
}

void fxp_conv2d_s8_to_row_pairs_dsp_lanes(
    const fxp_conv2d_s8_to_row_pairs_dsp_lanes_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *rows = scratch;
    fxp_code16 *const out = output;

    pack(args, input, scratch);
    for (int32_t row = args->lead; row < args->lead + args->height; ++row) {
        args->loop(rows, args->weights, weights_end, out + row / 2 * args->row_codes + row % 2);
        rows += ROW_WORDS * args->stride;
    }
}
