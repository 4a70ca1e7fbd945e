/*
 * The inner loop of a depthwise 3x3 convolution that adds one row of a stream to the sums of three output rows.
 *
 *     row      [channel]{ x0 x1 | x2 x3 | x4 - }, int16 codes without a sign, 0 behind the last one
 *     weights  [channel]{ of row 2, 1, 0 of the window: w2 + w1 z | w0, then what sums begin with }   w<column>, z = 2^16
 *     sums     [channel]{ of the row that is next to be complete | of the one behind it }, words of two lanes each
 *     output   position pairs, [position pair][channel pair]{ p0 c0c1 | p1 c0c1 }, then [channel pair] of the last one
 *
 * A word of two columns is a polynomial in z, and so is a row of the window; lanes are columns of the output:
 *
 *     (x0 + x1 z) (w2 + w1 z + w0 z^2)  =  y-1 | y0 , y1 | y2      lanes 0, 1, 2, 3
 *                  SMLAL       MLA          word 0   word 1
 *     (x2 + x3 z) (w2 + w1 z + w0 z^2)  =  y1 | y2 , y3 | y4       lanes 2, 3, 4, 5: words 1 and 2
 *
 *     for each channel pair, width 5
 *         codes                                     2 LDM
 *         sums of both output rows                  3 LDM, 4 STM
 *         weights of a row of the window            6 LDM; the third ones with what the next output row begins with
 *         2 SMLAL and 3 MLA for 13 products         30
 *         pack, saturate, shift, store              5 PKHBT or PKHTB, 5 USAT16, MOV, 5 AND, LDRD, 2 STRD, STR, STRD
 *         loop                                      LDR, CMP, BNE                                 69 for 78 products
 *
 * No row is loaded twice, and none is kept but as sums. With flip, lanes begin 2^15 higher and are never negative, so
 * nothing is carried from one to the next; EOR takes it off. Without, lanes have a sign, and what is below the code
 * tolerates what that carries: a lane borrows one from the next. SMLAL from word 1 to word 2 takes word 1 for a number
 * without a sign, so a carry is lost each time that SMLAL from word 0 or MLA changes its sign, which is once for a row of
 * the window at most. So lane 4 is off by -4 to 3 together; sums are times 8, and begin 4 higher.
 *
 * FXP_DEPTHWISE_LOOP_POSITION_PAIRS_DSP_LANES(name, width, words, flip, code_bit, bits) defines a function of type
 * fxp_depthwise_loop_position_pairs_dsp_lanes. Plain numbers: 2 <= width <= 5, words of a position at most 127,
 * code_bit + bits <= 15, bits <= 7.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_POSITION_PAIRS_DSP_LANES_H
#define FXP_DEPTHWISE_LOOP_POSITION_PAIRS_DSP_LANES_H

#include "nn/fxp_little_endian.h"
#include "nn/stream/fxp_stream.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Codes of the next channel: r4, r5, r6. */
#define FXP_CHANNEL_ROW_LOAD                                                                                           \
    ".if fxp_width == 2\n"                                                                                             \
    "ldr r4, [r0], #4\n"                                                                                               \
    ".elseif fxp_width <= 4\n"                                                                                         \
    "ldm r0!, {r4, r5}\n"                                                                                              \
    ".else\n"                                                                                                          \
    "ldm r0!, {r4-r6}\n"                                                                                               \
    ".endif\n"

/* An instruction with the registers of a channel's words of sums, of which there are two or three. */
#define FXP_CHANNEL_ROW_SUMS(instruction, two, three)                                                                  \
    ".if fxp_width <= 3\n"                                                                                             \
    instruction ", {" two "}\n"                                                                                        \
    ".else\n"                                                                                                          \
    instruction ", {" three "}\n"                                                                                      \
    ".endif\n"

/* All products of a row of the window, r7 r8. */
#define FXP_CHANNEL_ROW_PRODUCTS(sum0, sum1, sum2)                                                                     \
    "smlal " sum0 ", " sum1 ", r4, r7\n"                                                                               \
    "mla " sum1 ", r4, r8, " sum1 "\n"                                                                                 \
    ".if fxp_width == 3\n"                                                                                             \
    "mla " sum1 ", r5, r7, " sum1 "\n"                                                                                 \
    ".endif\n"                                                                                                         \
    ".if fxp_width >= 4\n"                                                                                             \
    "smlal " sum1 ", " sum2 ", r5, r7\n"                                                                               \
    "mla " sum2 ", r5, r8, " sum2 "\n"                                                                                 \
    ".endif\n"                                                                                                         \
    ".if fxp_width == 5\n"                                                                                             \
    "mla " sum2 ", r6, r7, " sum2 "\n"                                                                                 \
    ".endif\n"

/* The sums of the next output row but one begin, with row 0 of the window. */
#define FXP_CHANNEL_ROW_BEGIN                                                                                          \
    FXP_CHANNEL_ROW_SUMS("ldm r1!", "r7, r8, r11, r12", "r7, r8, r11, r12, lr")                                        \
    FXP_CHANNEL_ROW_PRODUCTS("r11", "r12", "lr")                                                                       \
    FXP_CHANNEL_ROW_SUMS("stm r2!", "r11, r12", "r11, r12, lr")

/* Sums of a channel pair become codes; r11 is the mask. */
#define FXP_CHANNEL_ROW_CODES(sums, flip, code_bit, bits)                                                              \
    ".if " #flip "\n"                                                                                                  \
    "eor " sums ", " sums ", #0x80008000\n"                                                                            \
    ".endif\n"                                                                                                         \
    "usat16 " sums ", #" #code_bit " + " #bits ", " sums "\n"                                                          \
    ".if " #code_bit "\n"                                                                                              \
    "and " sums ", r11, " sums ", lsr #" #code_bit "\n"                                                                \
    ".endif\n"

/* A channel's complete sums r3 r9 r10, and the other's r11 r12 lr, to all positions. */
#define FXP_CHANNEL_ROW_OUTPUT(words, flip, code_bit, bits)                                                            \
    "pkhtb r3, r11, r3, asr #16\n"                                                                                     \
    "mov r11, #((1 << " #bits ") - 1) * 0x10001\n"                                                                     \
    "pkhbt r7, r9, r12, lsl #16\n"                                                                                     \
    FXP_CHANNEL_ROW_CODES("r3", flip, code_bit, bits)                                                                  \
    FXP_CHANNEL_ROW_CODES("r7", flip, code_bit, bits)                                                                  \
    ".if fxp_width >= 3\n"                                                                                             \
    "pkhtb r9, r12, r9, asr #16\n"                                                                                     \
    FXP_CHANNEL_ROW_CODES("r9", flip, code_bit, bits)                                                                  \
    ".endif\n"                                                                                                         \
    ".if fxp_width >= 4\n"                                                                                             \
    "pkhbt r8, r10, lr, lsl #16\n"                                                                                     \
    FXP_CHANNEL_ROW_CODES("r8", flip, code_bit, bits)                                                                  \
    ".endif\n"                                                                                                         \
    ".if fxp_width == 5\n"                                                                                             \
    "pkhtb r10, lr, r10, asr #16\n"                                                                                    \
    FXP_CHANNEL_ROW_CODES("r10", flip, code_bit, bits)                                                                 \
    ".endif\n"                                                                                                         \
    "ldrd r12, lr, [sp]\n"                                                                                             \
    ".if fxp_width >= 4\n"                                                                                             \
    "strd r9, r8, [r12, #8 * " #words "]\n"                                                                            \
    ".endif\n"                                                                                                         \
    "strd r3, r7, [r12], #8\n"                                                                                         \
    ".if fxp_width == 3\n"                                                                                             \
    "str r9, [lr], #4\n"                                                                                               \
    ".endif\n"                                                                                                         \
    ".if fxp_width == 5\n"                                                                                             \
    "str r10, [lr], #4\n"                                                                                              \
    ".endif\n"                                                                                                         \
    "strd r12, lr, [sp]\n"

/* r0 row, r1 weights, r2 sums; stack: position pairs, last position, weights_end. */
#define FXP_DEPTHWISE_LOOP_POSITION_PAIRS_DSP_LANES(name, width, words, flip, code_bit, bits)                            \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *row,                                                                   \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) fxp_word *sums,                                                                        \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) const uint32_t *weights_end                                                            \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_width, " #width "\n"                                                                             \
            "push {r4-r11, lr}\n"                                                                                      \
            "ldr r6, [sp, #36]\n"                                                                                      \
            "addw r4, r3, #8 * " #words " * (" #width " / 2)\n"                                                        \
            "push {r3, r4, r6}\n"                                                                                      \
            "1:\n"                                                                                                     \
            FXP_CHANNEL_ROW_LOAD                                                                                       \
            FXP_CHANNEL_ROW_SUMS("ldm r2", "r3, r9, r11, r12", "r3, r9-r12, lr")                                       \
            "ldm r1!, {r7, r8}\n"                                                                                      \
            FXP_CHANNEL_ROW_PRODUCTS("r3", "r9", "r10")                                                                \
            "ldm r1!, {r7, r8}\n"                                                                                      \
            FXP_CHANNEL_ROW_PRODUCTS("r11", "r12", "lr")                                                               \
            FXP_CHANNEL_ROW_SUMS("stm r2!", "r11, r12", "r11, r12, lr")                                                \
            FXP_CHANNEL_ROW_BEGIN                                                                                      \
            FXP_CHANNEL_ROW_LOAD                                                                                       \
            FXP_CHANNEL_ROW_SUMS("ldm r2!", "r11, r12", "r11, r12, lr")                                                \
            "ldm r1!, {r7, r8}\n"                                                                                      \
            FXP_CHANNEL_ROW_PRODUCTS("r11", "r12", "lr")                                                               \
            FXP_CHANNEL_ROW_OUTPUT(words, flip, code_bit, bits)                                                        \
            FXP_CHANNEL_ROW_SUMS("ldm r2", "r11, r12", "r11, r12, lr")                                                 \
            "ldm r1!, {r7, r8}\n"                                                                                      \
            FXP_CHANNEL_ROW_PRODUCTS("r11", "r12", "lr")                                                               \
            FXP_CHANNEL_ROW_SUMS("stmdb r2", "r11, r12", "r11, r12, lr")                                               \
            FXP_CHANNEL_ROW_BEGIN                                                                                      \
            "ldr r7, [sp, #8]\n"                                                                                       \
            "cmp r1, r7\n"                                                                                             \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #12\n"                                                                                        \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_DEPTHWISE_LOOP_POSITION_PAIRS_DSP_LANES(name, width, words, flip, code_bit, bits)                          \
    static void name(                                                                                                  \
        const fxp_word *row, const uint32_t *weights, fxp_word *sums, fxp_word *output, const uint32_t *weights_end    \
    ) {                                                                                                                \
        fxp_channel_rows_twin(row, weights, sums, output, weights_end, width, words, flip, fxp_usat(code_bit, bits));  \
    }

/* All products of a row of the window with a channel's codes. */
static inline void
fxp_channel_row_products(fxp_word *sums, const fxp_word *row, const uint32_t *weights, int32_t width) {
    for (int32_t word = 0; 2 * word < width; ++word) {
        if (2 * word + 1 < width) {
            fxp_smlal(sums + word, row[word], weights[0]);
            sums[word + 1] += row[word] * weights[1];
        } else {
            sums[word] += row[word] * weights[0];
        }
    }
}

/* Of a column of the output, whose lane is one higher, the code. */
static inline int32_t fxp_channel_row_code(const uint32_t *sums, int32_t x, int32_t flip, fxp_requantization to) {
    const uint32_t half = sums[(x + 1) / 2] >> 16 * ((x + 1) % 2) & 0xffffu;
    return fxp_requantize((int16_t)(half ^ (flip ? 0x8000u : 0)), to);
}

/* A channel's codes into the upper or the lower halves of the output. */
static inline void fxp_channel_row_output(
    const uint32_t *sums,
    fxp_word *output,
    int32_t odd,
    int32_t width,
    int32_t words,
    int32_t channel_pair,
    int32_t flip,
    fxp_requantization to
) {
    for (int32_t x = 0; x < width; ++x) {
        const int32_t last = x == width - 1 && x % 2 == 0;
        fxp_word *const at = output + 2 * words * (x / 2) + (last ? channel_pair : 2 * channel_pair + x % 2);
        const uint32_t code = (uint32_t)fxp_channel_row_code(sums, x, flip, to);
        *at = odd ? (*at & 0xffffu) | code << 16 : code;
    }
}

static inline void fxp_channel_rows_twin(
    const fxp_word *row,
    const uint32_t *weights,
    fxp_word *sums,
    fxp_word *output,
    const uint32_t *weights_end,
    int32_t width,
    int32_t words,
    int32_t flip,
    fxp_requantization to
) {
    const int32_t sum_words = width / 2 + 1;
    for (int32_t channel = 0; weights < weights_end; ++channel) {
        uint32_t complete[3] = {0};
        for (int32_t i = 0; i < sum_words; ++i) {
            complete[i] = sums[i];
            sums[i] = sums[sum_words + i];
            sums[sum_words + i] = weights[6 + i];
        }
        fxp_channel_row_products(complete, row, weights, width);
        fxp_channel_row_products(sums, row, weights + 2, width);
        fxp_channel_row_products(sums + sum_words, row, weights + 4, width);
        fxp_channel_row_output(complete, output, channel % 2, width, words, channel / 2, flip, to);
        row += (width + 1) / 2;
        weights += 6 + sum_words;
        sums += 2 * sum_words;
    }
}

#endif

#endif
