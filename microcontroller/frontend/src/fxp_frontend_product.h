/* Products of 32 bits in plain C, also for cores that have no instruction for more than 32 bits of them. */
#ifndef FXP_FRONTEND_PRODUCT_H
#define FXP_FRONTEND_PRODUCT_H

#include <stdint.h>

/* Upper word of a product, rounded down. */
static inline int32_t fxp_upper(int32_t a, int32_t b) {
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
    /* By halves; no sum leaves 32 bits. */
    const int32_t a_lower = a & 0xffff;
    const int32_t b_lower = b & 0xffff;
    const uint32_t lower = (uint32_t)a_lower * (uint32_t)b_lower;
    const int32_t middle = (a >> 16) * b_lower + (int32_t)(lower >> 16);
    return (a >> 16) * (b >> 16) + (middle >> 16) + ((a_lower * (b >> 16) + (middle & 0xffff)) >> 16);
#else
    return (int32_t)(((int64_t)a * b) >> 32);
#endif
}

/* Upper word of a product, rounded to nearest, ties up: that of -a is not the negative of that of a. */
static inline int32_t fxp_upper_rounded(int32_t a, int32_t b) {
    const uint32_t lower = (uint32_t)a * (uint32_t)b;
    return fxp_upper(a, b) + (int32_t)(lower >> 31);
}

/* A power of at most 31 bits times a weight of at most 16. */
static inline uint64_t fxp_weighted(uint32_t power, uint32_t weight) {
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
    return ((uint64_t)((power >> 16) * weight) << 16) + (power & 0xffffu) * weight;
#else
    return (uint64_t)power * weight;
#endif
}

#endif
