/*
 * 2-D convolution from int8 to int16 activations, two positions at a time.
 *
 * input    int8 [input.height][input.width][input.channels]
 * weights  as fxp_matrix_loop_s16_dsp.h draws them; products go [window row][groups of 4 codes of the row, the last one
 *          filled with zeros]{ codes 0, 2, 1, 3 }, which is how SXTB16 takes them apart
 * output   int16 [output.height][output.width][output_words * 2]
 * scratch  the position pair, [step]{ p0 | p1 | p0 | p1 }, then the input with its padding, int8, 3 bytes more than its
 *          rows
 *
 * The weights of codes beyond a row of the window are 0.
 */
#include "nn/dsp/fxp_position_pair_s8.h"

void fxp_conv2d_s8_to_s16_dsp(
    const fxp_conv2d_s8_to_s16_dsp_args *args, const void *input, void *output, void *scratch
) {
    fxp_word *const position_pair = scratch;
    int8_t *const padded = (int8_t *)(position_pair + args->position_pair_words);
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
                fxp_position_pair_s8(args, previous, window, position_pair);
                args->loop(position_pair, args->weights, weights_end, out, out + args->output_words);
                out += 2 * args->output_words;
                previous = NULL;
            }
            window += column;
        }
    }
    if (previous != NULL && args->single_loop != NULL) {
        const int32_t words = 2 * args->window_height * args->row_steps;
        fxp_position_pair_s8(args, previous, previous, position_pair);
        for (int32_t i = 1; i < words; ++i) {
            position_pair[i] = position_pair[2 * i];
        }
        args->single_loop(position_pair, args->weights, weights_end, out);
    } else if (previous != NULL) {
        fxp_position_pair_s8(args, previous, previous, position_pair);
        args->loop(position_pair, args->weights, weights_end, out, out);
    }
}
