/*
 * The inner loop of a depthwise 3x3 convolution on planes of at most six columns: all windows of all channels.
 *
 *     window   the first window's first code; one plane after the other, a row of zeros between them
 *     weights  [channel]{ bias | 4 zeros | 16 codes: the window's rows, `width` apart, and zeros }
 *              of less than three columns, where these rows overlap: 16 codes for each vector of `pattern`, as below
 *              bias less 2^(narrowing shift - 1), see fxp_requantize_helium.h
 *     output   [position][channel]; eight positions at once at output[offsets[0 .. 7]]
 *     offsets  [position], rounded up to eight, where all of them are less than 65536; else of the first eight
 *
 * Three rows of a plane are so short that sixteen codes from memory hold a whole window, so an output is one VMLADAVA by
 * a vector with the nine weights in their places and zeros between them:
 *
 *     x00 x01 x02  .   .  x10 x11 x12  .   .  x20 x21 x22  .   .   .        five columns
 *     w00 w01 w02  0   0  w10 w11 w12  0   0  w20 w21 w22  0   0   0
 *      0  w00 w01 w02  0   0  w10 w11 w12  0   0  w20 w21 w22  0   0        the next output, of the same sixteen codes
 *
 * These are loads of the same sixteen weights, from an address of one less each. A window that reaches beyond its row
 * finds the end of the row above or the start of the row below: its vector is loaded with those lanes masked. At five
 * columns sixteen codes are all that a row of five windows needs. `pattern` holds a hexadecimal digit per column, the
 * first one lowest: which vector, plus 8 where it begins with new codes from memory; vectors in the order of columns.
 *
 *     for each channel
 *         bias to the stack, up to five vectors                   4, 1 or 4 each
 *         for each 8 rows of 5 columns, unrolled
 *             for each 8 outputs
 *                 8 accumulators = bias                           LDM
 *                 codes, one load per row                         1.6 VLDRB
 *                 windows                                         8 VMLADAVA
 *                 to vectors, by way of the stack                 STM, 2 VLDRW
 *                 requantize (fxp_requantize_helium.h)            3 or 4
 *                 scatter eight codes                             VLDRH, VSTRB          18.6 for 72 MAC
 *
 * No sum of products leaves 32 bits, so nothing has to be proved. Assembly because the eight accumulators, six
 * pointers and eight vectors are all that there is, and the compiler moves single lanes.
 *
 * FXP_DEPTHWISE_LOOP_PLANES_HELIUM(name, height, width, rows, columns, stride, left, channels, pattern, shift, saturate,
 * bits) defines a function of type fxp_depthwise_loop_planes_helium: plain numbers, height and width of the input,
 * columns of padding on the left, channels of the output in memory; width <= 6, stride 1 or 2, left 0 or 1, 8 * channels
 * <= 65535, 0 <= shift <= 30. saturate is usat, ufit or ssat.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_DEPTHWISE_LOOP_PLANES_HELIUM_H
#define FXP_DEPTHWISE_LOOP_PLANES_HELIUM_H

#include "nn/dsp/fxp_words.h"
#include "nn/fxp_little_endian.h"
#include "nn/helium/fxp_helium.h"
#include "nn/helium/fxp_requantize_helium.h"

/* Whether a table has all positions' offsets. */
#define FXP_WINDOW_TABLE(rows, columns, channels) ((rows) * (columns) * (channels) <= 65536)

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)

// clang-format off: one instruction per line
/* register += bytes, which may be negative; r0 is lost where they are many. */
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

/* The first `count` of eight accumulators are outputs. */
#define FXP_WINDOW_STORE(count, table, channels, shift, saturate, bits)                                                \
    "stm r7, {r0, r2, r4, r6, r8, r10, r12, lr}\n"                                                                     \
    "vldrw.u32 q6, [r7]\n"                                                                                             \
    "vldrw.u32 q7, [r7, #16]\n"                                                                                        \
    FXP_HELIUM_##saturate(shift, bits, "q6", "q7")                                                                     \
    ".if " table "\n"                                                                                                  \
    "vldrh.u16 q7, [r9], #16\n"                                                                                        \
    ".else\n"                                                                                                          \
    "vldrh.u16 q7, [r9]\n"                                                                                             \
    ".endif\n"                                                                                                         \
    ".if " count " == 8\n"                                                                                             \
    "vstrb.16 q6, [r3, q7]\n"                                                                                          \
    ".else\n"                                                                                                          \
    "movw r0, #(1 << (2 * " count ")) - 1\n"                                                                           \
    "vmsr p0, r0\n"                                                                                                    \
    "vpst\n"                                                                                                           \
    "vstrbt.16 q6, [r3, q7]\n"                                                                                         \
    ".endif\n"                                                                                                         \
    ".if !(" table ")\n"                                                                                               \
    FXP_WINDOW_MOVE("r3", "8 * " #channels)                                                                            \
    ".endif\n"

/* The vectors of columns that are the first ones to use them, without the lanes outside of the input. */
#define FXP_WINDOW_VECTORS(width, columns, stride, left, pattern)                                                      \
    ".set fxp_x, 0\n"                                                                                                  \
    ".set fxp_next, 0\n"                                                                                               \
    ".rept " #columns "\n"                                                                                             \
    ".set fxp_column, (" #pattern " >> (4 * fxp_x)) & 15\n"                                                            \
    ".if fxp_column & 8\n"                                                                                             \
    ".set fxp_begin, fxp_x\n"                                                                                          \
    ".endif\n"                                                                                                         \
    ".if (fxp_column & 7) == fxp_next\n"                                                                               \
    ".set fxp_shift, " #stride " * (fxp_x - fxp_begin)\n"                                                              \
    ".set fxp_at, " #stride " * fxp_x - " #left "\n"                                                                   \
    ".irp fxp_vector, 0, 1, 2, 3, 4\n"                                                                                 \
    ".if fxp_next == \\fxp_vector\n"                                                                                   \
    ".if " #width " < 3\n"                                                                                             \
    "vldrb.u8 q\\fxp_vector, [r5], #16\n"                                                                              \
    ".elseif fxp_at >= 0 && fxp_at + 3 <= " #width "\n"                                                                \
    "vldrb.u8 q\\fxp_vector, [r5, #-fxp_shift]\n"                                                                      \
    ".else\n"                                                                                                          \
    ".set fxp_mask, 0\n"                                                                                               \
    ".set fxp_tap, 0\n"                                                                                                \
    ".rept 9\n"                                                                                                        \
    ".if fxp_at + fxp_tap % 3 >= 0 && fxp_at + fxp_tap % 3 < " #width "\n"                                             \
    ".set fxp_mask, fxp_mask | 1 << (fxp_shift + fxp_tap / 3 * " #width " + fxp_tap % 3)\n"                            \
    ".endif\n"                                                                                                         \
    ".set fxp_tap, fxp_tap + 1\n"                                                                                      \
    ".endr\n"                                                                                                          \
    "movw r0, #fxp_mask\n"                                                                                             \
    "vmsr p0, r0\n"                                                                                                    \
    "vpst\n"                                                                                                           \
    "vldrbt.u8 q\\fxp_vector, [r5, #-fxp_shift]\n"                                                                     \
    ".endif\n"                                                                                                         \
    ".endif\n"                                                                                                         \
    ".endr\n"                                                                                                          \
    ".set fxp_next, fxp_next + 1\n"                                                                                    \
    ".endif\n"                                                                                                         \
    ".set fxp_x, fxp_x + 1\n"                                                                                          \
    ".endr\n"                                                                                                          \
    ".if " #width " >= 3\n"                                                                                            \
    "add r5, r5, #16\n"                                                                                                \
    ".endif\n"

/* The windows of so many output rows, eight at a time; what is left at the end is stored, too. Halfword lane i of what
 * is stored is output i, so even ones are the first four accumulators, odd ones the others. */
#define FXP_WINDOW_ROWS(rows, table, width, columns, stride, channels, pattern, shift, saturate, bits)                 \
    ".set fxp_i, 0\n"                                                                                                  \
    ".rept (" rows ") * " #columns "\n"                                                                                \
    ".set fxp_x, fxp_i % " #columns "\n"                                                                               \
    ".set fxp_column, (" #pattern " >> (4 * fxp_x)) & 15\n"                                                            \
    ".if fxp_i % 8 == 0\n"                                                                                             \
    "ldm sp, {r0, r2, r4, r6, r8, r10, r12, lr}\n"                                                                     \
    ".endif\n"                                                                                                         \
    ".if fxp_x == 0\n"                                                                                                 \
    "vldrb.u8 q5, [r1], #" #stride " * " #width "\n"                                                                   \
    ".elseif fxp_column & 8\n"                                                                                         \
    "vldrb.u8 q5, [r1, #(fxp_x - " #width ") * " #stride "]\n"                                                         \
    ".endif\n"                                                                                                         \
    ".irp fxp_sum, 0, 2, 4, 6, 8, 10, 12, 14\n"                                                                        \
    ".irp fxp_vector, 0, 1, 2, 3, 4\n"                                                                                 \
    ".if fxp_i % 2 * 8 + fxp_i % 8 / 2 * 2 == \\fxp_sum && (fxp_column & 7) == \\fxp_vector\n"                         \
    "vmladava.s8 r\\fxp_sum, q\\fxp_vector, q5\n"                                                                      \
    ".endif\n"                                                                                                         \
    ".endr\n"                                                                                                          \
    ".endr\n"                                                                                                          \
    ".set fxp_i, fxp_i + 1\n"                                                                                          \
    ".if fxp_i % 8 == 0\n"                                                                                             \
    FXP_WINDOW_STORE("8", table, channels, shift, saturate, bits)                                                      \
    ".endif\n"                                                                                                         \
    ".endr\n"                                                                                                          \
    ".if fxp_i % 8\n"                                                                                                  \
    FXP_WINDOW_STORE("(fxp_i % 8)", table, channels, shift, saturate, bits)                                            \
    ".endif\n"

/* Back to the first position, one channel on. */
#define FXP_WINDOW_NEXT(table, rows, columns, channels)                                                                \
    ".if " table "\n"                                                                                                  \
    "add r3, r3, #1\n"                                                                                                 \
    FXP_WINDOW_MOVE("r9", "-((" #rows " * " #columns " + 7) / 8 * 16)")                                                \
    ".else\n"                                                                                                          \
    FXP_WINDOW_MOVE("r3", "1 - (" #rows " * " #columns " + 7) / 8 * 8 * " #channels)                                   \
    ".endif\n"

#define FXP_WINDOW_TABLE_TEXT(rows, columns, channels) "(" #rows " * " #columns " * " #channels " <= 65536)"

#define FXP_DEPTHWISE_LOOP_PLANES_HELIUM(                                                                              \
    name, height, width, rows, columns, stride, left, channels, pattern, shift, saturate, bits                         \
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
            "push {r2, r4-r11, lr}\n"                                                                                  \
            "vpush {d8-d15}\n"                                                                                         \
            "mov r5, r1\n"                                                                                             \
            "mov r1, r0\n"                                                                                             \
            "ldr r9, [sp, #104]\n"                                                                                     \
            /* The stack: bias and sums, eight times each. */                                                          \
            "sub sp, sp, #64\n"                                                                                        \
            "add r7, sp, #32\n"                                                                                        \
            /* So many rows are whole groups of eight outputs. */                                                      \
            ".if " #columns " % 4 == 0\n"                                                                              \
            ".set fxp_group, 2\n"                                                                                      \
            ".elseif " #columns " % 2 == 0\n"                                                                          \
            ".set fxp_group, 4\n"                                                                                      \
            ".else\n"                                                                                                  \
            ".set fxp_group, 8\n"                                                                                      \
            ".endif\n"                                                                                                 \
            "2:\n"                                                                                                     \
            "ldr r0, [r5], #8\n"                                                                                       \
            "vdup.32 q6, r0\n"                                                                                         \
            "vstrw.32 q6, [sp]\n"                                                                                      \
            "vstrw.32 q6, [r7, #-16]\n"                                                                                \
            FXP_WINDOW_VECTORS(width, columns, stride, left, pattern)                                                  \
            ".if " #rows " >= fxp_group\n"                                                                             \
            "movw r11, #" #rows " / fxp_group\n"                                                                       \
            "3:\n"                                                                                                     \
            FXP_WINDOW_ROWS(                                                                                           \
                "fxp_group", FXP_WINDOW_TABLE_TEXT(rows, columns, channels), width, columns, stride, channels,         \
                pattern, shift, saturate, bits                                                                         \
            )                                                                                                          \
            "subs r11, r11, #1\n"                                                                                      \
            "bne.w 3b\n"                                                                                               \
            ".endif\n"                                                                                                 \
            FXP_WINDOW_ROWS(                                                                                           \
                #rows " % fxp_group", FXP_WINDOW_TABLE_TEXT(rows, columns, channels), width, columns, stride,          \
                channels, pattern, shift, saturate, bits                                                               \
            )                                                                                                          \
            FXP_WINDOW_MOVE("r1", "(" #height " + 1 - " #rows " * " #stride ") * " #width)                             \
            FXP_WINDOW_NEXT(FXP_WINDOW_TABLE_TEXT(rows, columns, channels), rows, columns, channels)                   \
            "ldr r0, [sp, #128]\n"                                                                                     \
            "cmp r5, r0\n"                                                                                             \
            "bne.w 2b\n"                                                                                               \
            "add sp, sp, #64\n"                                                                                        \
            "vpop {d8-d15}\n"                                                                                          \
            "pop {r2, r4-r11, pc}\n"                                                                                   \
        );                                                                                                             \
    }
// clang-format on

#else

/* A window by the weights that lie inside of the input, whose first column is `at`. */
static inline int32_t fxp_window_sum(const int8_t *codes, const int8_t *weights, int32_t at, int32_t width) {
    int32_t sum = 0;
    for (int32_t column = 0; column < 3; ++column) {
        if (at + column >= 0 && at + column < width) {
            for (int32_t i = column; i < 3 * width; i += width) {
                sum += codes[i] * weights[i];
            }
        }
    }
    return sum;
}

/* By the vector of its column, from the codes that its vector begins with. */
static inline int32_t
fxp_window_vector_sum(const int8_t *row, const int8_t *vectors, uint32_t pattern, int32_t column) {
    const int8_t *const vector = vectors + FXP_VECTOR * (pattern >> 4 * column & 7);
    while ((pattern >> 4 * column & 8) == 0) {
        --column;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < FXP_VECTOR; ++i) {
        sum += row[column + i] * vector[i];
    }
    return sum;
}

/* Vectors that are stored, of two columns at most where there are more than one. */
static inline int32_t fxp_window_vectors(int32_t width, int32_t columns, uint32_t pattern) {
    return width < 3 && columns == 2 && (pattern >> 4 & 7) != 0 ? 2 : 1;
}

#define FXP_DEPTHWISE_LOOP_PLANES_HELIUM(                                                                              \
    name, height, width, rows, columns, stride, left, channels, pattern, shift, saturate, bits                         \
)                                                                                                                      \
    static void name(                                                                                                  \
        const int8_t *window,                                                                                          \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        int8_t *output,                                                                                                \
        const uint16_t *offsets                                                                                        \
    ) {                                                                                                                \
        const int32_t table = FXP_WINDOW_TABLE(rows, columns, channels);                                               \
        const int32_t words = 2 + FXP_VECTOR / 4 * fxp_window_vectors(width, columns, pattern);                        \
        for (; weights < weights_end; weights += words) {                                                              \
            const int8_t *const vectors = (const int8_t *)(weights + 2);                                               \
            for (int32_t i = 0; i < (rows) * (columns); ++i) {                                                         \
                const int8_t *const row = window + i / (columns) * (width) * (stride);                                 \
                const int32_t x = i % (columns);                                                                       \
                const int32_t at = x * (stride);                                                                       \
                const int32_t sum = (width) < 3 ? fxp_window_vector_sum(row, vectors, pattern, x)                      \
                                                : fxp_window_sum(row + at, vectors, at - (left), width);               \
                output[table ? offsets[i] : offsets[i % 8] + i / 8 * 8 * (channels)] = fxp_requantize_helium(          \
                    (int32_t)weights[0] + sum, FXP_NARROW_##saturate(shift, bits), fxp_##saturate(shift, bits)         \
                );                                                                                                     \
            }                                                                                                          \
            window += ((height) + 1) * (width);                                                                        \
            ++output;                                                                                                  \
        }                                                                                                              \
    }

#endif

#endif
