/*
 * The inner loop of matrix products on vectors to planes, of at most 64 products: all output channels of all positions.
 *
 *     positions  [position][vector]{ 16 codes }, at a multiple of 4: 16 * units, and where they are the last ones `rest`
 *     weights    [channel pair]{ biases c0 c1 | [vector]{ c0 16 codes | c1 16 codes } }
 *                biases less 2^(narrowing shift - 1), see fxp_requantize_helium.h
 *     output     output[plane_bytes * channel + position]; after the last one `zeros` bytes of zeros
 *
 * The weights of a channel pair stay in vectors while all positions pass by: seven of the eight weights of four vectors,
 * and the eighth and the first one in turns, since every second block goes through the products backwards. The last
 * vector is a position's codes. So a load serves two VMLADAVA, and one more in a block is the price of the eighth:
 *
 *     for each channel pair
 *         biases to the stack, weights, pointers                     5, 2 per vector of products, 20
 *         for each unit of 16 positions: blocks 0 to 3, and
 *             block b has the positions b, b + 4, b + 8, b + 12
 *             8 accumulators = biases                                LDM
 *             for each vector of products, for each position         VLDRW, 2 VMLADAVA
 *             4 sums of c0, 4 sums of c1 to the stack                STM
 *         for c1, for c0: four vectors of sums                       4 VLDRW
 *             shift, saturate, narrow to bytes                       6 to 8 (fxp_requantize_helium.h)
 *             sixteen neighbouring codes                             VSTRB
 *         weights that lay where sums were narrowed; loop            0 to 2 VLDRW; ADD, CMP, BNE
 *
 *     sums    b0: c0 c1 | b1: c0 c1 | b2: c0 c1 | b3: c0 c1           each four words: b, b + 4, b + 8, b + 12
 *     narrow  halfwords of b0 and b2, of b1 and b3, then bytes of both: 0 1 2 3 | 4 5 6 7 | ..
 *
 * 64 products: 231 instructions for 2,048 MAC, 0.113 each, of which 0.0625 multiply. What is left above is 70 loads, 8
 * LDM and STM, and 25 for 32 outputs. Sums go by way of the stack, since no vector is free for VMOV. Assembly for the
 * same reasons as fxp_matrix_loop_s8_helium.h.
 *
 * FXP_MATRIX_LOOP_PLANES_HELIUM(name, vectors, rest, plane_bytes, zeros, shift, saturate, bits) defines a function of
 * type fxp_matrix_loop_planes_helium, each argument a plain number but saturate, which is usat, ufit or ssat; 1 <=
 * vectors <= 4, 0 <= rest < 16, zeros <= 112, 0 <= shift <= 30.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_PLANES_HELIUM_H
#define FXP_MATRIX_LOOP_PLANES_HELIUM_H

#include "nn/dsp/fxp_words.h"
#include "nn/fxp_little_endian.h"
#include "nn/helium/fxp_helium.h"
#include "nn/helium/fxp_requantize_helium.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)

// clang-format off: one instruction per line
/* The stack: 8 biases, 8 sums of four blocks, then what a channel pair begins with. */
#define FXP_UNIT_SUMS "32"
#define FXP_UNIT_START "160"

/* Sixteen products of a position, if there is one, by two channels. The offset of VLDRW reaches over 508 bytes both
 * ways: r1 lies 504 bytes behind the unit's first position. */
#define FXP_UNIT_POSITION(i, vectors, count, k, w0, w1, sum0, sum1)                                                    \
    ".if fxp_block + 4 * " #i " < " count "\n"                                                                         \
    "vldrw.u32 q7, [r1, #16 * (" #vectors " * (fxp_block + 4 * " #i ") + " #k ") - 504]\n"                             \
    "vmladava.s8 " sum0 ", " w0 ", q7\n"                                                                               \
    "vmladava.s8 " sum1 ", " w1 ", q7\n"                                                                               \
    ".endif\n"
#define FXP_UNIT_STEP(vectors, count, k, w0, w1)                                                                       \
    ".if " #vectors " > " #k "\n"                                                                                      \
    FXP_UNIT_POSITION(0, vectors, count, k, w0, w1, "r0", "r8")                                                        \
    FXP_UNIT_POSITION(1, vectors, count, k, w0, w1, "r2", "r10")                                                       \
    FXP_UNIT_POSITION(2, vectors, count, k, w0, w1, "r4", "r12")                                                       \
    FXP_UNIT_POSITION(3, vectors, count, k, w0, w1, "r6", "lr")                                                        \
    ".endif\n"

/* The blocks of a unit of `count` positions. q0 is c0's first weights, or c1's of the fourth vector. */
#define FXP_UNIT_BLOCKS(vectors, count)                                                                                \
    ".set fxp_block, 0\n"                                                                                              \
    ".rept 4\n"                                                                                                        \
    ".if fxp_block < " count "\n"                                                                                      \
    "ldm sp, {r0, r2, r4, r6, r8, r10, r12, lr}\n"                                                                     \
    ".if fxp_block % 2 == 0\n"                                                                                         \
    FXP_UNIT_STEP(vectors, count, 0, "q0", "q1")                                                                       \
    FXP_UNIT_STEP(vectors, count, 1, "q2", "q3")                                                                       \
    FXP_UNIT_STEP(vectors, count, 2, "q4", "q5")                                                                       \
    ".if " #vectors " > 3\n"                                                                                           \
    "vldrw.u32 q0, [r5, #112]\n"                                                                                       \
    ".endif\n"                                                                                                         \
    FXP_UNIT_STEP(vectors, count, 3, "q6", "q0")                                                                       \
    ".else\n"                                                                                                          \
    FXP_UNIT_STEP(vectors, count, 3, "q6", "q0")                                                                       \
    ".if " #vectors " > 3\n"                                                                                           \
    "vldrw.u32 q0, [r5]\n"                                                                                             \
    ".endif\n"                                                                                                         \
    FXP_UNIT_STEP(vectors, count, 2, "q4", "q5")                                                                       \
    FXP_UNIT_STEP(vectors, count, 1, "q2", "q3")                                                                       \
    FXP_UNIT_STEP(vectors, count, 0, "q0", "q1")                                                                       \
    ".endif\n"                                                                                                         \
    "stm r7!, {r0, r2, r4, r6, r8, r10, r12, lr}\n"                                                                    \
    ".else\n"                                                                                                          \
    "add r7, r7, #32\n"                                                                                                \
    ".endif\n"                                                                                                         \
    ".set fxp_block, fxp_block + 1\n"                                                                                  \
    ".endr\n"

/* place = from + bytes; r0 is lost where they are many. */
#define FXP_UNIT_PLACE(place, from, bytes)                                                                             \
    ".if " bytes " <= 4095\n"                                                                                          \
    "addw " place ", " from ", #" bytes "\n"                                                                           \
    ".else\n"                                                                                                          \
    "movw r0, #(" bytes ") & 0xffff\n"                                                                                 \
    "movt r0, #(" bytes ") >> 16\n"                                                                                    \
    "add " place ", " from ", r0\n"                                                                                    \
    ".endif\n"

/* The weights of a channel pair, and those that narrowing took again. */
#define FXP_UNIT_WEIGHTS(vectors)                                                                                      \
    "vldrw.u32 q0, [r5]\n"                                                                                             \
    "vldrw.u32 q1, [r5, #16]\n"                                                                                        \
    ".if " #vectors " > 1\n"                                                                                           \
    "vldrw.u32 q2, [r5, #32]\n"                                                                                        \
    "vldrw.u32 q3, [r5, #48]\n"                                                                                        \
    ".endif\n"                                                                                                         \
    ".if " #vectors " > 2\n"                                                                                           \
    "vldrw.u32 q4, [r5, #64]\n"                                                                                        \
    ".endif\n"                                                                                                         \
    FXP_UNIT_LOST_WEIGHTS(vectors)
#define FXP_UNIT_LOST_WEIGHTS(vectors)                                                                                 \
    ".if " #vectors " > 2\n"                                                                                           \
    "vldrw.u32 q5, [r5, #80]\n"                                                                                        \
    ".endif\n"                                                                                                         \
    ".if " #vectors " > 3\n"                                                                                           \
    "vldrw.u32 q6, [r5, #96]\n"                                                                                        \
    ".endif\n"

/* The rows of zeros below both planes. */
#define FXP_UNIT_ZEROS(rest, zeros)                                                                                    \
    "vmov.i32 q7, #0\n"                                                                                                \
    ".set fxp_zero, " #rest "\n"                                                                                       \
    ".rept " #zeros " / 16\n"                                                                                          \
    "vstrb.8 q7, [r3, #fxp_zero]\n"                                                                                    \
    "vstrb.8 q7, [r9, #fxp_zero]\n"                                                                                    \
    ".set fxp_zero, fxp_zero + 16\n"                                                                                   \
    ".endr\n"                                                                                                          \
    ".if " #zeros " % 16\n"                                                                                            \
    "mov r0, #" #zeros " % 16\n"                                                                                       \
    "vctp.8 r0\n"                                                                                                      \
    "vpstt\n"                                                                                                          \
    "vstrbt.8 q7, [r3, #fxp_zero]\n"                                                                                   \
    "vstrbt.8 q7, [r9, #fxp_zero]\n"                                                                                   \
    ".endif\n"

/* From the sums of a channel, of which block 0's lie at r7 + at, to sixteen codes in q7; `back` is ! where r7 goes
 * there. q5 and q6 are lost. */
#define FXP_UNIT_NARROW(at, back, shift, saturate, bits)                                                               \
    "vldrw.u32 q6, [r7, #" at " + 32]\n"                                                                               \
    "vldrw.u32 q5, [r7, #" at " + 96]\n"                                                                               \
    FXP_HELIUM_HALVES_##saturate(shift, bits, "q6", "q5")                                                              \
    "vldrw.u32 q5, [r7, #" at " + 64]\n"                                                                               \
    "vldrw.u32 q7, [r7, #" at "]" back "\n"                                                                            \
    FXP_HELIUM_HALVES_##saturate(shift, bits, "q7", "q5")                                                              \
    FXP_HELIUM_BYTES_##saturate(shift, bits, "q7", "q6")

#define FXP_MATRIX_LOOP_PLANES_HELIUM(name, vectors, rest, plane_bytes, zeros, shift, saturate, bits)                  \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const int8_t *positions,                                                               \
        __attribute__((unused)) int32_t units,                                                                         \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) int8_t *output,                                                                        \
        __attribute__((unused)) int32_t last                                                                           \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "vpush {d8-d15}\n"                                                                                         \
            "ldrd r6, r7, [sp, #100]\n"                                                                                \
            "sub sp, sp, #180\n"                                                                                       \
            "mov r5, r2\n"                                                                                             \
            "addw r0, r0, #504\n"                                                                                      \
            "mov r2, #256 * " #vectors "\n"                                                                            \
            "mla r2, r1, r2, r0\n"                                                                                     \
            "add r8, sp, #" FXP_UNIT_START "\n"                                                                        \
            "stm r8, {r0, r2, r3, r6, r7}\n"                                                                           \
            "add r7, sp, #" FXP_UNIT_SUMS "\n"                                                                         \
            "1:\n"                                                                                                     \
            "ldrd r0, r2, [r5], #8\n"                                                                                  \
            "vdup.32 q6, r0\n"                                                                                         \
            "vdup.32 q7, r2\n"                                                                                         \
            "vstrw.32 q6, [sp]\n"                                                                                      \
            "vstrw.32 q7, [sp, #16]\n"                                                                                 \
            "ldr r3, [sp, #" FXP_UNIT_START " + 12]\n"                                                                 \
            FXP_UNIT_PLACE("r9", "r3", #plane_bytes)                                                                   \
            FXP_UNIT_WEIGHTS(vectors)                                                                                  \
            "ldrd r1, r11, [sp, #" FXP_UNIT_START "]\n"                                                                \
            "cmp r1, r11\n"                                                                                            \
            "beq 3f\n"                                                                                                 \
            "2:\n"                                                                                                     \
            FXP_UNIT_BLOCKS(vectors, "16")                                                                             \
            FXP_UNIT_NARROW("16 - 128", "", shift, saturate, bits)                                                     \
            "vstrb.8 q7, [r9], #16\n"                                                                                  \
            FXP_UNIT_NARROW("-128", "!", shift, saturate, bits)                                                        \
            "vstrb.8 q7, [r3], #16\n"                                                                                  \
            FXP_UNIT_LOST_WEIGHTS(vectors)                                                                             \
            "addw r1, r1, #256 * " #vectors "\n"                                                                       \
            "cmp r1, r11\n"                                                                                            \
            "bne 2b\n"                                                                                                 \
            "3:\n"                                                                                                     \
            "ldr r0, [sp, #" FXP_UNIT_START " + 16]\n"                                                                 \
            "cmp r0, #0\n"                                                                                             \
            "beq.w 4f\n"                                                                                               \
            ".if " #rest "\n"                                                                                          \
            FXP_UNIT_BLOCKS(vectors, #rest)                                                                            \
            "mov r0, #" #rest "\n"                                                                                     \
            "vctp.8 r0\n"                                                                                              \
            FXP_UNIT_NARROW("16 - 128", "", shift, saturate, bits)                                                     \
            "vpst\n"                                                                                                   \
            "vstrbt.8 q7, [r9]\n"                                                                                      \
            FXP_UNIT_NARROW("-128", "!", shift, saturate, bits)                                                        \
            "vpst\n"                                                                                                   \
            "vstrbt.8 q7, [r3]\n"                                                                                      \
            ".endif\n"                                                                                                 \
            FXP_UNIT_ZEROS(rest, zeros)                                                                                \
            "4:\n"                                                                                                     \
            "ldrd r2, r3, [sp, #" FXP_UNIT_START " + 8]\n"                                                             \
            FXP_UNIT_PLACE("r3", "r3", "2 * " #plane_bytes)                                                            \
            "str r3, [sp, #" FXP_UNIT_START " + 12]\n"                                                                 \
            "add r5, r5, #32 * " #vectors "\n"                                                                         \
            "cmp r5, r2\n"                                                                                             \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #180\n"                                                                                       \
            "vpop {d8-d15}\n"                                                                                          \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

static inline void fxp_planes_channel(
    const int8_t *positions,
    int32_t count,
    int32_t products,
    const int8_t *codes,
    int32_t bias,
    int32_t narrow,
    fxp_requantization to,
    int8_t *plane
) {
    for (int32_t position = 0; position < count; ++position) {
        int32_t sum = bias;
        for (int32_t i = 0; i < products; ++i) {
            sum += positions[i] * codes[2 * (i - i % FXP_VECTOR) + i % FXP_VECTOR];
        }
        plane[position] = fxp_requantize_helium(sum, narrow, to);
        positions += products;
    }
}

#define FXP_MATRIX_LOOP_PLANES_HELIUM(name, vectors, rest, plane_bytes, zeros, shift, saturate, bits)                  \
    static void name(                                                                                                  \
        const int8_t *positions,                                                                                       \
        int32_t units,                                                                                                 \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        int8_t *output,                                                                                                \
        int32_t last                                                                                                   \
    ) {                                                                                                                \
        const int32_t count = FXP_UNIT * units + (last != 0 ? (rest) : 0);                                             \
        const int32_t products = FXP_VECTOR * (vectors);                                                               \
        const int32_t narrow = FXP_NARROW_##saturate(shift, bits);                                                     \
        const fxp_requantization to = fxp_##saturate(shift, bits);                                                     \
        for (; weights < weights_end; weights += 2 + 8 * (vectors)) {                                                  \
            for (int32_t c = 0; c < 2; ++c) {                                                                          \
                const int8_t *const codes = (const int8_t *)(weights + 2) + FXP_VECTOR * c;                            \
                fxp_planes_channel(positions, count, products, codes, (int32_t)weights[c], narrow, to, output);        \
                if (last != 0) {                                                                                       \
                    memset(output + count, 0, (zeros));                                                                \
                }                                                                                                      \
                output += (plane_bytes);                                                                               \
            }                                                                                                          \
        }                                                                                                              \
    }

#endif

#endif
