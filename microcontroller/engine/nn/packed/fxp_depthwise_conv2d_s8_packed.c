/*
 * Depthwise 3x3 convolution, any stride and padding of at most two rows and columns: channel by channel, on a panel.
 *
 * input    int8 [input.height][input.width][channels]
 * weights  [channel]{ as the loop draws them }
 * output   int8 [height][width][channels]
 * scratch  the panel, [padded_height][pitch] words of one code or of two, rows_apart rows apart
 *
 * Works in place where input and output have one shape: a channel overwrites nothing but its own inputs.
 */
#include "nn/packed/fxp_packed_block.h"

/* A channel of the input to the panel, whose padding is 0 and stays so. */
static void copy_channel(const fxp_depthwise_conv2d_s8_packed_args *args, const int8_t *codes, uint32_t *panel) {
    const int32_t pitch = args->panel.pitch;
    const int32_t back = args->rows_apart * pitch;
    uint32_t *row = panel + args->padding.top * pitch + args->padding.left;

    for (int32_t y = 0; y < args->input.height; ++y) {
        for (int32_t x = 0; x < args->input.width; ++x) {
            const uint32_t code = (uint32_t)*codes;
            row[x] = code;
            if (back != 0) {
                row[x - back] += code << 16;
            }
            codes += args->input.channels;
        }
        row += pitch;
    }
}

void fxp_depthwise_conv2d_s8_packed(
    const fxp_depthwise_conv2d_s8_packed_args *args, const void *input, void *output, void *scratch
) {
    uint32_t *const panel = scratch;
    const int32_t rows_above = args->rows_apart;
    const int32_t words = (args->padded_height + rows_above) * args->panel.pitch;
    uint32_t *const first = panel + rows_above * args->panel.pitch;
    const uint32_t *weights = args->weights;

    for (int32_t i = 0; i < words; ++i) {
        panel[i] = 0;
    }
    for (int32_t channel = 0; channel < args->input.channels; ++channel) {
        if (rows_above > 0) {
            /* Words of padding that hold a code below it are added to. */
            for (int32_t i = 0; i < (rows_above + args->padding.top) * args->panel.pitch; ++i) {
                panel[i] = 0;
            }
        }
        copy_channel(args, (const int8_t *)input + channel, first);
        args->loop(&args->panel, first, weights, (int8_t *)output + channel);
        weights += args->channel_words;
    }
}
