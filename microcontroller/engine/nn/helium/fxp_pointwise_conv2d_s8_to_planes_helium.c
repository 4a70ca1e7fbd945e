/*
 * 1x1 convolution with stride 1 on vectors, of at most 64 input channels, sixteen positions at a time.
 *
 * input    [positions][input channels], which are whole vectors, at a multiple of 4 bytes
 * weights  as fxp_matrix_loop_planes_helium.h draws them
 * output   planes (fxp_helium.h)
 *
 * Positions are read where they lie.
 */
#include "nn/helium/fxp_matrix_output_helium.h"

void fxp_pointwise_conv2d_s8_to_planes_helium(
    const fxp_pointwise_conv2d_s8_to_planes_helium_args *args, const void *input, void *output
) {
    const uint32_t *const weights_end = args->weights + args->weights_words;
    int8_t *const out = (int8_t *)output + args->first;

    fxp_zero(out - args->zeros, args->zeros);
    args->loop(input, args->units, args->weights, weights_end, out, 1);
}
