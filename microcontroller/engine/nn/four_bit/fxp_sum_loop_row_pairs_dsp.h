/*
 * The inner loop of an average pooling on row pairs: sums of two or four words of a column, down any number of columns.
 *
 *     input    row pairs for depthwise: words { p0c0 | p0c1 | p1c0 | p1c1 }, position_bytes from column to column
 *     sums     [word]{ p0c0 | p1c0 || p0c1 | p1c1 } as halfwords, to which it adds
 *
 *     for each so many columns, unrolled              four words
 *         each column, `bytes` 0                       LDM, ADD, 8 UXTAB16                                    10
 *         each column, `bytes` 1                       LDM, ADD, 4 UADD8 (none for the first one)              6
 *             sums of bytes to those of halfwords      LDM, 8 UXTAB16, STM, LDR                               11
 *         loop                                         CMP, BNE
 *
 * FXP_SUM_LOOP_ROW_PAIRS_DSP(name, words, columns, position_bytes, bytes) defines a function of type
 * fxp_sum_loop_row_pairs_dsp. Plain numbers: words 2 or 4; the columns from input to input_end are a multiple of
 * `columns`; bytes 1 where a sum of so many codes fits a byte, as the plan proves; position_bytes <= 4095.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_SUM_LOOP_ROW_PAIRS_DSP_H
#define FXP_SUM_LOOP_ROW_PAIRS_DSP_H

#include "nn/four_bit/fxp_four_bit.h"
#include "nn/fxp_little_endian.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Words of codes, or of sums of bytes, to sums of halfwords. */
#define FXP_SUM_HALVES(word, first, second)                                                                            \
    "uxtab16 " first ", " first ", " word "\n"                                                                         \
    "uxtab16 " second ", " second ", " word ", ror #8\n"

/* A turn of columns, whose sums are r4 to r11 (r4 to r7 for two words); r0 input. */
#define FXP_SUM_COLUMNS(words, columns, position_bytes)                                                                \
    ".rept " #columns "\n"                                                                                             \
    ".if " #words " == 4\n"                                                                                            \
    "ldm r0, {r2, r3, r12, lr}\n"                                                                                      \
    FXP_SUM_HALVES("r2", "r4", "r5")                                                                                   \
    FXP_SUM_HALVES("r3", "r6", "r7")                                                                                   \
    FXP_SUM_HALVES("r12", "r8", "r9")                                                                                  \
    FXP_SUM_HALVES("lr", "r10", "r11")                                                                                 \
    ".else\n"                                                                                                          \
    "ldm r0, {r2, r3}\n"                                                                                               \
    FXP_SUM_HALVES("r2", "r4", "r5")                                                                                   \
    FXP_SUM_HALVES("r3", "r6", "r7")                                                                                   \
    ".endif\n"                                                                                                         \
    "addw r0, r0, #" #position_bytes "\n"                                                                              \
    ".endr\n"

/* The same as bytes in r4 to r7, then added to the sums at r1. */
#define FXP_SUM_COLUMNS_OF_BYTES(words, columns, position_bytes)                                                       \
    ".if " #words " == 4\n"                                                                                            \
    "ldm r0, {r4-r7}\n"                                                                                                \
    ".else\n"                                                                                                          \
    "ldm r0, {r4-r5}\n"                                                                                                \
    ".endif\n"                                                                                                         \
    "addw r0, r0, #" #position_bytes "\n"                                                                              \
    ".rept " #columns " - 1\n"                                                                                         \
    ".if " #words " == 4\n"                                                                                            \
    "ldm r0, {r8-r11}\n"                                                                                               \
    "uadd8 r6, r6, r10\n"                                                                                              \
    "uadd8 r7, r7, r11\n"                                                                                              \
    ".else\n"                                                                                                          \
    "ldm r0, {r8-r9}\n"                                                                                                \
    ".endif\n"                                                                                                         \
    "uadd8 r4, r4, r8\n"                                                                                               \
    "uadd8 r5, r5, r9\n"                                                                                               \
    "addw r0, r0, #" #position_bytes "\n"                                                                              \
    ".endr\n"                                                                                                          \
    ".if " #words " == 4\n"                                                                                            \
    "ldm r1, {r2, r3, r8-r12, lr}\n"                                                                                   \
    FXP_SUM_HALVES("r4", "r2", "r3")                                                                                   \
    FXP_SUM_HALVES("r5", "r8", "r9")                                                                                   \
    FXP_SUM_HALVES("r6", "r10", "r11")                                                                                 \
    FXP_SUM_HALVES("r7", "r12", "lr")                                                                                  \
    "stm r1, {r2, r3, r8-r12, lr}\n"                                                                                   \
    ".else\n"                                                                                                          \
    "ldm r1, {r2, r3, r8, r9}\n"                                                                                       \
    FXP_SUM_HALVES("r4", "r2", "r3")                                                                                   \
    FXP_SUM_HALVES("r5", "r8", "r9")                                                                                   \
    "stm r1, {r2, r3, r8, r9}\n"                                                                                       \
    ".endif\n"

/* Stack: with bytes input_end, else sums. */
#define FXP_SUM_LOOP_ROW_PAIRS_DSP(name, words, columns, position_bytes, bytes)                                        \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *input,                                                                 \
        __attribute__((unused)) const fxp_word *input_end,                                                             \
        __attribute__((unused)) uint32_t *sums                                                                         \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".if " #bytes "\n"                                                                                         \
            "push {r1, r4-r11, lr}\n"                                                                                  \
            "mov r1, r2\n"                                                                                             \
            "1:\n"                                                                                                     \
            FXP_SUM_COLUMNS_OF_BYTES(words, columns, position_bytes)                                                   \
            "ldr r2, [sp]\n"                                                                                           \
            "cmp r0, r2\n"                                                                                             \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #4\n"                                                                                         \
            ".else\n"                                                                                                  \
            "push {r2, r4-r11, lr}\n"                                                                                  \
            "ldm r2, {r4-r11}\n"                                                                                       \
            "2:\n"                                                                                                     \
            FXP_SUM_COLUMNS(words, columns, position_bytes)                                                            \
            "cmp r0, r1\n"                                                                                             \
            "bne.w 2b\n"                                                                                               \
            "ldr r2, [sp], #4\n"                                                                                       \
            "stm r2, {r4-r11}\n"                                                                                       \
            ".endif\n"                                                                                                 \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_SUM_LOOP_ROW_PAIRS_DSP(name, words, columns, position_bytes, bytes)                                        \
    static void name(const fxp_word *input, const fxp_word *input_end, uint32_t *sums) {                               \
        fxp_sum_twin(input, input_end, sums, words, columns, (position_bytes) / 4, bytes);                             \
    }

/* Bytes without a carry from one to the next. */
static inline uint32_t fxp_add_bytes(uint32_t a, uint32_t b) {
    const uint32_t even = (a & 0x00ff00ffu) + (b & 0x00ff00ffu);
    const uint32_t odd = (a & 0xff00ff00u) + (b & 0xff00ff00u);
    return (even & 0x00ff00ffu) | (odd & 0xff00ff00u);
}

static inline void fxp_sum_twin(
    const fxp_word *input,
    const fxp_word *input_end,
    uint32_t *sums,
    int32_t words,
    int32_t columns,
    int32_t position_words,
    int32_t bytes
) {
    const int32_t at_once = bytes ? columns : 1;
    for (; input < input_end; input += at_once * position_words) {
        for (int32_t word = 0; word < words; ++word) {
            uint32_t sum = input[word];
            for (int32_t column = 1; column < at_once; ++column) {
                sum = fxp_add_bytes(sum, input[column * position_words + word]);
            }
            sums[2 * word] = fxp_uxtab16(sums[2 * word], sum);
            sums[2 * word + 1] = fxp_uxtab16_ror8(sums[2 * word + 1], sum);
        }
    }
}

#endif

#endif
