/*
 * The inner loop of a depthwise 3x3 convolution that makes one row of a stream: all channels of it.
 *
 *     rows     [3][width][channels], int16: the two rows before, and the new one; a word is channels c0 c1
 *     weights  [channel]{ w00w10 | w01w11 | w02w12 | w20w21 | w22 | bias }      w<row><column>
 *
 *     column x:  p = row 0, row 1 of a channel    LDR LDR PKHBT (c0) or PKHTB (c1)
 *                q = row 2 of c0 and c1           LDR
 *     each column of the input adds to three outputs, whose accumulators take turns in three registers:
 *         x - 1 += p * w02w12, q * w22            SMLAD SMLABB, and it is done: USAT STRH
 *         x     += p * w01w11, q * w21            SMLAD SMLABT
 *         x + 1  = p * w00w10, q * w20 + bias     SMLAD SMLABB                          26 for 39 products, width 5
 *
 * Nothing is copied: padding to the left and right are products that are left out. Six words of weights, three
 * accumulators, two words of input and three pointers are all fourteen registers: hence assembly.
 *
 * FXP_DEPTHWISE_LOOP_S16_ROWS_DSP(name, width, position_bytes, shift, saturate, bits) defines a function of type
 * fxp_depthwise_loop_s16_rows_dsp. Arguments are plain numbers but saturate, which is usat or ssat; 1 <= shift <= 31,
 * and three rows have at most 2^16 bytes.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_S16_ROWS_DSP_H
#define FXP_DEPTHWISE_LOOP_S16_ROWS_DSP_H

#include "nn/fxp_little_endian.h"
#include "nn/stream/fxp_stream.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* A word at any distance from r0. */
#define FXP_ROW_LOAD(to, at)                                                                                           \
    ".if (" at ") <= 4095\n"                                                                                           \
    "ldr " to ", [r0, #" at "]\n"                                                                                      \
    ".else\n"                                                                                                          \
    "movw " to ", #" at "\n"                                                                                           \
    "ldr " to ", [r0, " to "]\n"                                                                                       \
    ".endif\n"

/* An accumulator that is complete: the code at fxp_out, through lr. */
#define FXP_ROW_STORE(sum, half, shift, saturate, bits)                                                                \
    saturate " " sum ", #" bits ", " sum ", asr #" shift "\n"                                                          \
    ".if fxp_out + " half " <= 4095\n"                                                                                 \
    "strh " sum ", [r2, #fxp_out + " half "]\n"                                                                        \
    ".else\n"                                                                                                          \
    "movw lr, #fxp_out + " half "\n"                                                                                   \
    "strh " sum ", [r2, lr]\n"                                                                                         \
    ".endif\n"                                                                                                         \
    ".set fxp_out, fxp_out + fxp_size\n"

/* Column fxp_x of one channel; before, at and after: accumulators of the outputs there. q is B or T, the channel's
 * half. */
#define FXP_ROW_COLUMN(before, at, after, pack, q, half, shift, saturate, bits)                                        \
    ".if fxp_x < fxp_width\n"                                                                                          \
    FXP_ROW_LOAD("r3", "fxp_at")                                                                                       \
    FXP_ROW_LOAD("lr", "fxp_at + fxp_row")                                                                             \
    pack                                                                                                               \
    FXP_ROW_LOAD("lr", "fxp_at + 2 * fxp_row")                                                                         \
    ".if fxp_x == 0\n"                                                                                                 \
    "smlad " at ", r3, r5, r9\n"                                                                                       \
    ".else\n"                                                                                                          \
    "smlad " at ", r3, r5, " at "\n"                                                                                   \
    "smlad " before ", r3, r6, " before "\n"                                                                           \
    "smla" q "b " before ", lr, r8, " before "\n"                                                                      \
    ".endif\n"                                                                                                         \
    "smla" q "t " at ", lr, r7, " at "\n"                                                                              \
    ".if fxp_x < fxp_width - 1\n"                                                                                      \
    "smlad " after ", r3, r4, r9\n"                                                                                    \
    "smla" q "b " after ", lr, r7, " after "\n"                                                                        \
    ".endif\n"                                                                                                         \
    ".if fxp_x > 0\n"                                                                                                  \
    FXP_ROW_STORE(before, half, shift, saturate, bits)                                                                 \
    ".endif\n"                                                                                                         \
    ".if fxp_x == fxp_width - 1\n"                                                                                     \
    FXP_ROW_STORE(at, half, shift, saturate, bits)                                                                     \
    ".endif\n"                                                                                                         \
    ".set fxp_x, fxp_x + 1\n"                                                                                          \
    ".set fxp_at, fxp_at + fxp_size\n"                                                                                 \
    ".endif\n"

#define FXP_ROW_CHANNEL(pack, q, half, shift, saturate, bits)                                                          \
    "ldm r1!, {r4-r9}\n"                                                                                               \
    ".set fxp_x, 0\n"                                                                                                  \
    ".set fxp_at, 0\n"                                                                                                 \
    ".set fxp_out, 0\n"                                                                                                \
    ".rept (fxp_width + 2) / 3\n"                                                                                      \
    FXP_ROW_COLUMN("r12", "r10", "r11", pack, q, half, shift, saturate, bits)                                          \
    FXP_ROW_COLUMN("r10", "r11", "r12", pack, q, half, shift, saturate, bits)                                          \
    FXP_ROW_COLUMN("r11", "r12", "r10", pack, q, half, shift, saturate, bits)                                          \
    ".endr\n"

/* r0 rows, r1 r4 to r9 weights, r2 output, r3 p, lr q, r10 to r12 accumulators; stack: end of the weights. */
#define FXP_DEPTHWISE_LOOP_S16_ROWS_DSP(name, width, position_bytes, shift, saturate, bits)                            \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *rows,                                                                  \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) const uint32_t *weights_end                                                            \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_width, " #width "\n"                                                                             \
            ".set fxp_size, " #position_bytes "\n"                                                                     \
            ".set fxp_row, " #position_bytes " * " #width "\n"                                                         \
            "push {r3-r11, lr}\n"                                                                                      \
            "1:\n"                                                                                                     \
            FXP_ROW_CHANNEL("pkhbt r3, r3, lr, lsl #16\n", "b", "0", #shift, #saturate, #bits)                         \
            FXP_ROW_CHANNEL("pkhtb r3, lr, r3, asr #16\n", "t", "2", #shift, #saturate, #bits)                         \
            "ldr r3, [sp]\n"                                                                                           \
            "add r0, r0, #4\n"                                                                                         \
            "add r2, r2, #4\n"                                                                                         \
            "cmp r1, r3\n"                                                                                             \
            "bne 1b\n"                                                                                                 \
            "pop {r3-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }

#else

#define FXP_DEPTHWISE_LOOP_S16_ROWS_DSP(name, width, position_bytes, shift, saturate, bits)                            \
    static void name(                                                                                                  \
        const fxp_word *rows, const uint32_t *weights, fxp_word *output, const uint32_t *weights_end                   \
    ) {                                                                                                                \
        fxp_depthwise_rows_twin(                                                                                       \
            rows, weights, output, weights_end, width, (position_bytes) / 4, fxp_##saturate(shift, bits)               \
        );                                                                                                             \
    }

/* The weight of a row and a column of the window. */
static inline int32_t fxp_row_weight(const uint32_t *weights, int32_t row, int32_t column) {
    const uint32_t word = weights[row < 2 ? column : 3 + column / 2];
    return (row < 2 ? row : column % 2) == 0 ? fxp_low(word) : fxp_high(word);
}

static inline void fxp_depthwise_rows_twin(
    const fxp_word *rows,
    const uint32_t *weights,
    fxp_word *output,
    const uint32_t *weights_end,
    int32_t width,
    int32_t words,
    fxp_requantization to
) {
    for (; weights < weights_end; weights += 12) {
        uint32_t before = 0;
        for (int32_t x = 0; x < width; ++x) {
            const uint32_t at = rows[x * words];
            int32_t sum0 = (int32_t)weights[5];
            int32_t sum1 = (int32_t)weights[11];
            for (int32_t row = 0; row < 3; ++row) {
                for (int32_t column = x == 0; column < 3 - (x == width - 1); ++column) {
                    const fxp_word *const read = rows + (row * width + x + column - 1) * words;
                    const uint32_t codes = row == 0 && column == 0 ? before : *read;
                    sum0 += fxp_low(codes) * fxp_row_weight(weights, row, column);
                    sum1 += fxp_high(codes) * fxp_row_weight(weights + 6, row, column);
                }
            }
            output[x * words] = fxp_halves(fxp_requantize(sum0, to), fxp_requantize(sum1, to));
            before = at;
        }
        ++rows;
        ++output;
    }
}

#endif
// clang-format on

#endif
