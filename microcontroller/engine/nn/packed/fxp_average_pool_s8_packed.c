/*
 * Average pooling over all positions, as a sum and a shift, four channels at a time.
 *
 * input    int8 [positions][channels], at least 4 channels
 * output   int8 [channels]
 *
 * The last channel quad begins at the last channel but three: some outputs are written twice. For each position 4 times LDRSB,
 * ADD and 3 for the walk: 2.75 instructions for a code.
 */
#include "nn/packed/fxp_packed_block.h"

void fxp_average_pool_s8_packed(const fxp_average_pool_s8_packed_args *args, const void *input, void *output) {
    const int32_t channels = args->channels;
    const int32_t last = channels - 4;

    for (int32_t channel = 0;; channel = channel + 4 < last ? channel + 4 : last) {
        const int8_t *in = (const int8_t *)input + channel;
        int8_t *const out = (int8_t *)output + channel;
        int32_t sum0 = args->bias;
        int32_t sum1 = sum0;
        int32_t sum2 = sum0;
        int32_t sum3 = sum0;
        for (int32_t position = args->positions; position > 0; --position) {
            sum0 += in[0];
            sum1 += in[1];
            sum2 += in[2];
            sum3 += in[3];
            in += channels;
        }
        out[0] = fxp_requantize(sum0, args->requantization);
        out[1] = fxp_requantize(sum1, args->requantization);
        out[2] = fxp_requantize(sum2, args->requantization);
        out[3] = fxp_requantize(sum3, args->requantization);
        if (channel == last) {
            return;
        }
    }
}
