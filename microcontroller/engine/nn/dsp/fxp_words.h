/* Words of two int16 codes, and what the DSP extension does with them, in plain C for the kernels' twins. Names and
 * terms: docs/glossary.md. */
#ifndef FXP_WORDS_H
#define FXP_WORDS_H

#include "nn/fxp_layer.h"

#include <string.h>

/* An int16 tensor holds a multiple of so many channels; the added ones are 0. */
#define FXP_CHANNEL_BLOCK 4

/* Unaliased by the type of the memory behind it, which is the caller's. A word is 4-byte aligned. */
typedef uint32_t __attribute__((may_alias)) fxp_word;
typedef int16_t __attribute__((may_alias)) fxp_code16;

static inline int32_t fxp_low(uint32_t word) {
    return (int16_t)(word & 0xffffu);
}

static inline int32_t fxp_high(uint32_t word) {
    return (int16_t)(word >> 16);
}

static inline uint32_t fxp_halves(int32_t low, int32_t high) {
    return ((uint32_t)low & 0xffffu) | (uint32_t)high << 16;
}

/* A word of memory with the first of its two codes in the lower half. */
static inline uint32_t fxp_first_low(uint32_t word) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return word << 16 | word >> 16;
#else
    return word;
#endif
}

/* Four codes in the order of memory, the first one lowest; at any address. */
static inline uint32_t fxp_load_codes(const int8_t *codes) {
#if defined(__ARM_FEATURE_UNALIGNED) && !defined(__ARM_BIG_ENDIAN)
    uint32_t word;
    memcpy(&word, codes, sizeof word);
    return word;
#else
    const uint8_t *bytes = (const uint8_t *)codes;
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
#endif
}

/* Writes them so. */
static inline void fxp_store_codes(int8_t *codes, uint32_t word) {
#if defined(__ARM_FEATURE_UNALIGNED) && !defined(__ARM_BIG_ENDIAN)
    memcpy(codes, &word, sizeof word);
#else
    for (int32_t i = 0; i < 4; ++i) {
        codes[i] = (int8_t)(word >> 8 * i);
    }
#endif
}

/* The lower halves of two words: { a.low | b.low }. */
static inline uint32_t fxp_lows(uint32_t a, uint32_t b) {
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;
    __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
    return result;
#else
    return (a & 0xffffu) | b << 16;
#endif
}

/* The upper halves: { a.high | b.high }. */
static inline uint32_t fxp_highs(uint32_t a, uint32_t b) {
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;
    __asm("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(b), "r"(a));
    return result;
#else
    return a >> 16 | (b & 0xffff0000u);
#endif
}

#if defined(__ARM_FEATURE_DSP)

/* Both products, added to a sum that is proved to fit. */
static inline int32_t fxp_smlad(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* Halfword by halfword, carries lost. */
static inline uint32_t fxp_add16(uint32_t a, uint32_t b) {
    uint32_t result;
    __asm("uadd16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b) : "cc");
    return result;
}

/* Bytes 0 and 2 as int16. */
static inline uint32_t fxp_sxtb16(uint32_t bytes) {
    uint32_t result;
    __asm("sxtb16 %0, %1" : "=r"(result) : "r"(bytes));
    return result;
}

/* Bytes 1 and 3 as int16. */
static inline uint32_t fxp_sxtb16_ror8(uint32_t bytes) {
    uint32_t result;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(bytes));
    return result;
}

/* Bytes 0 and 2 added to halfwords. */
static inline uint32_t fxp_uxtab16(uint32_t halves, uint32_t bytes) {
    uint32_t result;
    __asm("uxtab16 %0, %1, %2" : "=r"(result) : "r"(halves), "r"(bytes));
    return result;
}

/* Bytes 1 and 3 added to halfwords. */
static inline uint32_t fxp_uxtab16_ror8(uint32_t halves, uint32_t bytes) {
    uint32_t result;
    __asm("uxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(halves), "r"(bytes));
    return result;
}

#else

static inline int32_t fxp_smlad(uint32_t a, uint32_t b, int32_t sum) {
    return sum + fxp_low(a) * fxp_low(b) + fxp_high(a) * fxp_high(b);
}

static inline uint32_t fxp_add16(uint32_t a, uint32_t b) {
    return ((a + b) & 0xffffu) | ((a >> 16) + (b >> 16)) << 16;
}

static inline uint32_t fxp_sxtb16(uint32_t bytes) {
    return fxp_halves((int8_t)(bytes & 0xffu), (int8_t)(bytes >> 16 & 0xffu));
}

static inline uint32_t fxp_sxtb16_ror8(uint32_t bytes) {
    return fxp_sxtb16(bytes >> 8);
}

static inline uint32_t fxp_uxtab16(uint32_t halves, uint32_t bytes) {
    return fxp_add16(halves, bytes & 0x00ff00ffu);
}

static inline uint32_t fxp_uxtab16_ror8(uint32_t halves, uint32_t bytes) {
    return fxp_uxtab16(halves, bytes >> 8);
}

#endif

/* What the instructions USAT and SSAT with a shift clamp to. */
static inline fxp_requantization fxp_usat(int32_t shift, int32_t bits) {
    const fxp_requantization to = {.shift = (uint8_t)shift, .min_code = 0, .max_code = (int8_t)((1 << bits) - 1)};
    return to;
}

static inline fxp_requantization fxp_ssat(int32_t shift, int32_t bits) {
    const fxp_requantization to = {
        .shift = (uint8_t)shift, .min_code = (int8_t)-(1 << (bits - 1)), .max_code = (int8_t)((1 << (bits - 1)) - 1)
    };
    return to;
}

#endif
