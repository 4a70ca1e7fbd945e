/*
 * From row pairs to int8 codes, for observers.
 *
 * input   row pairs for depthwise or for pointwise, with lead 0 or 1
 * output  int8 [height][width][channels]
 */
#include "nn/four_bit/fxp_four_bit.h"

/* Where a code lies: byte = row_step * (row of the row pair) + channel_step * (channel of the channel pair). */
typedef struct {
    int32_t lead;
    int32_t row_step;
    int32_t channel_step;
    int32_t shift; /* from byte to code */
} row_pair_layout;

static void unpack(fxp_shape shape, const void *input, void *output, row_pair_layout from) {
    const uint8_t *in = input;
    int8_t *out = output;
    const int32_t channels = (shape.channels + FXP_CHANNEL_BLOCK - 1) / FXP_CHANNEL_BLOCK * FXP_CHANNEL_BLOCK;
    const int32_t position_bytes = 2 * channels;
    for (int32_t y = 0; y < shape.height; ++y) {
        const int32_t row = y + from.lead;
        const uint8_t *at = in + row / 2 * shape.width * position_bytes + row % 2 * from.row_step;
        for (int32_t x = 0; x < shape.width; ++x) {
            for (int32_t channel = 0; channel < shape.channels; ++channel) {
                *out++ = (int8_t)(at[channel / 2 * 4 + channel % 2 * from.channel_step] >> from.shift);
            }
            at += position_bytes;
        }
    }
}

void fxp_unpack_row_pairs_depthwise_0(fxp_shape shape, const void *input, void *output) {
    unpack(shape, input, output, (row_pair_layout){.lead = 0, .row_step = 2, .channel_step = 1, .shift = 0});
}

void fxp_unpack_row_pairs_depthwise_1(fxp_shape shape, const void *input, void *output) {
    unpack(shape, input, output, (row_pair_layout){.lead = 1, .row_step = 2, .channel_step = 1, .shift = 0});
}

void fxp_unpack_row_pairs_pointwise_0(fxp_shape shape, const void *input, void *output) {
    unpack(shape, input, output, (row_pair_layout){.lead = 0, .row_step = 1, .channel_step = 2, .shift = 4});
}

void fxp_unpack_row_pairs_pointwise_1(fxp_shape shape, const void *input, void *output) {
    unpack(shape, input, output, (row_pair_layout){.lead = 1, .row_step = 1, .channel_step = 2, .shift = 4});
}

void fxp_unpack_row_pairs_pointwise_bytes_0(fxp_shape shape, const void *input, void *output) {
    unpack(shape, input, output, (row_pair_layout){.lead = 0, .row_step = 1, .channel_step = 2, .shift = 0});
}

void fxp_unpack_row_pairs_pointwise_bytes_1(fxp_shape shape, const void *input, void *output) {
    unpack(shape, input, output, (row_pair_layout){.lead = 1, .row_step = 1, .channel_step = 2, .shift = 0});
}
