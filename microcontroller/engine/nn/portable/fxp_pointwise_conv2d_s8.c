/*
 * 1x1 convolution with stride 1: one matrix product over all positions.
 *
 * input    [positions][input_channels]
 * weights  [output_channels][input_channels]
 * output   [positions][output_channels]
 *
 * Two positions times two output channels are computed at once: four products for four loads.
 */
#include "nn/portable/fxp_portable.h"

static int32_t dot(const int8_t *a, const int8_t *b, int32_t count, int32_t sum) {
    for (int32_t i = 0; i < count; ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

void fxp_pointwise_conv2d_s8(const fxp_pointwise_conv2d_s8_args *args, const int8_t *input, int8_t *output) {
    const fxp_requantization requantization = args->requantization;
    const int32_t depth = args->input_channels;
    const int32_t channels = args->output_channels;

    int32_t position = 0;
    for (; position < args->positions - 1; position += 2) {
        const int8_t *in0 = input + position * depth;
        const int8_t *in1 = in0 + depth;
        int8_t *out0 = output + position * channels;
        int8_t *out1 = out0 + channels;
        const int8_t *w0 = args->weights;
        int32_t channel = 0;
        for (; channel < channels - 1; channel += 2) {
            const int8_t *w1 = w0 + depth;
            int32_t sum00 = args->bias[channel];
            int32_t sum01 = args->bias[channel + 1];
            int32_t sum10 = sum00;
            int32_t sum11 = sum01;
            for (int32_t i = 0; i < depth; ++i) {
                sum00 += in0[i] * w0[i];
                sum01 += in0[i] * w1[i];
                sum10 += in1[i] * w0[i];
                sum11 += in1[i] * w1[i];
            }
            out0[channel] = fxp_requantize(sum00, requantization);
            out0[channel + 1] = fxp_requantize(sum01, requantization);
            out1[channel] = fxp_requantize(sum10, requantization);
            out1[channel + 1] = fxp_requantize(sum11, requantization);
            w0 = w1 + depth;
        }
        if (channel < channels) {
            out0[channel] = fxp_requantize(dot(in0, w0, depth, args->bias[channel]), requantization);
            out1[channel] = fxp_requantize(dot(in1, w0, depth, args->bias[channel]), requantization);
        }
    }
    if (position < args->positions) {
        const int8_t *in = input + position * depth;
        const int8_t *w = args->weights;
        int8_t *out = output + position * channels;
        for (int32_t channel = 0; channel < channels; ++channel) {
            out[channel] = fxp_requantize(dot(in, w, depth, args->bias[channel]), requantization);
            w += depth;
        }
    }
}
