/*
 * The inner loop of matrix products for the one position that an odd number leaves, with the weights of
 * fxp_matrix_loop_s16_dsp.h.
 *
 *     position  [step]{ k0k1 | k2k3 }       words; k: codes 4 * step + 0 .. 3
 *     weights   [channel pair]{ bias c0 | bias c1 | [step]{ c0 k0k1 | c1 k0k1 | c0 k2k3 | c1 k2k3 } }
 *     output    [channel pair] c0c1; overlaps not the position
 *
 * Two steps are 16 products in 11 instructions, 0.69 each: three LDM of four words and eight SMLAD. That is more than
 * the 0.625 of two positions and less than their 1.25 where the second one is of no use.
 *
 * FXP_MATRIX_LOOP_S16_DSP_SINGLE(name, steps, shift, saturate, bits) defines a function of type
 * fxp_matrix_loop_s16_dsp_single, each argument a plain number but saturate, which is usat or ssat; 1 <= steps <= 128,
 * 1 <= shift <= 31. Assembly for the LDMs.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S16_DSP_SINGLE_H
#define FXP_MATRIX_LOOP_S16_DSP_SINGLE_H

#include "nn/fxp_little_endian.h"
#include "nn/stream/fxp_stream.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

/* A step's codes and its weights in r8 to r11. */
#define FXP_SINGLE_STEP(k01, k23)                                                                                      \
    "ldm r1!, {r8-r11}\n"                                                                                              \
    "smlad r4, " k01 ", r8, r4\n"                                                                                      \
    "smlad r5, " k01 ", r9, r5\n"                                                                                      \
    "smlad r4, " k23 ", r10, r4\n"                                                                                     \
    "smlad r5, " k23 ", r11, r5\n"

/* r0 position, r1 weights, r2 their end, r3 output, r4 r5 accumulators, r6 r7 r12 lr codes, r8 to r11 weights. */
#define FXP_MATRIX_LOOP_S16_DSP_SINGLE(name, steps, shift, saturate, bits)                                             \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position,                                                              \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "1:\n"                                                                                                     \
            "ldrd r4, r5, [r1], #8\n"                                                                                  \
            ".rept " #steps " / 2\n"                                                                                   \
            "ldm r0!, {r6, r7, r12, lr}\n"                                                                             \
            FXP_SINGLE_STEP("r6", "r7")                                                                                \
            FXP_SINGLE_STEP("r12", "lr")                                                                               \
            ".endr\n"                                                                                                  \
            ".if " #steps " & 1\n"                                                                                     \
            "ldm r0!, {r6, r7}\n"                                                                                      \
            FXP_SINGLE_STEP("r6", "r7")                                                                                \
            ".endif\n"                                                                                                 \
            #saturate " r4, #" #bits ", r4, asr #" #shift "\n"                                                         \
            #saturate " r5, #" #bits ", r5, asr #" #shift "\n"                                                         \
            "subw r0, r0, #8 * " #steps "\n"                                                                           \
            "pkhbt r4, r4, r5, lsl #16\n"                                                                              \
            "str r4, [r3], #4\n"                                                                                       \
            "cmp r1, r2\n"                                                                                             \
            "bne.w 1b\n"                                                                                               \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_S16_DSP_SINGLE(name, steps, shift, saturate, bits)                                             \
    static void name(                                                                                                  \
        const fxp_word *position, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output               \
    ) {                                                                                                                \
        for (; weights < weights_end; weights += 2 + 4 * (steps)) {                                                    \
            *output++ = fxp_single_twin(position, weights, steps, fxp_##saturate(shift, bits));                        \
        }                                                                                                              \
    }

/* One channel pair. */
static inline uint32_t
fxp_single_twin(const fxp_word *position, const uint32_t *weights, int32_t steps, fxp_requantization to) {
    int32_t sums[2];
    for (int32_t channel = 0; channel < 2; ++channel) {
        const uint32_t *const w = weights + 2 + channel;
        int32_t sum = (int32_t)weights[channel];
        for (int32_t word = 0; word < 2 * steps; ++word) {
            sum = fxp_smlad(position[word], w[2 * word], sum);
        }
        sums[channel] = fxp_requantize(sum, to);
    }
    return fxp_halves(sums[0], sums[1]);
}

#endif

#endif
