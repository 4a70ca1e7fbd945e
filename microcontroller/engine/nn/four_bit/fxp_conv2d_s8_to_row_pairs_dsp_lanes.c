/*
 * First convolution of one input channel to five columns of row row_pairs, horizontal stride 2, four products per
 * instruction.
 *
 * input    int8 [input_height][input_width]
 * weights  as fxp_conv2d_loop_row_pairs_dsp_lanes_row.h draws them
 * output   row row_pairs for depthwise
 * scratch  the input with its padding above and below, two rows at a time as the loop reads them, from an even row on; at
 *          an odd vertical stride once more from an odd row on
 */
#include "nn/four_bit/fxp_four_bit.h"

enum { COLUMNS = 10, ENDS = 2, ROW_WORDS = 4, ROW_PAIR_WORDS = ENDS + 2 * ROW_WORDS };

static fxp_word two(const int8_t *codes) {
    return (uint32_t)codes[0] + ((uint32_t)codes[2] << 16);
}

/* Row `row` of all of the row pairs. */
static void pack_row(const int8_t *codes, fxp_word *row_pairs, int32_t row) {
    const int32_t second = row % 2;
    fxp_word *const row_pair = row_pairs + ROW_PAIR_WORDS * (row / 2);
    fxp_code16 *const ends = (fxp_code16 *)row_pair + second;
    fxp_word *const words = row_pair + ENDS + ROW_WORDS * second;
    ends[0] = codes[9];
    ends[2] = codes[0];
    words[0] = two(codes + 1);
    words[1] = two(codes + 5);
    words[2] = two(codes + 2);
    words[3] = two(codes + 6);
}

/* Row pairs that are of the padding, or of which a row is. */
static void clear(fxp_word *row_pairs, int32_t from, int32_t to) {
    memset(row_pairs + ROW_PAIR_WORDS * from, 0, sizeof(fxp_word) * (size_t)(ROW_PAIR_WORDS * (to - from)));
}

/* Rows from `top` on, which is -1 where the first one is left out. */
static void
pack(const fxp_conv2d_s8_to_row_pairs_dsp_lanes_args *args, const int8_t *in, fxp_word *row_pairs, int32_t top) {
    const int32_t end = top + args->input_rows;
    const int32_t width = args->input_width;
    int8_t codes[COLUMNS] = {0};

    clear(row_pairs, 0, (top + 1) / 2);
    clear(row_pairs, end / 2, args->row_pairs);
    for (int32_t row = top; row < end; ++row) {
        if (row >= 0 && width == COLUMNS) {
            pack_row(in, row_pairs, row);
        } else if (row >= 0) {
            memcpy(codes, in, (size_t)width);
            pack_row(codes, row_pairs, row);
        }
        in += width;
    }
}

void fxp_conv2d_s8_to_row_pairs_dsp_lanes(
    const fxp_conv2d_s8_to_row_pairs_dsp_lanes_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const int32_t odd_words = ROW_PAIR_WORDS * args->row_pairs;
    fxp_word *const row_pairs = scratch;
    fxp_code16 *const out = output;

    pack(args, input, row_pairs, args->top);
    if (args->stride % 2 != 0) {
        pack(args, input, row_pairs + odd_words, args->top - 1);
    }
    for (int32_t y = 0; y < args->height; ++y) {
        const int32_t first = y * args->stride;
        const int32_t row = args->lead + y;
        const fxp_word *const window = row_pairs + first % 2 * odd_words + first / 2 * ROW_PAIR_WORDS;
        args->loop(window, args->weights, weights_end, out + row / 2 * args->row_codes + row % 2);
    }
}
