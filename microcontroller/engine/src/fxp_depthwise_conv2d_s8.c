/*
 * Depthwise 2-D convolution, one filter per channel.
 *
 * input    [input.height][input.width][channels]
 * weights  [channels][window.height][window.width]
 * output   [output.height][output.width][channels]
 *
 * The window is clipped to the input once per output position; a whole 3x3 window takes the unrolled path.
 */
#include "fxp_engine.h"
#include "fxp_requantize.h"
#include "fxp_span.h"

/* One output position whose 3x3 window lies inside the input. */
static void whole_3x3(const fxp_depthwise_conv2d_args *args, const int8_t *input, int32_t input_row, int8_t *output) {
    const fxp_requantization requantization = args->requantization;
    const int32_t channels = args->output.channels;
    const int8_t *w = args->weights;
    const int8_t *row0 = input;
    const int8_t *row1 = row0 + input_row;
    const int8_t *row2 = row1 + input_row;

    for (int32_t channel = 0; channel < channels; ++channel) {
        int32_t sum = args->bias[channel];
        sum += w[0] * row0[0];
        sum += w[1] * row0[channels];
        sum += w[2] * row0[2 * channels];
        sum += w[3] * row1[0];
        sum += w[4] * row1[channels];
        sum += w[5] * row1[2 * channels];
        sum += w[6] * row2[0];
        sum += w[7] * row2[channels];
        sum += w[8] * row2[2 * channels];
        output[channel] = fxp_requantize(sum, requantization);
        w += 9;
        ++row0;
        ++row1;
        ++row2;
    }
}

void fxp_depthwise_conv2d_s8(const fxp_depthwise_conv2d_args *args, const int8_t *input, int8_t *output) {
    const fxp_window window = args->window;
    const fxp_requantization requantization = args->requantization;
    const int32_t channels = args->output.channels;
    const int32_t input_row = args->input.width * channels;
    const int32_t window_size = window.height * window.width;

    for (int32_t y = 0; y < args->output.height; ++y) {
        const int32_t top = y * args->stride.vertical - args->padding.top;
        const fxp_span rows = fxp_clip(top, window.height, args->input.height);
        for (int32_t x = 0; x < args->output.width; ++x) {
            const int32_t left = x * args->stride.horizontal - args->padding.left;
            const fxp_span columns = fxp_clip(left, window.width, args->input.width);
            const int32_t width = columns.end - columns.begin;
            const int32_t height = width > 0 ? rows.end - rows.begin : 0;
            if (height == 3 && width == 3 && window_size == 9) {
                whole_3x3(args, input + top * input_row + left * channels, input_row, output);
                output += channels;
                continue;
            }
            const int32_t first_input =
                height > 0 ? (top + rows.begin) * input_row + (left + columns.begin) * channels : 0;
            const int32_t first_weight = height > 0 ? rows.begin * window.width + columns.begin : 0;
            for (int32_t channel = 0; channel < channels; ++channel) {
                const int8_t *w = args->weights + channel * window_size + first_weight;
                const int8_t *in = input + first_input + channel;
                int32_t sum = args->bias[channel];
                for (int32_t row = 0; row < height; ++row) {
                    for (int32_t column = 0; column < width; ++column) {
                        sum += w[row * window.width + column] * in[row * input_row + column * channels];
                    }
                }
                *output++ = fxp_requantize(sum, requantization);
            }
        }
    }
}
