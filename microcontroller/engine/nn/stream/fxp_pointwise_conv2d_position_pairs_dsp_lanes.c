/*
 * 1x1 convolution of a stream's rows, unsigned codes of at most seven bits in position pairs, four products per
 * instruction: nothing is copied for the loop, and the last of an odd number of positions is computed alone.
 *
 * input    position pairs [rows]{ [width / 2][word]{ p0 | p1 }, [word] of the last position }
 * weights  as fxp_matrix_loop_row_pairs_dsp_lanes.h draws them
 * output   channel rows, or int16 [rows][width][channels]: what the loops write
 */
#include "nn/stream/fxp_stream.h"

void fxp_pointwise_conv2d_position_pairs_dsp_lanes(
    const fxp_pointwise_conv2d_position_pairs_dsp_lanes_args *args, const void *input, void *output
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *row = output;

    for (int32_t rows = args->rows; rows > 0; --rows) {
        fxp_word *out = row;
        for (int32_t position_pairs = args->width / 2; position_pairs > 0; --position_pairs) {
            args->loop(in, args->weights, weights_end, out, out + args->position_words);
            in += 2 * args->input_words;
            out += args->position_pair_words;
        }
        if (args->single_loop != NULL) {
            args->single_loop(in, args->weights, weights_end, out);
            in += args->input_words;
        }
        row += args->output_words;
    }
}
