/*
 * From int16 to int8 activations.
 *
 * input   [height][width][channels rounded up to FXP_CHANNEL_BLOCK]
 * output  [height][width][channels]; may begin where the input does
 */
#include "nn/dsp/fxp_dsp.h"

/* Codes of positions whose channels come in blocks. */
static void unpack_blocks(const fxp_word *in, int8_t *out, int32_t blocks) {
    for (; blocks > 0; --blocks) {
        const uint32_t c01 = fxp_first_low(in[0]);
        const uint32_t c23 = fxp_first_low(in[1]);
        fxp_store_codes(out, (fxp_lows(c01, c23) & 0x00ff00ffu) | (fxp_highs(c01, c23) & 0x00ff00ffu) << 8);
        in += FXP_CHANNEL_BLOCK / 2;
        out += FXP_CHANNEL_BLOCK;
    }
}

void fxp_unpack_s16(fxp_shape shape, const void *input, void *output) {
    const int32_t positions = shape.height * shape.width;
    const int32_t added = (FXP_CHANNEL_BLOCK - shape.channels % FXP_CHANNEL_BLOCK) % FXP_CHANNEL_BLOCK;
    const fxp_code16 *in = input;
    int8_t *out = output;

    if (added == 0) {
        unpack_blocks(input, output, positions * shape.channels / FXP_CHANNEL_BLOCK);
        return;
    }
    for (int32_t position = 0; position < positions; ++position) {
        for (int32_t channel = 0; channel < shape.channels; ++channel) {
            *out++ = (int8_t)*in++;
        }
        in += added;
    }
}
