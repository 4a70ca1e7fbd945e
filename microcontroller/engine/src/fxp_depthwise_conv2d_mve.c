/*
 * Depthwise 3x3 convolution on vectors.
 *
 * input    planes (fxp_mve.h)
 * weights  as fxp_plane_windows.h draws them
 * output   [output position][channels]
 */
#include "fxp_engine.h"

void fxp_depthwise_conv2d_mve(const fxp_depthwise_conv2d_mve_args *args, const void *input, void *output) {
    args->windows(
        (const int8_t *)input + args->first, args->weights, args->weights + args->weights_words, output, args->offsets
    );
}
