/*
 * From int8 to int16 activations.
 *
 * input   [height][width][channels]
 * output  [height][width][channels rounded up to FXP_CHANNEL_BLOCK], added channels 0; may begin where the input does
 *
 * It goes backwards, since the output grows over the input.
 */
#include "nn/dsp/fxp_dsp.h"

/* Codes of a position whose channels come in blocks, from their ends on downwards. */
static void pack_blocks(const int8_t *in, fxp_word *out, int32_t blocks) {
    for (; blocks > 0; --blocks) {
        in -= FXP_CHANNEL_BLOCK;
        out -= FXP_CHANNEL_BLOCK / 2;
        const uint32_t codes = fxp_load_codes(in);
        const uint32_t even = fxp_sxtb16(codes);
        const uint32_t odd = fxp_sxtb16_ror8(codes);
        out[1] = fxp_first_low(fxp_highs(even, odd));
        out[0] = fxp_first_low(fxp_lows(even, odd));
    }
}

void fxp_pack_s16(fxp_shape shape, const void *input, void *output) {
    const int32_t positions = shape.height * shape.width;
    const int32_t added = (FXP_CHANNEL_BLOCK - shape.channels % FXP_CHANNEL_BLOCK) % FXP_CHANNEL_BLOCK;
    const int8_t *in = (const int8_t *)input + positions * shape.channels;
    fxp_code16 *out = (fxp_code16 *)output + positions * (shape.channels + added);

    if (added == 0) {
        pack_blocks(
            in, (fxp_word *)output + positions * shape.channels / 2, positions * shape.channels / FXP_CHANNEL_BLOCK
        );
        return;
    }
    for (int32_t position = 0; position < positions; ++position) {
        for (int32_t channel = 0; channel < added; ++channel) {
            *--out = 0;
        }
        for (int32_t channel = 0; channel < shape.channels; ++channel) {
            *--out = *--in;
        }
    }
}
