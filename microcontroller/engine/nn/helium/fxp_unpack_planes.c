/*
 * From planes to int8.
 *
 * input   planes (fxp_helium.h)
 * output  [height][width][channels]; must not overlap the input
 */
#include "nn/helium/fxp_helium.h"

void fxp_unpack_planes(fxp_shape shape, const void *input, void *output) {
    const int32_t positions = shape.height * shape.width;
    const int8_t *plane = (const int8_t *)input + shape.width + 1;
    int8_t *out = output;

    for (int32_t channel = 0; channel < shape.channels; ++channel) {
        for (int32_t position = 0; position < positions; ++position) {
            out[position * shape.channels + channel] = plane[position];
        }
        plane += positions + shape.width;
    }
}
