/*
 * 1x1 convolution with stride 1 on vectors, two positions at a time; a dense layer is one of one position.
 *
 * input    [positions][input_channels]
 * weights  as fxp_matrix_loop_s8_helium.h draws them, input channels filled up to whole vectors with zeros
 * output   planes (fxp_helium.h), or [positions][output channels]
 * scratch  two positions' input, copied where it is no whole number of vectors, then two positions' output, where
 *          channels aren't a multiple of four
 *
 * Positions are read where they lie: nothing is copied for the loop's sake. The last of an odd number is computed
 * twice.
 */
#include "nn/helium/fxp_matrix_output_helium.h"

void fxp_pointwise_conv2d_s8_helium(
    const fxp_pointwise_conv2d_s8_helium_args *args, const void *input, void *output, void *scratch
) {
    const fxp_matrix matrix = {
        .weights = args->weights,
        .weights_end = args->weights + args->weights_words,
        .loop = args->loop,
        .offsets = args->offsets
    };
    const int32_t depth = args->input_channels;
    const int32_t whole = FXP_VECTOR * args->vectors;
    const int32_t step = args->output.copied > 0 ? args->output.copied : args->output.step;
    int8_t *const copies = scratch;
    int8_t *const target = copies + 2 * whole;
    const int8_t *in = input;
    int8_t *out = (int8_t *)output + args->output.first;

    fxp_part_planes(&args->output, output);
    if (depth == whole) {
        int32_t position = 0;
        for (; position < args->positions - 1; position += 2) {
            fxp_matrix_positions(&matrix, &args->output, in, in + depth, out, target);
            in += 2 * depth;
            out += 2 * step;
        }
        if (position < args->positions) {
            fxp_matrix_positions(&matrix, &args->output, in, in, out, target);
        }
        return;
    }
    fxp_zero(copies, 2 * whole);
    for (int32_t position = 0; position < args->positions; position += 2) {
        const int32_t another = position + 1 < args->positions;
        fxp_copy(in, copies, depth);
        fxp_copy(in + another * depth, copies + another * whole, depth);
        fxp_matrix_positions(&matrix, &args->output, copies, copies + another * whole, out, target);
        in += 2 * depth;
        out += 2 * step;
    }
}
