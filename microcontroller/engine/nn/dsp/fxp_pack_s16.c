/*
 * From int8 to int16 activations.
 *
 * input   [height][width][channels]
 * output  [height][width][channels rounded up to FXP_CHANNEL_BLOCK], added channels 0; may begin where the input does
 *
 * It goes backwards, since the output grows over the input.
 */
#include "nn/dsp/fxp_dsp.h"

void fxp_pack_s16(fxp_shape shape, const void *input, void *output) {
    const int32_t positions = shape.height * shape.width;
    const int32_t added = (FXP_CHANNEL_BLOCK - shape.channels % FXP_CHANNEL_BLOCK) % FXP_CHANNEL_BLOCK;
    const int8_t *in = (const int8_t *)input + positions * shape.channels;
    fxp_code16 *out = (fxp_code16 *)output + positions * (shape.channels + added);

    for (int32_t position = 0; position < positions; ++position) {
        for (int32_t channel = 0; channel < added; ++channel) {
            *--out = 0;
        }
        for (int32_t channel = 0; channel < shape.channels; ++channel) {
            *--out = *--in;
        }
    }
}
