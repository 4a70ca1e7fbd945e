/*
 * Average pooling over all positions as a sum and a shift, int16 activations.
 *
 * input    [positions][words]
 * output   [words]
 *
 * Halfwords are summed two at a time, which the plan proves to fit: 16 bits with or without a sign.
 */
#include "nn/dsp/fxp_dsp.h"

static uint32_t average(const fxp_average_pool_s16_dsp_args *args, uint32_t sums) {
    const int32_t low = args->is_signed ? fxp_low(sums) : (int32_t)(sums & 0xffffu);
    const int32_t high = args->is_signed ? fxp_high(sums) : (int32_t)(sums >> 16);
    return fxp_halves(
        fxp_requantize(low + args->bias, args->requantization), fxp_requantize(high + args->bias, args->requantization)
    );
}

void fxp_average_pool_s16_dsp(const fxp_average_pool_s16_dsp_args *args, const void *input, void *output) {
    const int32_t words = args->words;
    const fxp_word *column = input;
    fxp_word *out = output;
    int32_t word = 0;

    for (; word < words - 3; word += 4) {
        uint32_t sum0 = 0;
        uint32_t sum1 = 0;
        uint32_t sum2 = 0;
        uint32_t sum3 = 0;
        const fxp_word *in = column;
        for (int32_t position = 0; position < args->positions; ++position) {
#if defined(__ARM_FEATURE_DSP)
            /* One load instead of four. */
            __asm volatile("ldm %4, {r8, r10, r11, r12}\n"
                           "uadd16 %0, %0, r8\n"
                           "uadd16 %1, %1, r10\n"
                           "uadd16 %2, %2, r11\n"
                           "uadd16 %3, %3, r12\n"
                           : "+&r"(sum0), "+&r"(sum1), "+&r"(sum2), "+&r"(sum3)
                           : "r"(in)
                           : "r8", "r10", "r11", "r12", "cc", "memory");
#else
            sum0 = fxp_add16(sum0, in[0]);
            sum1 = fxp_add16(sum1, in[1]);
            sum2 = fxp_add16(sum2, in[2]);
            sum3 = fxp_add16(sum3, in[3]);
#endif
            in += words;
        }
        *out++ = average(args, sum0);
        *out++ = average(args, sum1);
        *out++ = average(args, sum2);
        *out++ = average(args, sum3);
        column += 4;
    }
    for (; word < words; ++word) {
        uint32_t sum = 0;
        for (int32_t position = 0; position < args->positions; ++position) {
            sum = fxp_add16(sum, column[position * words]);
        }
        *out++ = average(args, sum);
        ++column;
    }
}
