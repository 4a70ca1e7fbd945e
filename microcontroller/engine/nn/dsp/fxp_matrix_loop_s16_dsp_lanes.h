/*
 * The inner loop of matrix products for weights of at most four bits: all output channels of two positions, four
 * products per instruction as the outer product of two positions and two output channels.
 *
 *     X = p0 + p1 z        W = c0 + c1 z^2        z = 2^14        X W = p0c0 + p1c0 z + p0c1 z^2 + p1c1 z^3
 *
 *     bit 63          42 41          28 27          14 13           0
 *        |    p1 c1     |    p0 c1     |    p1 c0     |    p0 c0     |        a sum of SMLAL
 *
 * Lanes begin with the magnitude of a channel's negative weights times the greatest code, so they are never negative on
 * the way; the plan proves that those of `every` steps stay below 2^14. After so many steps the lanes are taken out as
 * halfwords and added up (UADD16); what they began with, and the bias, is a correction at the end.
 *
 *     position_pair  [step]{ X of k0 | k1 | k2 | k3 }          words; k: codes 4 * step + 0 .. 3
 *     weights        [channel quad]{ [`every` steps]{ begin c0c1, 64 bits | begin c2c3 | [step][k]{ c0c1 | c2c3 } }
 *                                    correction c0c1 | c2c3 }  corrections are two int16
 *     output0        [channel pair] c0c1 of position 0, int16
 *     output1        the same of position 1; may be output0 when both positions are one
 *
 * A step is 32 products in 11 instructions, 0.34 each: three LDM of four words and eight SMLAL. Around those of a
 * channel quad are 16 for each span (LDM, LDR, 14 that take eight lanes out), 6 more for each but the first, and 25:
 * corrections, saturation (USAT16, LSR and AND of two codes) and stores. Assembly, since all fourteen registers are in
 * use.
 *
 * FXP_MATRIX_LOOP_S16_DSP_LANES(name, steps, every, shift, bits) defines a function of type fxp_matrix_loop_s16_dsp:
 * plain numbers, 1 <= every <= steps <= 128, bits <= 7, shift <= 8. Interrupts are welcome at any point.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S16_DSP_LANES_H
#define FXP_MATRIX_LOOP_S16_DSP_LANES_H

#include "nn/dsp/fxp_dsp.h"
#include "nn/fxp_little_endian.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* r2 r3 lanes of c0c1, r4 r5 of c2c3; r6 to r9 codes, r10 to lr weights. */
#define FXP_OUTER_STEP                                                                                                 \
    "ldm r0!, {r6-r9}\n"                                                                                               \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    "smlal r2, r3, r6, r10\n"                                                                                          \
    "smlal r4, r5, r6, r11\n"                                                                                          \
    "smlal r2, r3, r7, r12\n"                                                                                          \
    "smlal r4, r5, r7, lr\n"                                                                                           \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    "smlal r2, r3, r8, r10\n"                                                                                          \
    "smlal r4, r5, r8, r11\n"                                                                                          \
    "smlal r2, r3, r9, r12\n"                                                                                          \
    "smlal r4, r5, r9, lr\n"

/* Lanes of low and high as halfwords { c0 | c1 } of both positions; r12 is 0x3fff3fff. */
#define FXP_OUTER_LANES(low, high, p0, p1)                                                                             \
    "lsr r10, " low ", #28\n"                                                                                          \
    "orr r10, r10, " high ", lsl #4\n"                                                                                 \
    "pkhbt " p0 ", " low ", r10, lsl #16\n"                                                                            \
    "lsr " low ", " low ", #14\n"                                                                                      \
    "pkhbt " p1 ", " low ", r10, lsl #2\n"                                                                             \
    "and " p0 ", " p0 ", r12\n"                                                                                        \
    "and " p1 ", " p1 ", r12\n"

/* Sums of a span to r6 (p0 c0c1), r7 (p1 c0c1), r8 (p0 c2c3), r9 (p1 c2c3), with those of the spans before. */
#define FXP_OUTER_TAKE(first)                                                                                          \
    "ldr r12, [sp, #16]\n"                                                                                             \
    FXP_OUTER_LANES("r2", "r3", "r6", "r7")                                                                            \
    FXP_OUTER_LANES("r4", "r5", "r8", "r9")                                                                            \
    ".if (" first ") == 0\n"                                                                                           \
    "ldm sp, {r2-r5}\n"                                                                                                \
    "uadd16 r6, r6, r2\n"                                                                                              \
    "uadd16 r7, r7, r3\n"                                                                                              \
    "uadd16 r8, r8, r4\n"                                                                                              \
    "uadd16 r9, r9, r5\n"                                                                                              \
    ".endif\n"

#define FXP_OUTER_SATURATE(codes, shift, bits)                                                                         \
    "usat16 " codes ", #" #bits " + " #shift ", " codes "\n"                                                           \
    ".if " #shift " == 8\n"                                                                                            \
    "uxtb16 " codes ", " codes ", ror #8\n"                                                                            \
    ".elseif " #shift "\n"                                                                                             \
    "lsr " codes ", " codes ", #" #shift "\n"                                                                          \
    "and " codes ", " codes ", #0x00010001 * ((1 << " #bits ") - 1)\n"                                                 \
    ".endif\n"

/* All steps of a channel quad; the sums are then in r6 (p0 c0c1), r7 (p1 c0c1), r8 (p0 c2c3), r9 (p1 c2c3). */
#define FXP_OUTER_STEPS(steps, every)                                                                                  \
    "ldm r1!, {r2-r5}\n"                                                                                               \
    ".set fxp_step, 0\n"                                                                                               \
    ".rept " #steps "\n"                                                                                               \
    ".if fxp_step && fxp_step % " #every " == 0\n"                                                                     \
    FXP_OUTER_TAKE("fxp_step == " #every)                                                                              \
    "stm sp, {r6-r9}\n"                                                                                                \
    "ldm r1!, {r2-r5}\n"                                                                                               \
    ".endif\n"                                                                                                         \
    FXP_OUTER_STEP                                                                                                     \
    ".set fxp_step, fxp_step + 1\n"                                                                                    \
    ".endr\n"                                                                                                          \
    FXP_OUTER_TAKE(#steps " == " #every)

/* r0 position pair, r1 weights; stack: four sums, mask, weights_end, output0, output1. */
#define FXP_MATRIX_LOOP_S16_DSP_LANES(name, steps, every, shift, bits)                                                 \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position_pair,                                                         \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output0,                                                                     \
        __attribute__((unused)) fxp_word *output1                                                                      \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "ldr r5, [sp, #36]\n"                                                                                      \
            "mov r4, r3\n"                                                                                             \
            "mov r3, r2\n"                                                                                             \
            "mov r2, #0x3fff\n"                                                                                        \
            "orr r2, r2, r2, lsl #16\n"                                                                                \
            "push {r2-r5}\n"                                                                                           \
            "sub sp, sp, #16\n"                                                                                        \
            "1:\n"                                                                                                     \
            FXP_OUTER_STEPS(steps, every)                                                                              \
            "ldrd r2, r3, [r1], #8\n"                                                                                  \
            "uadd16 r6, r6, r2\n"                                                                                      \
            "uadd16 r7, r7, r2\n"                                                                                      \
            "uadd16 r8, r8, r3\n"                                                                                      \
            "uadd16 r9, r9, r3\n"                                                                                      \
            FXP_OUTER_SATURATE("r6", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r7", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r8", shift, bits)                                                                      \
            FXP_OUTER_SATURATE("r9", shift, bits)                                                                      \
            "ldr r12, [sp, #20]\n"                                                                                     \
            "ldrd r10, r11, [sp, #24]\n"                                                                               \
            "subw r0, r0, #16 * " #steps "\n"                                                                          \
            "strd r7, r9, [r11], #8\n"                                                                                 \
            "strd r6, r8, [r10], #8\n"                                                                                 \
            "strd r10, r11, [sp, #24]\n"                                                                               \
            "cmp r1, r12\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #32\n"                                                                                        \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else
// clang-format on

#define FXP_MATRIX_LOOP_S16_DSP_LANES(name, steps, every, shift, bits)                                                 \
    static void name(                                                                                                  \
        const fxp_word *position_pair,                                                                                 \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        fxp_word *output0,                                                                                             \
        fxp_word *output1                                                                                              \
    ) {                                                                                                                \
        while (weights < weights_end) {                                                                                \
            weights = fxp_outer_twin(position_pair, weights, output0, output1, steps, every, fxp_usat(shift, bits));   \
            output0 += 2;                                                                                              \
            output1 += 2;                                                                                              \
        }                                                                                                              \
    }

/* One channel quad; returns the next one's weights. */
static inline const uint32_t *fxp_outer_twin(
    const fxp_word *position_pair,
    const uint32_t *weights,
    fxp_word *output0,
    fxp_word *output1,
    int32_t steps,
    int32_t every,
    fxp_requantization to
) {
    uint32_t p0[2] = {0, 0};
    uint32_t p1[2] = {0, 0};
    for (int32_t k = 0; k < 4 * steps;) {
        uint64_t lanes[2] = {weights[0] | (uint64_t)weights[1] << 32, weights[2] | (uint64_t)weights[3] << 32};
        weights += 4;
        for (int32_t i = 0; i < 4 * every && k < 4 * steps; ++i, ++k) {
            lanes[0] += (uint64_t)((int64_t)(int32_t)position_pair[k] * (int32_t)weights[0]);
            lanes[1] += (uint64_t)((int64_t)(int32_t)position_pair[k] * (int32_t)weights[1]);
            weights += 2;
        }
        for (int32_t i = 0; i < 2; ++i) {
            p0[i] = fxp_add16(p0[i], (lanes[i] & 0x3fffu) | (uint32_t)(lanes[i] >> 28 & 0x3fffu) << 16);
            p1[i] = fxp_add16(p1[i], (lanes[i] >> 14 & 0x3fffu) | (uint32_t)(lanes[i] >> 42 & 0x3fffu) << 16);
        }
    }
    for (int32_t i = 0; i < 2; ++i) {
        const uint32_t sums0 = fxp_add16(p0[i], weights[i]);
        const uint32_t sums1 = fxp_add16(p1[i], weights[i]);
        output1[i] = fxp_halves(fxp_requantize(fxp_low(sums1), to), fxp_requantize(fxp_high(sums1), to));
        output0[i] = fxp_halves(fxp_requantize(fxp_low(sums0), to), fxp_requantize(fxp_high(sums0), to));
    }
    return weights + 2;
}

#endif

#endif
