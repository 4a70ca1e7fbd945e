/*
 * 1x1 convolution of a stream's rows, int16 activations that are unsigned codes of at most seven bits, four products per
 * instruction: two positions at a time, and the last of an odd number alone.
 *
 * input    [positions][input_words]
 * weights  as fxp_matrix_loop_row_pairs_dsp_lanes.h draws them
 * output   [positions][output_words]; may begin where the input does
 * scratch  two positions, [input_words]{ p0 | p1 }
 */
#include "nn/dsp/fxp_position_pair_s16.h"
#include "nn/stream/fxp_stream.h"

#include <string.h>

void fxp_pointwise_conv2d_s16_rows_dsp_lanes(
    const fxp_pointwise_conv2d_s16_rows_dsp_lanes_args *args, const void *input, void *output, void *scratch
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *out = output;

    for (int32_t position_pairs = args->positions / 2; position_pairs > 0; --position_pairs) {
        fxp_position_pair_s16(in, in + args->input_words, scratch, args->input_words);
        args->loop(scratch, args->weights, weights_end, out, out + args->output_words);
        in += 2 * args->input_words;
        out += 2 * args->output_words;
    }
    if (args->positions % 2 != 0) {
        if (input == output) {
            memcpy(scratch, in, (size_t)args->input_words * sizeof *in);
            in = scratch;
        }
        args->single_loop(in, args->weights, weights_end, out);
    }
}
