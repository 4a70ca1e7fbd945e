/*
 * 2-D convolution from int8 to row pairs for depthwise without lead, a pair of rows at a time.
 *
 * input    int8 [input.height][input.width][input.channels]
 * weights  as fxp_conv2d_s16.c and fxp_pair_products.h draw them
 * output   row pairs for depthwise, lead 0
 * scratch  the pair, [step]{ p0 | p1 | p0 | p1 }, the outputs of both positions as int16, then the input with its padding,
 *          int8, 3 bytes more than its rows
 *
 * The weights of codes beyond a row of the window are 0.
 */
#include "fxp_position_pair.h"
#include "fxp_window_pair.h"

void fxp_conv2d_pairs(const fxp_conv2d_pairs_args *args, const void *input, void *output, void *scratch) {
    fxp_word *const pair = scratch;
    fxp_word *const out0 = pair + args->pair_words;
    fxp_word *const out1 = out0 + args->output_words;
    int8_t *const padded = (int8_t *)(out1 + args->output_words);
    const int32_t row = args->stride.vertical * args->padded_width * args->input.channels;
    const int32_t column = args->stride.horizontal * args->input.channels;
    const uint32_t *const weights_end = args->weights + args->weights_words;
    fxp_word *out = output;

    fxp_pad_windows(args, input, padded);
    for (int32_t y = 0; y < args->output.height; y += 2) {
        const int8_t *window = padded + y * row;
        for (int32_t x = 0; x < args->output.width; ++x) {
            fxp_window_pair(args, window, window + row, pair);
            args->products(pair, args->weights, weights_end, out0, out1);
            fxp_depthwise_pair(out0, out1, out, args->output_words);
            out += args->output_words;
            window += column;
        }
    }
}
