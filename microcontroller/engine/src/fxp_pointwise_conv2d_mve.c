/*
 * 1x1 convolution with stride 1 on vectors, two positions at a time; a dense layer is one of one position.
 *
 * input    [positions][input_channels]
 * weights  as fxp_vector_products.h draws them, input channels filled up to whole vectors with zeros
 * output   planes (fxp_mve.h), or [positions][output channels]
 * scratch  two positions' input, copied where it is no whole number of vectors, then two positions' output, where
 *          channels aren't a multiple of four
 *
 * Positions are read where they lie: nothing is copied for the loop's sake. The last of an odd number is computed twice.
 */
#include "fxp_engine.h"
#include "fxp_vector_output.h"

void fxp_pointwise_conv2d_mve(
    const fxp_pointwise_conv2d_mve_args *args, const void *input, void *output, void *scratch
) {
    const fxp_vector_matrix matrix = {
        .weights = args->weights,
        .weights_end = args->weights + args->weights_words,
        .products = args->products,
        .offsets = args->offsets
    };
    const int32_t depth = args->input_channels;
    const int32_t whole = FXP_VECTOR * args->vectors;
    int8_t *const copies = scratch;
    const int8_t *in = input;
    int8_t *out = (int8_t *)output + args->output.first;
    const int32_t step = args->output.copied > 0 ? args->output.copied : args->output.step;

    fxp_part_planes(&args->output, output);
    for (int32_t position = 0; position < args->positions; position += 2) {
        const int8_t *position0 = in;
        const int8_t *position1 = position + 1 < args->positions ? in + depth : in;
        if (depth != whole) {
            const int32_t another = position1 != position0 ? whole : 0;
            fxp_copy(position0, copies, depth);
            fxp_zero(copies + depth, whole - depth);
            fxp_copy(position1, copies + another, depth);
            fxp_zero(copies + another + depth, whole - depth);
            position0 = copies;
            position1 = copies + another;
        }
        fxp_two_positions(&matrix, &args->output, position0, position1, out, copies + 2 * whole);
        in += 2 * depth;
        out += 2 * step;
    }
}
