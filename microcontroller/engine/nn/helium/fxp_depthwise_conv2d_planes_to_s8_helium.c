/*
 * Depthwise 3x3 convolution on vectors.
 *
 * input    planes (fxp_helium.h)
 * weights  as fxp_depthwise_loop_planes_helium.h draws them
 * output   [output position][channels]
 */
#include "nn/helium/fxp_helium.h"

void fxp_depthwise_conv2d_planes_to_s8_helium(
    const fxp_depthwise_conv2d_planes_to_s8_helium_args *args, const void *input, void *output
) {
    args->loop(
        (const int8_t *)input + args->first, args->weights, args->weights + args->weights_words, output, args->offsets
    );
}
