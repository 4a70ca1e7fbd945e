/*
 * The inner loop of matrix products on vectors: all output channels of two positions.
 *
 *     position0, position1   [vector]{ 16 codes }          may be one address
 *     weights                [4 channels]{ biases c0 c1 c2 c3 c0 c1 c2 c3 |
 *                                          [vector]{ c0 16 codes | c1 16 codes | c2 16 codes | c3 16 codes } }
 *                            biases less 2^(narrowing shift - 1), see fxp_requantize_helium.h
 *     output                 output[offsets[2 c + p]] is channel c of position p; `step` bytes on for four channels
 *
 * VMLADAVA multiplies two vectors and adds the sixteen products to one of the eight even registers, which are two
 * positions by four channels. For each four channels, in vectors of 16 products:
 *
 *     8 accumulators = biases                                     LDM
 *     first 5 vectors of positions                                stay in q0 to q4 for all channels
 *     for each vector of products
 *         what of both positions isn't in registers               0 to 2 VLDRB
 *         for each channel: codes, by two positions               VLDRB, 2 VMLADAVA      12 to 14 for 128 MAC
 *     requantize                                                  4 VMOV, 3 or 4 (fxp_requantize_helium.h)
 *     scatter eight codes                                         VLDRH, VSTRB, ADD
 *     loop                                                        CMP, BNE
 *
 * 64 products: 65 instructions for 512 MAC, 0.127 each, of which 0.0625 multiply. More positions or channels at once
 * would need more than the eight registers that VMLADAVA takes. These eight, six pointers and eight vectors are all
 * that there is, and LDM has to load eight registers by choice, which no compiler does: hence assembly.
 *
 * FXP_MATRIX_LOOP_S8_HELIUM(name, vectors, step, shift, saturate, bits) defines a function of type
 * fxp_matrix_loop_s8_helium, each argument a plain number but saturate, which is usat, ufit or ssat; 1 <= vectors <=
 * 128, 0 <= step <= 65535, 0 <= shift <= 30.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S8_HELIUM_H
#define FXP_MATRIX_LOOP_S8_HELIUM_H

#include "nn/dsp/fxp_words.h"
#include "nn/fxp_little_endian.h"
#include "nn/helium/fxp_helium.h"
#include "nn/helium/fxp_requantize_helium.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)

// clang-format off: one instruction per line
/* Sixteen products of four channels by two positions. */
#define FXP_MATRIX_HELIUM_STEP(p0, p1)                                                                                 \
    FXP_MATRIX_HELIUM_CHANNEL("r0", "r8", p0, p1)                                                                      \
    FXP_MATRIX_HELIUM_CHANNEL("r2", "r10", p0, p1)                                                                     \
    FXP_MATRIX_HELIUM_CHANNEL("r4", "r12", p0, p1)                                                                     \
    FXP_MATRIX_HELIUM_CHANNEL("r6", "lr", p0, p1)
#define FXP_MATRIX_HELIUM_CHANNEL(sum0, sum1, p0, p1)                                                                  \
    "vldrb.u8 q7, [r5], #16\n"                                                                                         \
    "vmladava.s8 " sum0 ", " p0 ", q7\n"                                                                               \
    "vmladava.s8 " sum1 ", " p1 ", q7\n"

/* An offset in VLDRB is at most 127: beyond that the pointers walk, and go back at the end. */
#define FXP_MATRIX_LOOP_S8_HELIUM(name, vectors, step, shift, saturate, bits)                                          \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const int8_t *position0,                                                               \
        __attribute__((unused)) const int8_t *position1,                                                               \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) int8_t *output,                                                                        \
        __attribute__((unused)) const uint16_t *offsets                                                                \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "vpush {d8-d15}\n"                                                                                         \
            "mov r5, r2\n"                                                                                             \
            "mov r9, r3\n"                                                                                             \
            "mov r3, r1\n"                                                                                             \
            "mov r1, r0\n"                                                                                             \
            "ldrd r7, r11, [sp, #100]\n"                                                                               \
            "vldrb.u8 q0, [r1]\n"                                                                                      \
            "vldrb.u8 q1, [r3]\n"                                                                                      \
            ".if " #vectors " > 1\n"                                                                                   \
            "vldrb.u8 q2, [r1, #16]\n"                                                                                 \
            "vldrb.u8 q3, [r3, #16]\n"                                                                                 \
            ".endif\n"                                                                                                 \
            ".if " #vectors " > 2\n"                                                                                   \
            "vldrb.u8 q4, [r1, #32]\n"                                                                                 \
            ".endif\n"                                                                                                 \
            ".if " #vectors " > 8\n"                                                                                   \
            "add r1, r1, #48\n"                                                                                        \
            "add r3, r3, #32\n"                                                                                        \
            ".endif\n"                                                                                                 \
            "1:\n"                                                                                                     \
            "ldm r5!, {r0, r2, r4, r6, r8, r10, r12, lr}\n"                                                            \
            FXP_MATRIX_HELIUM_STEP("q0", "q1")                                                                         \
            ".if " #vectors " > 1\n"                                                                                   \
            FXP_MATRIX_HELIUM_STEP("q2", "q3")                                                                         \
            ".endif\n"                                                                                                 \
            ".if " #vectors " > 8\n"                                                                                   \
            "vldrb.u8 q5, [r3], #16\n"                                                                                 \
            FXP_MATRIX_HELIUM_STEP("q4", "q5")                                                                         \
            ".rept " #vectors " - 3\n"                                                                                 \
            "vldrb.u8 q5, [r1], #16\n"                                                                                 \
            "vldrb.u8 q6, [r3], #16\n"                                                                                 \
            FXP_MATRIX_HELIUM_STEP("q5", "q6")                                                                         \
            ".endr\n"                                                                                                  \
            "subw r1, r1, #16 * (" #vectors " - 3)\n"                                                                  \
            "subw r3, r3, #16 * (" #vectors " - 2)\n"                                                                  \
            ".elseif " #vectors " > 2\n"                                                                               \
            "vldrb.u8 q5, [r3, #32]\n"                                                                                 \
            FXP_MATRIX_HELIUM_STEP("q4", "q5")                                                                         \
            ".set fxp_at, 48\n"                                                                                        \
            ".rept " #vectors " - 3\n"                                                                                 \
            "vldrb.u8 q5, [r1, #fxp_at]\n"                                                                             \
            "vldrb.u8 q6, [r3, #fxp_at]\n"                                                                             \
            FXP_MATRIX_HELIUM_STEP("q5", "q6")                                                                         \
            ".set fxp_at, fxp_at + 16\n"                                                                               \
            ".endr\n"                                                                                                  \
            ".endif\n"                                                                                                 \
            "vmov q6[2], q6[0], r0, r4\n"                                                                              \
            "vmov q6[3], q6[1], r2, r6\n"                                                                              \
            "vmov q7[2], q7[0], r8, r12\n"                                                                             \
            "vmov q7[3], q7[1], r10, lr\n"                                                                             \
            FXP_HELIUM_##saturate(shift, bits, "q6", "q7")                                                             \
            "vldrh.u16 q7, [r11]\n"                                                                                    \
            "vstrb.16 q6, [r7, q7]\n"                                                                                  \
            ".if " #step " <= 4095\n"                                                                                  \
            "addw r7, r7, #" #step "\n"                                                                                \
            ".else\n"                                                                                                  \
            "movw r0, #" #step "\n"                                                                                    \
            "add r7, r7, r0\n"                                                                                         \
            ".endif\n"                                                                                                 \
            "cmp r5, r9\n"                                                                                             \
            "bne 1b\n"                                                                                                 \
            "vpop {d8-d15}\n"                                                                                          \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

static inline void fxp_matrix_helium_channels(
    const int8_t *const positions[2],
    const uint32_t *weights,
    int32_t vectors,
    int32_t narrow,
    fxp_requantization to,
    int8_t *output,
    const uint16_t *offsets
) {
    const int8_t *const codes = (const int8_t *)(weights + 2 * FXP_PLANE_BLOCK);
    for (int32_t channel = 0; channel < FXP_PLANE_BLOCK; ++channel) {
        for (int32_t p = 0; p < 2; ++p) {
            int32_t sum = (int32_t)weights[FXP_PLANE_BLOCK * p + channel];
            for (int32_t i = 0; i < FXP_VECTOR * vectors; ++i) {
                const int32_t vector = FXP_PLANE_BLOCK * (i / FXP_VECTOR) + channel;
                sum += positions[p][i] * codes[FXP_VECTOR * vector + i % FXP_VECTOR];
            }
            output[offsets[2 * channel + p]] = fxp_requantize_helium(sum, narrow, to);
        }
    }
}

#define FXP_MATRIX_LOOP_S8_HELIUM(name, vectors, step, shift, saturate, bits)                                          \
    static void name(                                                                                                  \
        const int8_t *position0,                                                                                       \
        const int8_t *position1,                                                                                       \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        int8_t *output,                                                                                                \
        const uint16_t *offsets                                                                                        \
    ) {                                                                                                                \
        const int8_t *const positions[2] = {position0, position1};                                                     \
        while (weights < weights_end) {                                                                                \
            const int32_t narrow = FXP_NARROW_##saturate(shift, bits);                                                 \
            const fxp_requantization to = fxp_##saturate(shift, bits);                                                 \
            fxp_matrix_helium_channels(positions, weights, vectors, narrow, to, output, offsets);                      \
            weights += FXP_PLANE_BLOCK * (2 + FXP_VECTOR / 4 * (vectors));                                             \
            output += (step);                                                                                          \
        }                                                                                                              \
    }

#endif

#endif
