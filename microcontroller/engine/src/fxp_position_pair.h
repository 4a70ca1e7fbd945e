/* From row pairs for 1x1 to what the inner loops of matrix products read, for kernels of this folder. */
#ifndef FXP_POSITION_PAIR_H
#define FXP_POSITION_PAIR_H

#include "fxp_dsp.h"
#include "fxp_row_pairs.h"

/*
 * input  [words]{ p0c0 | p1c0 | p0c1 | p1c1 }, a code in the upper half of each byte; words is a multiple of 2
 * pair   [words]{ p0 c0c1 | p1 c0c1 }, int16
 */
static inline void fxp_position_pair(const fxp_word *input, fxp_word *pair, int32_t words) {
    const uint32_t mask = 0x000f000fu;
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    /* The compiler forms no LDM and STM of interleaved registers. */
    for (; i < words - 3; i += 4) {
        __asm volatile("ldm %0!, {r5, r7, r9, r11}\n"
                       "and r4, %2, r5, lsr #4\n"
                       "and r5, %2, r5, lsr #12\n"
                       "and r6, %2, r7, lsr #4\n"
                       "and r7, %2, r7, lsr #12\n"
                       "and r8, %2, r9, lsr #4\n"
                       "and r9, %2, r9, lsr #12\n"
                       "and r10, %2, r11, lsr #4\n"
                       "and r11, %2, r11, lsr #12\n"
                       "stm %1!, {r4-r11}\n"
                       : "+r"(input), "+r"(pair)
                       : "r"(mask)
                       : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "memory");
    }
#endif
    for (; i < words; ++i) {
        const uint32_t codes = *input++;
        *pair++ = codes >> 4 & mask;
        *pair++ = codes >> 12 & mask;
    }
}

/* Words { c0 | c1 } of two positions to bytes { p0c0 | p0c1 | p1c0 | p1c1 }. */
static inline void fxp_depthwise_pair(const fxp_word *p0, const fxp_word *p1, fxp_word *output, int32_t words) {
    for (int32_t i = 0; i < words; i += 2) {
        const uint32_t a0 = p0[i];
        const uint32_t a1 = p0[i + 1];
        const uint32_t b0 = p1[i];
        const uint32_t b1 = p1[i + 1];
        output[i] = ((a0 & 0xffffu) | b0 << 16) | ((a0 >> 16) | (b0 & 0xffff0000u)) << 8;
        output[i + 1] = ((a1 & 0xffffu) | b1 << 16) | ((a1 >> 16) | (b1 & 0xffff0000u)) << 8;
    }
}

#endif
