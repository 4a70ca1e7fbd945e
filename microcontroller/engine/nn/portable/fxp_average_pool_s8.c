/*
 * Average pooling over all positions, as a sum and a shift.
 *
 * input    [positions][channels]
 * output   [channels]
 */
#include "nn/portable/fxp_portable.h"

void fxp_average_pool_s8(const fxp_average_pool_s8_args *args, const int8_t *input, int8_t *output) {
    const int32_t channels = args->channels;

    for (int32_t channel = 0; channel < channels; ++channel) {
        const int8_t *in = input + channel;
        int32_t sum = args->bias;
        for (int32_t position = 0; position < args->positions; ++position) {
            sum += in[position * channels];
        }
        output[channel] = fxp_requantize(sum, args->requantization);
    }
}
