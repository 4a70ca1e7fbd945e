/*
 * 2-D convolution from int8 to int16 activations, two positions at a time.
 *
 * input    int8 [input.height][input.width][input.channels]
 * weights  as fxp_pair_products.h draws them; products go [window row][groups of 4 codes of the row, the last one filled
 *          with zeros]{ codes 0, 2, 1, 3 }, which is how SXTB16 takes them apart
 * output   int16 [output.height][output.width][output_words * 2]
 * scratch  the pair, [step]{ p0 | p1 | p0 | p1 }, then the input with its padding, int8, 3 bytes more than its rows
 *
 * The weights of codes beyond a row of the window are 0.
 */
#include "fxp_window_pair.h"

void fxp_conv2d_s16(const fxp_conv2d_s16_args *args, const void *input, void *output, void *scratch) {
    fxp_word *const pair = scratch;
    int8_t *const padded = (int8_t *)(pair + args->pair_words);
    const int32_t row = args->stride.vertical * args->padded_width * args->input.channels;
    const int32_t column = args->stride.horizontal * args->input.channels;
    const uint32_t *const weights_end = args->weights + args->weights_words;
    fxp_word *out = output;
    const int8_t *previous = NULL;

    fxp_pad_windows(args, input, padded);
    for (int32_t y = 0; y < args->output.height; ++y) {
        const int8_t *window = padded + y * row;
        for (int32_t x = 0; x < args->output.width; ++x) {
            if (previous == NULL) {
                previous = window;
            } else {
                fxp_window_pair(args, previous, window, pair);
                args->products(pair, args->weights, weights_end, out, out + args->output_words);
                out += 2 * args->output_words;
                previous = NULL;
            }
            window += column;
        }
    }
    if (previous != NULL) {
        fxp_window_pair(args, previous, previous, pair);
        args->products(pair, args->weights, weights_end, out, out);
    }
}
