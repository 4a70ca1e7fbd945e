/*
 * How many sums a loop of this folder keeps in registers, which the core's register file says, and how they are added.
 *
 *     core                         registers for data   positions by channels
 *     Armv6-M, Armv8-M baseline     8                   4 x 1: a multiplication overwrites one of its operands
 *     RISC-V, not RV32E            27                   4 x 4
 *     any other                    13                   3 x 2
 *
 * Constants are the same for all of them; positions that lie side by side in scratch memory are not. A compiler that is
 * given -DFXP_PACKED_POSITIONS=3 or 4 and -DFXP_PACKED_CHANNELS=1, 2 or 4 takes these.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_PACKED_BLOCK_H
#define FXP_PACKED_BLOCK_H

#include "nn/packed/fxp_packed.h"

#if !defined(FXP_PACKED_POSITIONS)
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define FXP_PACKED_POSITIONS 4
#define FXP_PACKED_CHANNELS 1
#elif defined(__riscv) && !defined(__riscv_32e)
#define FXP_PACKED_POSITIONS 4
#define FXP_PACKED_CHANNELS 4
#else
#define FXP_PACKED_POSITIONS 3
#define FXP_PACKED_CHANNELS 2
#endif
#endif

/*
 * For GCC and clang: KEEP, a sum is complete up to here; FENCE, what comes next is not loaded before. So products are added
 * one by one, each behind its loads, where more at once would not find registers. Neither makes an instruction.
 */
#if defined(__GNUC__)
#define FXP_PACKED_INLINE static inline __attribute__((always_inline))
#define FXP_PACKED_KEEP(sum) __asm__("" : "+r"(sum))
#define FXP_PACKED_FENCE __asm__ volatile("" ::: "memory")
#else
#define FXP_PACKED_INLINE static inline
#define FXP_PACKED_KEEP(sum) (void)(sum)
#define FXP_PACKED_FENCE (void)0
#endif

/* Where registers are there, neighbouring words are loaded before they are multiplied: one instruction may load two. */
#if FXP_PACKED_CHANNELS > 1
#define FXP_PACKED_LOADED FXP_PACKED_FENCE
#else
#define FXP_PACKED_LOADED (void)0
#endif

/* From a sum to a code of -lowest to highest. */
FXP_PACKED_INLINE int8_t fxp_packed_code(uint32_t sum, int32_t shift, int32_t lowest, int32_t highest) {
    int32_t code = (int32_t)sum >> shift;
    code = code < -lowest ? -lowest : code;
    code = code > highest ? highest : code;
    return (int8_t)code;
}

/* Two neighbouring codes in a word: x0 + 2^16 x1. */
FXP_PACKED_INLINE uint32_t fxp_packed_codes(int32_t x0, int32_t x1) {
    return (uint32_t)x0 + ((uint32_t)x1 << 16);
}

/*
 * Rows of codes, row_bytes apart, as every FXP_PACKED_POSITIONS-th word; the last word of a row has one code where their count
 * is odd.
 */
FXP_PACKED_INLINE void
fxp_packed_copy(const int8_t *codes, int32_t rows, int32_t count, int32_t row_bytes, uint32_t *words) {
    for (; rows > 0; --rows) {
        const int8_t *code = codes;
        for (int32_t words_left = count >> 1; words_left > 0; --words_left) {
            *words = fxp_packed_codes(code[0], code[1]);
            words += FXP_PACKED_POSITIONS;
            code += 2;
        }
        if (count & 1) {
            *words = fxp_packed_codes(code[0], 0);
            words += FXP_PACKED_POSITIONS;
        }
        codes += row_bytes;
    }
}

/* Steps beyond a window's codes, which have weights of 0, have codes of 0, too. */
FXP_PACKED_INLINE void fxp_packed_clear(uint32_t *words, int32_t steps) {
    for (int32_t i = 0; i < steps * FXP_PACKED_POSITIONS; ++i) {
        words[i] = 0;
    }
}

#endif
