/*
 * 2-D convolution.
 *
 * input    [input.height][input.width][input.channels]
 * weights  [output.channels][window.height][window.width][input.channels]
 * output   [output.height][output.width][output.channels]
 *
 * A row of the window and the input codes under it are both contiguous, so the window is clipped to the input once per
 * output position and its rows become dot products without a check inside. Four output channels share every input load.
 */
#include "nn/portable/fxp_overlap.h"
#include "nn/portable/fxp_portable.h"

enum { CHANNELS_AT_ONCE = 4 };

void fxp_conv2d_s8(const fxp_conv2d_s8_args *args, const int8_t *input, int8_t *output) {
    const fxp_window window = args->window;
    const fxp_requantization requantization = args->requantization;
    const int32_t depth = args->input.channels;
    const int32_t input_row = args->input.width * depth;
    const int32_t window_row = window.width * depth;
    const int32_t window_size = window.height * window_row;
    const int32_t channels = args->output.channels;

    for (int32_t y = 0; y < args->output.height; ++y) {
        const int32_t top = y * args->stride.vertical - args->padding.top;
        const fxp_overlap rows = fxp_overlap_of(top, window.height, args->input.height);
        for (int32_t x = 0; x < args->output.width; ++x) {
            const int32_t left = x * args->stride.horizontal - args->padding.left;
            const fxp_overlap columns = fxp_overlap_of(left, window.width, args->input.width);
            const int32_t count = (columns.end - columns.begin) * depth;
            const int32_t height = count > 0 ? rows.end - rows.begin : 0;
            const int32_t first_input =
                height > 0 ? (top + rows.begin) * input_row + (left + columns.begin) * depth : 0;
            const int32_t first_weight = height > 0 ? rows.begin * window_row + columns.begin * depth : 0;

            int32_t channel = 0;
            for (; channel <= channels - CHANNELS_AT_ONCE; channel += CHANNELS_AT_ONCE) {
                const int32_t *bias = args->bias + channel;
                const int8_t *w = args->weights + channel * window_size + first_weight;
                int32_t sum0 = bias[0];
                int32_t sum1 = bias[1];
                int32_t sum2 = bias[2];
                int32_t sum3 = bias[3];
                for (int32_t row = 0; row < height; ++row) {
                    const int8_t *in = input + first_input + row * input_row;
                    const int8_t *w0 = w + row * window_row;
                    const int8_t *w1 = w0 + window_size;
                    const int8_t *w2 = w1 + window_size;
                    const int8_t *w3 = w2 + window_size;
                    for (int32_t i = 0; i < count; ++i) {
                        const int32_t code = in[i];
                        sum0 += w0[i] * code;
                        sum1 += w1[i] * code;
                        sum2 += w2[i] * code;
                        sum3 += w3[i] * code;
                    }
                }
                *output++ = fxp_requantize(sum0, requantization);
                *output++ = fxp_requantize(sum1, requantization);
                *output++ = fxp_requantize(sum2, requantization);
                *output++ = fxp_requantize(sum3, requantization);
            }
            for (; channel < channels; ++channel) {
                const int8_t *w = args->weights + channel * window_size + first_weight;
                int32_t sum = args->bias[channel];
                for (int32_t row = 0; row < height; ++row) {
                    const int8_t *in = input + first_input + row * input_row;
                    const int8_t *w0 = w + row * window_row;
                    for (int32_t i = 0; i < count; ++i) {
                        sum += w0[i] * in[i];
                    }
                }
                *output++ = fxp_requantize(sum, requantization);
            }
        }
    }
}
