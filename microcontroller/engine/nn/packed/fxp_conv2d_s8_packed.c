/*
 * 2-D convolution, any window, stride and padding: windows copied side by side, FXP_PACKED_POSITIONS of them at a time,
 * and a matrix product.
 *
 * input    int8 [input.height][input.width][input.channels]
 * weights  as the loop draws them; steps go [window row][two codes of the row, the last one with 0 where they are odd]
 * output   int8 [output.height][output.width][output.channels]
 * scratch  [step][position]{ x0 + 2^16 x1 }, then the input with its padding, int8
 */
#include "nn/dsp/fxp_pad.h"
#include "nn/packed/fxp_packed_block.h"

void fxp_conv2d_s8_packed(const fxp_conv2d_s8_packed_args *args, const void *input, void *output, void *scratch) {
    uint32_t *const codes = scratch;
    int8_t *const padded = (int8_t *)(codes + args->steps * FXP_PACKED_POSITIONS);
    int8_t *outputs[FXP_PACKED_POSITIONS];
    const fxp_packed_block block = {codes, args->steps, args->output.channels, outputs};
    const int32_t depth = args->input.channels;
    const int32_t row_bytes = args->padded_width * depth;
    const int32_t width = args->output.width;
    const int32_t last = args->output.height * width - 1;
    int32_t y = 0;
    int32_t x = 0;

    fxp_pad(args->input, args->padding, row_bytes, args->padded_height * row_bytes, input, padded);
    fxp_packed_clear(codes, args->steps);
    for (int32_t first = 0; first <= last; first += FXP_PACKED_POSITIONS) {
        for (int32_t i = 0; i < FXP_PACKED_POSITIONS; ++i) {
            const int32_t top = y * args->stride.vertical;
            const int32_t left = x * args->stride.horizontal;
            const int8_t *const window = padded + top * row_bytes + left * depth;
            fxp_packed_copy(window, args->window.height, args->window.width * depth, row_bytes, codes + i);
            outputs[i] = (int8_t *)output + (y * width + x) * args->output.channels;
            if (first + i < last) {
                x = x + 1 < width ? x + 1 : 0;
                y = x == 0 ? y + 1 : y;
            }
        }
        args->loop(&block, args->weights, args->bias);
    }
}
