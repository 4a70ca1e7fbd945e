/*
 * From int16 to int8 activations.
 *
 * input   [height][width][channels rounded up to FXP_CHANNEL_BLOCK]
 * output  [height][width][channels]; may begin where the input does
 */
#include "nn/dsp/fxp_dsp.h"

void fxp_unpack_s16(fxp_shape shape, const void *input, void *output) {
    const int32_t positions = shape.height * shape.width;
    const int32_t added = (FXP_CHANNEL_BLOCK - shape.channels % FXP_CHANNEL_BLOCK) % FXP_CHANNEL_BLOCK;
    const fxp_code16 *in = input;
    int8_t *out = output;

    for (int32_t position = 0; position < positions; ++position) {
        for (int32_t channel = 0; channel < shape.channels; ++channel) {
            *out++ = (int8_t)*in++;
        }
        in += added;
    }
}
