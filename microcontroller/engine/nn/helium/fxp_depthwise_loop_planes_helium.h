/*
 * The inner loop of a depthwise 3x3 convolution on planes of at most six columns: all windows of all channels.
 *
 *     window   the first window's first code; one plane after the other, a row of zeros between them
 *     weights  [channel]{ [4]{ 16 codes } | bias less 2^(narrowing shift - 1), see fxp_requantize_helium.h }
 *     output   [position][channel]; a channel's positions are eight at once at output[offsets[0 .. 7]]
 *
 * Three rows of a plane are so short that sixteen codes from memory hold a whole window, so an output is one VMLADAV by
 * a vector with the nine weights in their places and zeros between them:
 *
 *     x00 x01 x02  .   .  x10 x11 x12  .   .  x20 x21 x22  .   .   .        five columns
 *     w00 w01 w02  0   0  w10 w11 w12  0   0  w20 w21 w22  0   0   0
 *      0  w00 w01 w02  0   0  w10 w11 w12  0   0  w20 w21 w22  0   0        the next output, of the same sixteen codes
 *
 * A window that reaches beyond its row finds the end of the row above or the start of the row below: its vector has
 * zeros there. Four vectors do for all columns: `pattern` holds a hexadecimal digit per column, the first one lowest:
 * which vector, plus 8 where it begins with new codes from memory. Eight accumulators are made before they are moved to
 * vectors:
 *
 *     for each channel
 *         four vectors, bias                                      4 VLDRB, LDR
 *         for each 8 rows of 5 columns, unrolled
 *             for each 8 outputs
 *                 codes, 2 loads per row                          3.2 VLDRB
 *                 windows                                         8 VMLADAV
 *                 to vectors, add bias                            4 VMOV, 2 VADD
 *                 requantize (fxp_requantize_helium.h)            3 or 4
 *                 scatter eight codes                             VSTRB, ADD            24 for 72 MAC
 *
 * No sum of products leaves 32 bits, so nothing has to be proved. Assembly because the eight accumulators, five
 * pointers and eight vectors are all that there is, and the compiler moves single lanes.
 *
 * FXP_DEPTHWISE_LOOP_PLANES_HELIUM(name, height, width, rows, columns, stride, channels, pattern, shift, saturate,
 * bits) defines a function of type fxp_depthwise_loop_planes_helium: plain numbers, height and width of the input,
 * channels of the output in memory; width <= 6, stride 1 or 2, 8 * channels <= 65535, 0 <= shift <= 30. saturate is
 * usat or ssat.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_PLANES_HELIUM_H
#define FXP_DEPTHWISE_LOOP_PLANES_HELIUM_H

#include "nn/dsp/fxp_words.h"
#include "nn/fxp_little_endian.h"
#include "nn/helium/fxp_helium.h"
#include "nn/helium/fxp_requantize_helium.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)

// clang-format off: one instruction per line
/* Accumulators 0 to 7 are r0, r2, ... r14: lanes 0 to 3 of q5 and of q6. The first `count` of them are outputs. */
#define FXP_WINDOW_STORE(count, shift, saturate, bits)                                                                 \
    "vmov q5[2], q5[0], r0, r4\n"                                                                                      \
    "vmov q5[3], q5[1], r2, r6\n"                                                                                      \
    "vadd.i32 q5, q5, r7\n"                                                                                            \
    ".if " count " > 4\n"                                                                                              \
    "vmov q6[2], q6[0], r8, r12\n"                                                                                     \
    "vmov q6[3], q6[1], r10, lr\n"                                                                                     \
    "vadd.i32 q6, q6, r7\n"                                                                                            \
    ".endif\n"                                                                                                         \
    FXP_HELIUM_##saturate(shift, bits, "q5", "q6")                                                                     \
    ".if " count " == 8\n"                                                                                             \
    "vstrb.16 q5, [r3, q7]\n"                                                                                          \
    ".else\n"                                                                                                          \
    ".set fxp_mask, 0\n"                                                                                               \
    ".set fxp_j, 0\n"                                                                                                  \
    ".rept " count "\n"                                                                                                \
    ".set fxp_mask, fxp_mask | 3 << (4 * (fxp_j % 4) + 2 * (fxp_j / 4))\n"                                             \
    ".set fxp_j, fxp_j + 1\n"                                                                                          \
    ".endr\n"                                                                                                          \
    "movw r0, #fxp_mask\n"                                                                                             \
    "vmsr p0, r0\n"                                                                                                    \
    "vpst\n"                                                                                                           \
    "vstrbt.16 q5, [r3, q7]\n"                                                                                         \
    ".endif\n"

/* r3 += bytes, which may be negative; r0 is lost where they are many. */
#define FXP_WINDOW_MOVE(register, bytes)                                                                               \
    ".if (" bytes ") >= 0 && (" bytes ") <= 4095\n"                                                                    \
    "addw " register ", " register ", #" bytes "\n"                                                                    \
    ".elseif (" bytes ") < 0 && (" bytes ") >= -4095\n"                                                                \
    "subw " register ", " register ", #-(" bytes ")\n"                                                                 \
    ".else\n"                                                                                                          \
    "movw r0, #(" bytes ") & 0xffff\n"                                                                                 \
    "movt r0, #((" bytes ") >> 16) & 0xffff\n"                                                                         \
    "add " register ", " register ", r0\n"                                                                             \
    ".endif\n"

/* The windows of so many output rows, eight at a time; what is left at the end is stored, too. */
#define FXP_WINDOW_ROWS(rows, width, columns, stride, channels, pattern, shift, saturate, bits)                        \
    ".set fxp_i, 0\n"                                                                                                  \
    ".rept (" rows ") * " #columns "\n"                                                                                \
    ".set fxp_x, fxp_i % " #columns "\n"                                                                               \
    ".set fxp_column, (" #pattern " >> (4 * fxp_x)) & 15\n"                                                            \
    ".if fxp_x == 0\n"                                                                                                 \
    "vldrb.u8 q4, [r1], #" #stride " * " #width "\n"                                                                   \
    ".elseif fxp_column & 8\n"                                                                                         \
    "vldrb.u8 q4, [r1, #(fxp_x - " #width ") * " #stride "]\n"                                                         \
    ".endif\n"                                                                                                         \
    ".irp fxp_sum, 0, 2, 4, 6, 8, 10, 12, 14\n"                                                                        \
    ".irp fxp_vector, 0, 1, 2, 3\n"                                                                                    \
    ".if fxp_i % 8 * 2 == \\fxp_sum && (fxp_column & 7) == \\fxp_vector\n"                                             \
    "vmladav.s8 r\\fxp_sum, q\\fxp_vector, q4\n"                                                                       \
    ".endif\n"                                                                                                         \
    ".endr\n"                                                                                                          \
    ".endr\n"                                                                                                          \
    ".set fxp_i, fxp_i + 1\n"                                                                                          \
    ".if fxp_i % 8 == 0\n"                                                                                             \
    FXP_WINDOW_STORE("8", shift, saturate, bits)                                                                       \
    FXP_WINDOW_MOVE("r3", "8 * " #channels)                                                                            \
    ".endif\n"                                                                                                         \
    ".endr\n"                                                                                                          \
    ".if fxp_i % 8\n"                                                                                                  \
    FXP_WINDOW_STORE("(fxp_i % 8)", shift, saturate, bits)                                                             \
    ".endif\n"

#define FXP_DEPTHWISE_LOOP_PLANES_HELIUM(                                                                              \
    name, height, width, rows, columns, stride, channels, pattern, shift, saturate, bits                               \
)                                                                                                                      \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const int8_t *window,                                                                  \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) int8_t *output,                                                                        \
        __attribute__((unused)) const uint16_t *offsets                                                                \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "vpush {d8-d15}\n"                                                                                         \
            "mov r5, r1\n"                                                                                             \
            "mov r11, r2\n"                                                                                            \
            "mov r1, r0\n"                                                                                             \
            "ldr r0, [sp, #100]\n"                                                                                     \
            "vldrh.u16 q7, [r0]\n"                                                                                     \
            /* So many rows are whole groups of eight outputs. */                                                      \
            ".if " #columns " % 4 == 0\n"                                                                              \
            ".set fxp_group, 2\n"                                                                                      \
            ".elseif " #columns " % 2 == 0\n"                                                                          \
            ".set fxp_group, 4\n"                                                                                      \
            ".else\n"                                                                                                  \
            ".set fxp_group, 8\n"                                                                                      \
            ".endif\n"                                                                                                 \
            "2:\n"                                                                                                     \
            "vldrb.u8 q0, [r5], #16\n"                                                                                 \
            "vldrb.u8 q1, [r5], #16\n"                                                                                 \
            "vldrb.u8 q2, [r5], #16\n"                                                                                 \
            "vldrb.u8 q3, [r5], #16\n"                                                                                 \
            "ldr r7, [r5], #4\n"                                                                                       \
            ".if " #rows " >= fxp_group\n"                                                                             \
            "movw r9, #" #rows " / fxp_group\n"                                                                        \
            "3:\n"                                                                                                     \
            FXP_WINDOW_ROWS(                                                                                           \
                "fxp_group", width, columns, stride, channels, pattern, shift, saturate, bits                          \
            )                                                                                                          \
            "subs r9, r9, #1\n"                                                                                        \
            "bne 3b\n"                                                                                                 \
            ".endif\n"                                                                                                 \
            FXP_WINDOW_ROWS(                                                                                           \
                #rows " % fxp_group", width, columns, stride, channels, pattern, shift, saturate, bits                 \
            )                                                                                                          \
            FXP_WINDOW_MOVE("r1", "(" #height " + 1 - " #rows " * " #stride ") * " #width)                             \
            FXP_WINDOW_MOVE("r3", "1 - " #rows " * " #columns " / 8 * 8 * " #channels)                                 \
            "cmp r5, r11\n"                                                                                            \
            "bne 2b\n"                                                                                                 \
            "vpop {d8-d15}\n"                                                                                          \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

/* The window by the vector of its column. */
static inline int32_t fxp_window_sum(const int8_t *codes, const int8_t *vectors, int32_t column, int32_t sum) {
    const int8_t *const vector = vectors + FXP_VECTOR * (column & 7);
    for (int32_t i = 0; i < FXP_VECTOR; ++i) {
        sum += codes[i] * vector[i];
    }
    return sum;
}

#define FXP_DEPTHWISE_LOOP_PLANES_HELIUM(                                                                              \
    name, height, width, rows, columns, stride, channels, pattern, shift, saturate, bits                               \
)                                                                                                                      \
    static void name(                                                                                                  \
        const int8_t *window,                                                                                          \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        int8_t *output,                                                                                                \
        const uint16_t *offsets                                                                                        \
    ) {                                                                                                                \
        static const int32_t lanes[8] = {0, 2, 4, 6, 1, 3, 5, 7};                                                      \
        for (; weights < weights_end; weights += FXP_VECTOR + 1) {                                                     \
            const int32_t bias = (int32_t)weights[FXP_VECTOR];                                                         \
            const int8_t *codes = window;                                                                              \
            for (int32_t i = 0; i < (rows) * (columns); ++i) {                                                         \
                const int32_t x = i % (columns);                                                                       \
                const int32_t column = (int32_t)((pattern) >> (4 * x)) & 15;                                           \
                if ((column & 8) != 0) {                                                                               \
                    codes = window + (i / (columns) * (width) + x) * (stride);                                         \
                }                                                                                                      \
                const int32_t sum = fxp_window_sum(codes, (const int8_t *)weights, column, bias);                      \
                output[offsets[lanes[i % 8]] + i / 8 * 8 * (channels)] =                                               \
                    fxp_requantize_helium(sum, FXP_NARROW_##saturate(shift, bits), fxp_##saturate(shift, bits));       \
            }                                                                                                          \
            window += ((height) + 1) * (width);                                                                        \
            ++output;                                                                                                  \
        }                                                                                                              \
    }

#endif

#endif
