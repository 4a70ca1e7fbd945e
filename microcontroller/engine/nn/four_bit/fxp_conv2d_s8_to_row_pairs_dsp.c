/*
 * 2-D convolution from int8 to row pairs for depthwise without lead, a row pair at a time.
 *
 * input    int8 [input.height][input.width][input.channels]
 * weights  as fxp_conv2d_s8_to_s16_dsp.c and fxp_matrix_loop_s16_dsp.h draw them
 * output   row pairs for depthwise, lead 0
 * scratch  the position pair, [step]{ p0 | p1 | p0 | p1 }, the outputs of both positions as int16, then the input with
 *          its padding, int8, 3 bytes more than its rows
 *
 * The weights of codes beyond a row of the window are 0.
 */
#include "nn/dsp/fxp_position_pair_s8.h"
#include "nn/four_bit/fxp_position_pair_row_pairs.h"

void fxp_conv2d_s8_to_row_pairs_dsp(
    const fxp_conv2d_s8_to_row_pairs_dsp_args *args, const void *input, void *output, void *scratch
) {
    fxp_word *const position_pair = scratch;
    fxp_word *const out0 = position_pair + args->position_pair_words;
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
            fxp_position_pair_s8(args, window, window + row, position_pair);
            args->loop(position_pair, args->weights, weights_end, out0, out1);
            fxp_row_pair_depthwise(out0, out1, out, args->output_words);
            out += args->output_words;
            window += column;
        }
    }
}
