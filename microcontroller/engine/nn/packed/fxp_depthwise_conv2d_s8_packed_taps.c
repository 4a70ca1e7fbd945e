/*
 * Depthwise 3x3 convolution, stride 1, any padding of at most two rows and columns, on codes that are never negative and whose
 * sums are narrow: four channels at a time, on panels.
 *
 * input    int8 [input.height][input.width][channels], codes of at least 0
 * weights  [channel]{ as the loop draws them }
 * output   int8 [height][width][channels]
 * scratch  four channels' panels, [padded_height][pitch][4] bytes
 *
 *     | c0 c1 c2 c3 | c0 c1 c2 c3 | ..      columns of a row: as many bytes of a position are copied at once
 *
 * Works in place where input and output have one shape: channels overwrite nothing but their own inputs.
 */
#include "nn/packed/fxp_packed_block.h"

#include <string.h>

/* The rows of so many channels, which a compiler makes one load and one store where they are 4. */
FXP_PACKED_INLINE void copy_channels(
    const fxp_depthwise_conv2d_s8_packed_taps_args *args, const int8_t *codes, uint8_t *panel, size_t channels
) {
    const int32_t pitch = 4 * args->panel.pitch;
    const int32_t position = args->input.channels;
    uint8_t *row = panel + args->padding.top * pitch + 4 * args->padding.left;
    for (int32_t y = args->input.height; y > 0; --y) {
        uint8_t *to = row;
        for (int32_t x = args->input.width; x > 0; --x) {
            memcpy(to, codes, channels);
            to += 4;
            codes += position;
        }
        row += pitch;
    }
}

void fxp_depthwise_conv2d_s8_packed_taps(
    const fxp_depthwise_conv2d_s8_packed_taps_args *args, const void *input, void *output, void *scratch
) {
    const int32_t channels = args->input.channels;
    const uint32_t *weights = args->weights;

    memset(scratch, 0, (size_t)(4 * args->padded_height * args->panel.pitch));
    for (int32_t first = 0; first < channels; first += 4) {
        const int32_t count = channels - first < 4 ? channels - first : 4;
        if (count == 4) {
            copy_channels(args, (const int8_t *)input + first, scratch, 4);
        } else {
            copy_channels(args, (const int8_t *)input + first, scratch, (size_t)count);
        }
        for (int32_t i = 0; i < count; ++i) {
            args->loop(&args->panel, (const uint8_t *)scratch + i, weights, (int8_t *)output + first + i);
            weights += args->channel_words;
        }
    }
}
