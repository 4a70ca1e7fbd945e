/*
 * Depthwise 2-D convolution, any window, stride and padding, on vectors of channels: for what
 * fxp_depthwise_conv2d_planes_to_s8_helium does not take.
 *
 * input    [input.height][input.width][channels]
 * weights  [window.height][window.width][channels]
 * output   [output.height][output.width][channels]
 *
 * Eight channels at a time in two vectors of int32: a product is two loads that widen, a multiplication and an addition
 * for four channels. Where channels aren't a multiple of eight, the last eight overlap the ones before; fewer than
 * eight are computed one by one, as all of them are in the twin.
 */
#include "nn/helium/fxp_helium.h"
#include "nn/portable/fxp_overlap.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#include <arm_mve.h>
#endif

/* The part of the window over the input at one output position. */
typedef struct {
    const int8_t *codes;   /* its first row and column, channel 0 */
    const int8_t *weights; /* the same of the window */
    int32_t height;
    int32_t width;
} patch;

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
static inline int32x4_t products(int32x4_t sums, const int8_t *codes, const int8_t *weights) {
    return vaddq_s32(sums, vmulq_s32(vldrbq_s32(codes), vldrbq_s32(weights)));
}

static inline void store(int32x4_t sums, fxp_requantization to, int8_t *output) {
    const int32x4_t shifted = vshlq_r_s32(sums, -(int32_t)to.shift);
    vstrbq_s32(output, vminq_s32(vmaxq_s32(shifted, vdupq_n_s32(to.min_code)), vdupq_n_s32(to.max_code)));
}

/* Channels that are done. */
static int32_t whole_vectors(const fxp_depthwise_conv2d_s8_helium_args *args, patch at, int8_t *output) {
    const int32_t channels = args->output.channels;
    const int32_t input_row = (args->input.width - at.width) * channels;
    const int32_t window_row = (args->window.width - at.width) * channels;
    if (channels < 8) {
        return 0;
    }
    for (int32_t block = 0; block < channels; block += 8) {
        const int32_t channel = block < channels - 8 ? block : channels - 8;
        const int8_t *codes = at.codes + channel;
        const int8_t *weights = at.weights + channel;
        int32x4_t sums0 = vldrwq_s32(args->bias + channel);
        int32x4_t sums1 = vldrwq_s32(args->bias + channel + 4);
        for (int32_t row = 0; row < at.height; ++row) {
            for (int32_t column = 0; column < at.width; ++column) {
                sums0 = products(sums0, codes, weights);
                sums1 = products(sums1, codes + 4, weights + 4);
                codes += channels;
                weights += channels;
            }
            codes += input_row;
            weights += window_row;
        }
        store(sums0, args->requantization, output + channel);
        store(sums1, args->requantization, output + channel + 4);
    }
    return channels;
}
#else
static int32_t whole_vectors(const fxp_depthwise_conv2d_s8_helium_args *args, patch at, int8_t *output) {
    (void)args;
    (void)at;
    (void)output;
    return 0;
}
#endif

static void
single_channels(const fxp_depthwise_conv2d_s8_helium_args *args, patch at, int8_t *output, int32_t channel) {
    const int32_t channels = args->output.channels;
    for (; channel < channels; ++channel) {
        int32_t sum = args->bias[channel];
        for (int32_t row = 0; row < at.height; ++row) {
            const int8_t *codes = at.codes + row * args->input.width * channels + channel;
            const int8_t *weights = at.weights + row * args->window.width * channels + channel;
            for (int32_t column = 0; column < at.width; ++column) {
                sum += codes[column * channels] * weights[column * channels];
            }
        }
        output[channel] = fxp_requantize(sum, args->requantization);
    }
}

void fxp_depthwise_conv2d_s8_helium(const fxp_depthwise_conv2d_s8_helium_args *args, const void *input, void *output) {
    const int32_t channels = args->output.channels;
    int8_t *out = output;

    for (int32_t y = 0; y < args->output.height; ++y) {
        const int32_t top = y * args->stride.vertical - args->padding.top;
        const fxp_overlap rows = fxp_overlap_of(top, args->window.height, args->input.height);
        for (int32_t x = 0; x < args->output.width; ++x) {
            const int32_t left = x * args->stride.horizontal - args->padding.left;
            const fxp_overlap columns = fxp_overlap_of(left, args->window.width, args->input.width);
            patch at = {.codes = input, .weights = args->weights, .height = 0, .width = 0};
            if (rows.begin < rows.end && columns.begin < columns.end) {
                at.codes += ((top + rows.begin) * args->input.width + left + columns.begin) * channels;
                at.weights += (rows.begin * args->window.width + columns.begin) * channels;
                at.height = rows.end - rows.begin;
                at.width = columns.end - columns.begin;
            }
            single_channels(args, at, out, whole_vectors(args, at, out));
            out += channels;
        }
    }
}
