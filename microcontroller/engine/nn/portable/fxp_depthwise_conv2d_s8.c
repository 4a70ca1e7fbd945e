/*
 * Depthwise 2-D convolution, one filter per channel.
 *
 * input    [input.height][input.width][channels]
 * weights  [channels][window.height][window.width]
 * output   [output.height][output.width][channels]
 *
 * The window is clipped to the input once per output position, and the clipped size chooses one of three loops over
 * the channels: a whole 3x3 window, two columns (what a padded 3x3 window has at the left and right), any other size.
 */
#include "nn/portable/fxp_overlap.h"
#include "nn/portable/fxp_portable.h"

/* The part of the window over the input at one output position. */
typedef struct {
    const int8_t *input; /* its first row and column, channel 0 */
    int32_t first_weight;
    int32_t height;
    int32_t width;
} patch;

static void whole_3x3(const fxp_depthwise_conv2d_s8_args *args, patch at, int8_t *output) {
    const fxp_requantization requantization = args->requantization;
    const int32_t channels = args->output.channels;
    const int32_t input_row = args->input.width * channels;
    const int8_t *w = args->weights;
    const int8_t *row0 = at.input;
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

static void two_columns(const fxp_depthwise_conv2d_s8_args *args, patch at, int8_t *output) {
    const fxp_requantization requantization = args->requantization;
    const int32_t channels = args->output.channels;
    const int32_t input_row = args->input.width * channels;
    const int32_t window_row = args->window.width;
    const int32_t window_size = args->window.height * window_row;

    for (int32_t channel = 0; channel < channels; ++channel) {
        const int8_t *w = args->weights + channel * window_size + at.first_weight;
        const int8_t *in = at.input + channel;
        int32_t sum = args->bias[channel];
        for (int32_t row = 0; row < at.height; ++row) {
            sum += w[row * window_row] * in[row * input_row];
            sum += w[row * window_row + 1] * in[row * input_row + channels];
        }
        output[channel] = fxp_requantize(sum, requantization);
    }
}

static void any_size(const fxp_depthwise_conv2d_s8_args *args, patch at, int8_t *output) {
    const fxp_requantization requantization = args->requantization;
    const int32_t channels = args->output.channels;
    const int32_t input_row = args->input.width * channels;
    const int32_t window_row = args->window.width;
    const int32_t window_size = args->window.height * window_row;

    for (int32_t channel = 0; channel < channels; ++channel) {
        const int8_t *w = args->weights + channel * window_size + at.first_weight;
        const int8_t *in = at.input + channel;
        int32_t sum = args->bias[channel];
        for (int32_t row = 0; row < at.height; ++row) {
            for (int32_t column = 0; column < at.width; ++column) {
                sum += w[row * window_row + column] * in[row * input_row + column * channels];
            }
        }
        output[channel] = fxp_requantize(sum, requantization);
    }
}

void fxp_depthwise_conv2d_s8(const fxp_depthwise_conv2d_s8_args *args, const int8_t *input, int8_t *output) {
    const fxp_window window = args->window;
    const int32_t channels = args->output.channels;
    const int32_t input_row = args->input.width * channels;

    for (int32_t y = 0; y < args->output.height; ++y) {
        const int32_t top = y * args->stride.vertical - args->padding.top;
        const fxp_overlap rows = fxp_overlap_of(top, window.height, args->input.height);
        for (int32_t x = 0; x < args->output.width; ++x) {
            const int32_t left = x * args->stride.horizontal - args->padding.left;
            const fxp_overlap columns = fxp_overlap_of(left, window.width, args->input.width);
            patch at = {.input = input, .first_weight = 0, .height = 0, .width = 0};
            if (rows.begin < rows.end && columns.begin < columns.end) {
                at.input += (top + rows.begin) * input_row + (left + columns.begin) * channels;
                at.first_weight = rows.begin * window.width + columns.begin;
                at.height = rows.end - rows.begin;
                at.width = columns.end - columns.begin;
            }
            if (window.height == 3 && window.width == 3 && at.height == 3 && at.width == 3) {
                whole_3x3(args, at, output);
            } else if (at.width == 2) {
                two_columns(args, at, output);
            } else {
                any_size(args, at, output);
            }
            output += channels;
        }
    }
}
