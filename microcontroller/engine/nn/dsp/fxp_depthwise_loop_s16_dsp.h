/*
 * The inner loop of a depthwise 3x3 convolution with stride 1: one channel, two rows at a time.
 *
 *     panel    as fxp_panels_s16_dsp.h writes it
 *     weights  as fxp_depthwise_output_s16_dsp.h draws them
 *
 *     row 2i      p  a  a .      a: row pair i, column x .. x + 2       SMLAD  a, w0w1    SMLABT b, w2
 *     row 2i + 1  p  a  a b      output rows 2i and 2i + 1 take     SMLATB a, w0      SMLAD  b, w1w2
 *     row 2i + 2     b  b b      both: 12 instructions          b: row pair i + 1
 *     row 2i + 3        b b      for 18 products
 *
 * Two columns at a time share their loads: four outputs in 24 multiply instructions, 4 LDRD, 1 LDR (bias), 4 USAT and
 * 4 STRH. Six words of weights, four accumulators, two words of input and two pointers are all fourteen registers, and
 * no compiler forms SMLATB and LDRD of this pattern: hence assembly.
 *
 * FXP_DEPTHWISE_LOOP_S16_DSP(name, output_width, position_bytes, shift, saturate, bits) defines a function of type
 * fxp_depthwise_loop_s16_dsp. Arguments are plain numbers but saturate, which is usat or ssat; position_bytes, of all
 * channels of one position, is at most 2047, a width at most 120, 1 <= shift <= 31.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_S16_DSP_H
#define FXP_DEPTHWISE_LOOP_S16_DSP_H

#include "nn/dsp/fxp_depthwise_output_s16_dsp.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* Two rows of the window's column on the input word `from`: into accumulators of output rows 2i and 2i + 1. */
#define FXP_DEPTHWISE_UPPER(from, w0w1, row0, row1)                                                                    \
    "smlad " row0 ", " from ", " w0w1 ", " row0 "\n"                                                                   \
    "smlatb " row1 ", " from ", " w0w1 ", " row1 "\n"
#define FXP_DEPTHWISE_LOWER(from, w1w2, row0, row1)                                                                    \
    "smlabt " row0 ", " from ", " w1w2 ", " row0 "\n"                                                                  \
    "smlad " row1 ", " from ", " w1w2 ", " row1 "\n"

/* r0 panel, r1 output, r2 r3 input words, r4 to r9 weights, r10 r11 row 2i at two columns, r12 lr row 2i + 1;
 * stack: bias, end of the whole row pairs, whether an odd row comes. */
#define FXP_DEPTHWISE_LOOP_S16_DSP(name, output_width, position_bytes, shift, saturate, bits)                          \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *panel,                                                                 \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) void *output,                                                                          \
        __attribute__((unused)) int32_t rows                                                                           \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_size, " #position_bytes "\n"                                                                     \
            ".set fxp_row, " #position_bytes " * " #output_width "\n"                                                  \
            ".set fxp_panel_row, 4 * (" #output_width " + 2)\n"                                                        \
            ".set fxp_near, (2 * fxp_row <= 4096)\n"                                                                   \
            "push {r4-r11, lr}\n"                                                                                      \
            "movs r12, #fxp_panel_row\n"                                                                               \
            "lsr r11, r3, #1\n"                                                                                        \
            "and lr, r3, #1\n"                                                                                         \
            "mla r12, r11, r12, r0\n"                                                                                  \
            "ldm r1!, {r4-r9, r11}\n"                                                                                  \
            "push {r11, r12, lr}\n"                                                                                    \
            "mov r1, r2\n"                                                                                             \
            "cmp r0, r12\n"                                                                                            \
            "beq 2f\n"                                                                                                 \
            "1:\n"                                                                                                     \
            ".set fxp_x, 0\n"                                                                                          \
            ".set fxp_at, 0\n"                                                                                         \
            ".rept " #output_width " / 2\n"                                                                            \
            "ldr r10, [sp]\n"                                                                                          \
            "ldrd r2, r3, [r0, #fxp_x]\n"                                                                              \
            "smlad r11, r3, r4, r10\n"                                                                                 \
            "smlatb lr, r3, r4, r10\n"                                                                                 \
            "smlatb r12, r2, r4, r10\n"                                                                                \
            "smlad r10, r2, r4, r10\n"                                                                                 \
            FXP_DEPTHWISE_UPPER("r3", "r6", "r10", "r12")                                                              \
            "ldrd r2, r3, [r0, #fxp_x + 8]\n"                                                                          \
            FXP_DEPTHWISE_UPPER("r2", "r8", "r10", "r12")                                                              \
            FXP_DEPTHWISE_UPPER("r2", "r6", "r11", "lr")                                                               \
            FXP_DEPTHWISE_UPPER("r3", "r8", "r11", "lr")                                                               \
            "ldrd r2, r3, [r0, #fxp_x + fxp_panel_row]\n"                                                              \
            FXP_DEPTHWISE_LOWER("r2", "r5", "r10", "r12")                                                              \
            FXP_DEPTHWISE_LOWER("r3", "r7", "r10", "r12")                                                              \
            FXP_DEPTHWISE_LOWER("r3", "r5", "r11", "lr")                                                               \
            "ldrd r2, r3, [r0, #fxp_x + fxp_panel_row + 8]\n"                                                          \
            FXP_DEPTHWISE_LOWER("r2", "r9", "r10", "r12")                                                              \
            FXP_DEPTHWISE_LOWER("r2", "r7", "r11", "lr")                                                               \
            FXP_DEPTHWISE_LOWER("r3", "r9", "r11", "lr")                                                               \
            #saturate " r10, #" #bits ", r10, asr #" #shift "\n"                                                       \
            #saturate " r11, #" #bits ", r11, asr #" #shift "\n"                                                       \
            #saturate " r12, #" #bits ", r12, asr #" #shift "\n"                                                       \
            #saturate " lr, #" #bits ", lr, asr #" #shift "\n"                                                         \
            "strh r10, [r1, #fxp_at]\n"                                                                                \
            "strh r11, [r1, #fxp_at + fxp_size]\n"                                                                     \
            ".if fxp_near\n"                                                                                           \
            "strh r12, [r1, #fxp_at + fxp_row]\n"                                                                      \
            "strh lr, [r1, #fxp_at + fxp_row + fxp_size]\n"                                                            \
            ".set fxp_at, fxp_at + 2 * fxp_size\n"                                                                     \
            ".else\n"                                                                                                  \
            "movw r2, #fxp_row\n"                                                                                      \
            "add r2, r2, r1\n"                                                                                         \
            "strh r12, [r2]\n"                                                                                         \
            "strh lr, [r2, #fxp_size]\n"                                                                               \
            "add r1, r1, #2 * fxp_size\n"                                                                              \
            ".endif\n"                                                                                                 \
            ".set fxp_x, fxp_x + 8\n"                                                                                  \
            ".endr\n"                                                                                                  \
            ".if " #output_width " & 1\n"                                                                              \
            "ldr r10, [sp]\n"                                                                                          \
            "ldrd r2, r3, [r0, #fxp_x]\n"                                                                              \
            "ldr r11, [r0, #fxp_x + 8]\n"                                                                              \
            "smlatb r12, r2, r4, r10\n"                                                                                \
            "smlad r10, r2, r4, r10\n"                                                                                 \
            FXP_DEPTHWISE_UPPER("r3", "r6", "r10", "r12")                                                              \
            FXP_DEPTHWISE_UPPER("r11", "r8", "r10", "r12")                                                             \
            "ldrd r2, r3, [r0, #fxp_x + fxp_panel_row]\n"                                                              \
            "ldr r11, [r0, #fxp_x + fxp_panel_row + 8]\n"                                                              \
            FXP_DEPTHWISE_LOWER("r2", "r5", "r10", "r12")                                                              \
            FXP_DEPTHWISE_LOWER("r3", "r7", "r10", "r12")                                                              \
            FXP_DEPTHWISE_LOWER("r11", "r9", "r10", "r12")                                                             \
            #saturate " r10, #" #bits ", r10, asr #" #shift "\n"                                                       \
            #saturate " r12, #" #bits ", r12, asr #" #shift "\n"                                                       \
            "strh r10, [r1, #fxp_at]\n"                                                                                \
            ".if fxp_near\n"                                                                                           \
            "strh r12, [r1, #fxp_at + fxp_row]\n"                                                                      \
            ".else\n"                                                                                                  \
            "movw r2, #fxp_row\n"                                                                                      \
            "strh r12, [r1, r2]\n"                                                                                     \
            "add r1, r1, #fxp_size\n"                                                                                  \
            ".endif\n"                                                                                                 \
            ".endif\n"                                                                                                 \
            "ldr r3, [sp, #4]\n"                                                                                       \
            ".if fxp_near\n"                                                                                           \
            "add r1, r1, #2 * fxp_row\n"                                                                               \
            ".else\n"                                                                                                  \
            "movw r2, #fxp_row\n"                                                                                      \
            "add r1, r1, r2\n"                                                                                         \
            ".endif\n"                                                                                                 \
            "add r0, r0, #fxp_panel_row\n"                                                                             \
            "cmp r0, r3\n"                                                                                             \
            "bne 1b\n"                                                                                                 \
            "2:\n"                                                                                                     \
            "ldr r3, [sp, #8]\n"                                                                                       \
            "cmp r3, #0\n"                                                                                             \
            "beq 4f\n"                                                                                                 \
            ".set fxp_x, 0\n"                                                                                          \
            ".set fxp_at, 0\n"                                                                                         \
            ".rept " #output_width " / 2\n"                                                                            \
            "ldr r10, [sp]\n"                                                                                          \
            "ldrd r2, r3, [r0, #fxp_x]\n"                                                                              \
            "ldrd r12, lr, [r0, #fxp_x + 8]\n"                                                                         \
            "smlad r11, r3, r4, r10\n"                                                                                 \
            "smlad r10, r2, r4, r10\n"                                                                                 \
            "smlad r11, r12, r6, r11\n"                                                                                \
            "smlad r10, r3, r6, r10\n"                                                                                 \
            "smlad r11, lr, r8, r11\n"                                                                                 \
            "smlad r10, r12, r8, r10\n"                                                                                \
            "ldrd r2, r3, [r0, #fxp_x + fxp_panel_row]\n"                                                              \
            "ldrd r12, lr, [r0, #fxp_x + fxp_panel_row + 8]\n"                                                         \
            "smlabt r11, r3, r5, r11\n"                                                                                \
            "smlabt r10, r2, r5, r10\n"                                                                                \
            "smlabt r11, r12, r7, r11\n"                                                                               \
            "smlabt r10, r3, r7, r10\n"                                                                                \
            "smlabt r11, lr, r9, r11\n"                                                                                \
            "smlabt r10, r12, r9, r10\n"                                                                               \
            #saturate " r10, #" #bits ", r10, asr #" #shift "\n"                                                       \
            #saturate " r11, #" #bits ", r11, asr #" #shift "\n"                                                       \
            "strh r10, [r1, #fxp_at]\n"                                                                                \
            "strh r11, [r1, #fxp_at + fxp_size]\n"                                                                     \
            ".if fxp_near\n"                                                                                           \
            ".set fxp_at, fxp_at + 2 * fxp_size\n"                                                                     \
            ".else\n"                                                                                                  \
            "add r1, r1, #2 * fxp_size\n"                                                                              \
            ".endif\n"                                                                                                 \
            ".set fxp_x, fxp_x + 8\n"                                                                                  \
            ".endr\n"                                                                                                  \
            ".if " #output_width " & 1\n"                                                                              \
            "ldr r10, [sp]\n"                                                                                          \
            FXP_DEPTHWISE_OUTPUT("r10", shift, saturate, bits)                                                         \
            ".endif\n"                                                                                                 \
            "4:\n"                                                                                                     \
            "add sp, sp, #12\n"                                                                                        \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_DEPTHWISE_LOOP_S16_DSP(name, output_width, position_bytes, shift, saturate, bits)                          \
    static void name(const fxp_word *panel, const uint32_t *weights, void *output, int32_t rows) {                     \
        fxp_depthwise_twin(panel, weights, output, rows, output_width, position_bytes, fxp_##saturate(shift, bits));   \
    }

/* The sum under a window of rows 2i + 1 to 2i + 3. */
static inline int32_t fxp_depthwise_odd_sum(const fxp_word *upper, const fxp_word *lower, const uint32_t *weights) {
    int32_t sum = (int32_t)weights[6];
    for (int32_t column = 0; column < 3; ++column) {
        sum = fxp_smlad(lower[column], weights[2 * column + 1], sum);
        sum += fxp_high(upper[column]) * fxp_low(weights[2 * column]);
    }
    return sum;
}

static inline void fxp_depthwise_twin(
    const fxp_word *panel,
    const uint32_t *weights,
    void *output,
    int32_t rows,
    int32_t output_width,
    int32_t position_bytes,
    fxp_requantization to
) {
    const int32_t panel_width = output_width + 2;
    fxp_code16 *out = output;
    for (int32_t y = 0; y < rows; ++y) {
        for (int32_t x = 0; x < output_width; ++x) {
            const fxp_word *upper = panel + y / 2 * panel_width + x;
            const fxp_word *lower = upper + panel_width;
            const int32_t sum =
                y % 2 == 0 ? fxp_depthwise_sum(upper, lower, weights) : fxp_depthwise_odd_sum(upper, lower, weights);
            out[(y * output_width + x) * (position_bytes / 2)] = fxp_requantize(sum, to);
        }
    }
}

#endif

#endif
