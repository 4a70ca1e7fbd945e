/* Sums of int16 activations over positions, for kernels of this folder and the stream's. Names and terms:
 * docs/glossary.md. */
#ifndef FXP_COLUMN_SUMS_H
#define FXP_COLUMN_SUMS_H

#include "nn/dsp/fxp_dsp.h"

/* Of four words of so many positions, each `words` from the last; halfword by halfword, carries lost. */
static inline void fxp_column_sums(const fxp_word *in, int32_t words, int32_t positions, uint32_t sums[4]) {
    uint32_t sum0 = 0;
    uint32_t sum1 = 0;
    uint32_t sum2 = 0;
    uint32_t sum3 = 0;
    for (; positions > 0; --positions) {
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
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}

/* Of one word. */
static inline uint32_t fxp_column_sum(const fxp_word *in, int32_t words, int32_t positions) {
    uint32_t sum = 0;
    for (; positions > 0; --positions) {
        sum = fxp_add16(sum, *in);
        in += words;
    }
    return sum;
}

#endif
