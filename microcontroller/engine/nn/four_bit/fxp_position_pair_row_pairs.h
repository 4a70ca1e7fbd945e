/* From row pairs for pointwise to what the inner loops of matrix products read, for kernels of this folder. Names and
 * terms: docs/glossary.md. */
#ifndef FXP_POSITION_PAIR_ROW_PAIRS_H
#define FXP_POSITION_PAIR_ROW_PAIRS_H

#include "nn/four_bit/fxp_four_bit.h"

/* Four words. */
#define FXP_POSITION_PAIR_WORDS(p0, p1)                                                                                \
    "ldm %0!, {r5, r8, r11, lr}\n"                                                                                     \
    "and r4, %2, r5" p0 "\n"                                                                                           \
    "and r5, %2, r5" p1 "\n"                                                                                           \
    "and r6, %2, r8" p0 "\n"                                                                                           \
    "and r8, %2, r8" p1 "\n"                                                                                           \
    "and r10, %2, r11" p0 "\n"                                                                                         \
    "and r11, %2, r11" p1 "\n"                                                                                         \
    "and r12, %2, lr" p0 "\n"                                                                                          \
    "and lr, %2, lr" p1 "\n"                                                                                           \
    "stm %1!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"

/* Line by line: of a .rept the compiler would not know how long it is, and branch too short. */
#define FXP_POSITION_PAIR_SIXTEEN(p0, p1)                                                                              \
    FXP_POSITION_PAIR_WORDS(p0, p1)                                                                                    \
    FXP_POSITION_PAIR_WORDS(p0, p1) FXP_POSITION_PAIR_WORDS(p0, p1) FXP_POSITION_PAIR_WORDS(p0, p1)

/* The compiler forms no LDM and STM of interleaved registers. */
#define FXP_POSITION_PAIR_ROW_PAIRS(lines)                                                                             \
    __asm volatile(lines                                                                                               \
                   : "+&r"(input), "+&r"(position_pair)                                                                \
                   : "r"(mask)                                                                                         \
                   : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "memory")

/* What leaves a code of each row pair's byte that begins at code_at. */
static inline uint32_t fxp_row_pairs_mask(int32_t code_at) {
    return code_at != 0 ? 0x000f000fu : 0x00ff00ffu;
}

/*
 * input  [words]{ p0c0 | p1c0 | p0c1 | p1c1 }, a code from bit code_at, 4 or 0, of each byte; words: a multiple of 2
 * position_pair   [words]{ p0 c0c1 | p1 c0c1 }, int16
 */
static inline void
fxp_position_pair_row_pairs(const fxp_word *input, fxp_word *position_pair, int32_t words, int32_t code_at) {
    const uint32_t mask = fxp_row_pairs_mask(code_at);
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    if (code_at != 0) {
        for (; i < words - 15; i += 16) {
            FXP_POSITION_PAIR_ROW_PAIRS(FXP_POSITION_PAIR_SIXTEEN(", lsr #4", ", lsr #12"));
        }
        for (; i < words - 3; i += 4) {
            FXP_POSITION_PAIR_ROW_PAIRS(FXP_POSITION_PAIR_WORDS(", lsr #4", ", lsr #12"));
        }
    } else {
        for (; i < words - 15; i += 16) {
            FXP_POSITION_PAIR_ROW_PAIRS(FXP_POSITION_PAIR_SIXTEEN("", ", lsr #8"));
        }
        for (; i < words - 3; i += 4) {
            FXP_POSITION_PAIR_ROW_PAIRS(FXP_POSITION_PAIR_WORDS("", ", lsr #8"));
        }
    }
#endif
    for (; i < words; ++i) {
        const uint32_t codes = *input++ >> code_at;
        *position_pair++ = codes & mask;
        *position_pair++ = codes >> 8 & mask;
    }
}

/* The same of two columns of one row, 0 the upper or 1 the lower one of a row pair whose other row is not the tensor's.
 * */
static inline void fxp_position_pair_columns(
    const fxp_word *first, const fxp_word *second, int32_t row, fxp_word *position_pair, int32_t words, int32_t code_at
) {
    const uint32_t mask = fxp_row_pairs_mask(code_at);
    const int32_t shift = code_at + 8 * row;
    for (int32_t i = 0; i < words; ++i) {
        *position_pair++ = first[i] >> shift & mask;
        *position_pair++ = second[i] >> shift & mask;
    }
}

/*
 * Back: the outputs of so many columns, which lie two and two in the first half of the row, to columns of that row. A
 * halfword is in place for one of the columns; what the other half of a word holds has no meaning.
 */
static inline void fxp_spread_columns(fxp_word *output, int32_t columns, int32_t row, int32_t words) {
    for (int32_t x = (columns - 1) / 2 * 2; x >= 0; x -= 2) {
        const fxp_word *both = output + x / 2 * words;
        fxp_word *const first = output + x * words;
        fxp_word *const second = first + words;
        for (int32_t i = 0; i < words; ++i) {
            const uint32_t codes = both[i];
            first[i] = row == 0 ? codes : codes << 16;
            if (x + 1 < columns) {
                second[i] = row == 0 ? codes >> 16 : codes;
            }
        }
    }
}

/* Words { c0 | c1 } of two positions to bytes { p0c0 | p0c1 | p1c0 | p1c1 }; words is a multiple of 2. */
static inline void fxp_row_pair_depthwise(const fxp_word *p0, const fxp_word *p1, fxp_word *output, int32_t words) {
    const fxp_word *const end = p0 + words;
    while (p0 < end) {
        const uint32_t first = fxp_lows(p0[0], p1[0]) | fxp_highs(p0[0], p1[0]) << 8;
        const uint32_t second = fxp_lows(p0[1], p1[1]) | fxp_highs(p0[1], p1[1]) << 8;
        output[0] = first;
        output[1] = second;
        output += 2;
        p0 += 2;
        p1 += 2;
    }
}

#endif
