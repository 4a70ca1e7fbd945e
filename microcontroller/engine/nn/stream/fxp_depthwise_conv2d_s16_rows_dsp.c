/*
 * Depthwise 3x3 convolution of a stream's rows, int16 activations: padding of 1 to the left and right, none along time.
 *
 * input    [rows + 2][width][channels]
 * weights  as fxp_depthwise_loop_s16_rows_dsp.h draws them
 * output   [rows][width][channels]; may begin where the input does
 */
#include "nn/stream/fxp_stream.h"

void fxp_depthwise_conv2d_s16_rows_dsp(
    const fxp_depthwise_conv2d_s16_rows_dsp_args *args, const void *input, void *output
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    const fxp_word *in = input;
    fxp_word *out = output;

    for (int32_t row = 0; row < args->rows; ++row) {
        args->loop(in, args->weights, out, weights_end);
        in += args->row_words;
        out += args->row_words;
    }
}
