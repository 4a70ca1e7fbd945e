/*
 * 1x1 convolution with stride 1: one matrix product over all positions, FXP_PACKED_POSITIONS of them at a time.
 *
 * input    int8 [positions][input_channels]
 * weights  as the loop draws them
 * output   int8 [positions][output_channels]
 * scratch  [step][position]{ x0 + 2^16 x1 }
 *
 * Works in place where output_channels <= input_channels: a block's inputs are copied before its outputs are written.
 */
#include "nn/packed/fxp_packed_block.h"

void fxp_pointwise_conv2d_s8_packed(
    const fxp_pointwise_conv2d_s8_packed_args *args, const void *input, void *output, void *scratch
) {
    uint32_t *const codes = scratch;
    int8_t *outputs[FXP_PACKED_POSITIONS];
    const fxp_packed_block block = {codes, args->steps, args->output_channels, outputs};
    const int32_t last = args->positions - 1;

    fxp_packed_clear(codes, args->steps);
    for (int32_t first = 0; first <= last; first += FXP_PACKED_POSITIONS) {
        for (int32_t i = 0; i < FXP_PACKED_POSITIONS; ++i) {
            const int32_t position = first + i < last ? first + i : last;
            const int8_t *const in = (const int8_t *)input + position * args->input_channels;
            fxp_packed_copy(in, 1, args->input_channels, 0, codes + i);
            outputs[i] = (int8_t *)output + position * args->output_channels;
        }
        args->loop(&block, args->weights, args->bias);
    }
}
