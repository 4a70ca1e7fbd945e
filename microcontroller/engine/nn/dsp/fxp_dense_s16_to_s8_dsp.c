/*
 * Dense layer from int16 activations to int8 codes.
 *
 * input    [words]
 * weights  [outputs][words], two codes in a word
 * output   [outputs]
 *
 * Two words at a time: their number is a multiple of two, as channels are one of FXP_CHANNEL_BLOCK.
 */
#include "nn/dsp/fxp_dsp.h"

#include <assert.h>

static_assert(FXP_CHANNEL_BLOCK % 4 == 0, "positions must be an even number of words");

/* Added to a sum. */
static inline int32_t products(const fxp_word *in, const uint32_t *w, int32_t words, int32_t sum) {
    const uint32_t *const end = w + words;
#if defined(__ARM_FEATURE_DSP)
    const uint32_t *const last = end - words % 4;
    if (words >= 4) {
        /* 8 for four words; the compiler forms no LDM. */
        __asm volatile(".syntax unified\n"
                       "1:\n"
                       "ldm %0!, {r4, r5, r6, r8}\n"
                       "ldm %1!, {r10, r11, r12, lr}\n"
                       "smlad %2, r4, r10, %2\n"
                       "smlad %2, r5, r11, %2\n"
                       "smlad %2, r6, r12, %2\n"
                       "smlad %2, r8, lr, %2\n"
                       "cmp %1, %3\n"
                       "bne 1b\n"
                       : "+&r"(in), "+&r"(w), "+&r"(sum)
                       : "r"(last)
                       : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "cc", "memory");
    }
#endif
    while (w < end) {
        sum = fxp_smlad(fxp_first_low(in[0]), w[0], sum);
        sum = fxp_smlad(fxp_first_low(in[1]), w[1], sum);
        in += 2;
        w += 2;
    }
    return sum;
}

void fxp_dense_s16_to_s8_dsp(const fxp_dense_s16_to_s8_dsp_args *args, const void *input, void *output) {
    const uint32_t *w = args->weights;
    int8_t *out = output;

    for (int32_t i = 0; i < args->outputs; ++i) {
        *out++ = fxp_requantize(products(input, w, args->words, args->bias[i]), args->requantization);
        w += args->words;
    }
}
