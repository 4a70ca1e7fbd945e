/*
 * The inner loop of matrix products: all output channels of two positions.
 *
 *     pair     [step]{ p0 k0k1 | p1 k0k1 | p0 k2k3 | p1 k2k3 }       words; p: position, k: codes 4 * step + 0 .. 3
 *     weights  [channel pair]{ bias c0 | bias c1 |
 *                              [step]{ c0 k0k1 | c1 k0k1 | c0 k2k3 | c1 k2k3 } }
 *     output0  [channel pair] c0c1 of position 0
 *     output1  the same of position 1; may be output0 when both positions are one
 *
 * A step is 16 products in 10 instructions, 0.625 each: two LDM of four words and eight SMLAD. Four accumulators, four
 * words of each side and two pointers are all fourteen registers, which no compiler hands out; so this is assembly.
 * Larger blocks (three positions) would load less often but have room for one step of either side only: 0.667.
 *
 *              p0   p1              around the steps of a channel pair, 14 instructions:
 *           +----+----+             1 LDRD      both biases; the first SMLADs read them as they are
 *        c0 | r2 | r4 |             1 SUB       back to the pair's first word
 *           +----+----+             4 USAT, 2 PKHBT, or for a shift of 16: 2 PKHTB, 2 USAT16 and nothing else
 *        c1 | r3 | r5 |             3 LDM, CMP, BNE   output pointers and end from the stack
 *           +----+----+             3 STR, STR, STRD
 *
 * The shift and the saturation are numbers in the instructions, hence a macro that defines a function of type
 * fxp_pair_products: FXP_PAIR_PRODUCTS(name, steps, shift, saturate, bits), each argument a plain number but
 * saturate, which is usat or ssat; steps >= 1, 1 <= shift <= 31. Interrupts are welcome at any point.
 */
#ifndef FXP_PAIR_PRODUCTS_H
#define FXP_PAIR_PRODUCTS_H

#include "fxp_dsp.h"
#include "fxp_engine.h"

#if defined(__ARM_FEATURE_DSP)

#define FXP_PAIR_PRODUCTS(name, steps, shift, saturate, bits)                                                          \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *pair,                                                                  \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output0,                                                                     \
        __attribute__((unused)) fxp_word *output1                                                                      \
    ) {                                                                                                                \
        __asm volatile(".syntax unified\n"                                                                             \
                       "push {r4-r11, lr}\n"                                                                           \
                       "ldr r4, [sp, #36]\n"                                                                           \
                       "mov r5, r2\n"                                                                                  \
                       "push {r3-r5}\n" /* output0, output1, weights_end */                                            \
                       "1:\n"                                                                                          \
                       "ldrd r2, r3, [r1], #8\n"                                                                       \
                       "ldm r0!, {r6-r9}\n"                                                                            \
                       "ldm r1!, {r10-r12, lr}\n"                                                                      \
                       "smlad r4, r7, r10, r2\n"                                                                       \
                       "smlad r5, r7, r11, r3\n"                                                                       \
                       "smlad r2, r6, r10, r2\n"                                                                       \
                       "smlad r3, r6, r11, r3\n" FXP_PAIR_PRODUCTS_SECOND_HALF ".rept " #steps " - 1\n"                \
                       "ldm r0!, {r6-r9}\n"                                                                            \
                       "ldm r1!, {r10-r12, lr}\n"                                                                      \
                       "smlad r2, r6, r10, r2\n"                                                                       \
                       "smlad r3, r6, r11, r3\n"                                                                       \
                       "smlad r4, r7, r10, r4\n"                                                                       \
                       "smlad r5, r7, r11, r5\n" FXP_PAIR_PRODUCTS_SECOND_HALF ".endr\n"                               \
                       "ldm sp, {r6-r8}\n"                                                                             \
                       "sub r0, r0, #16 * " #steps "\n"                                                                \
                       ".if " #shift " == 16\n"                                                                        \
                       "pkhtb r2, r3, r2, asr #16\n"                                                                   \
                       "pkhtb r4, r5, r4, asr #16\n" #saturate "16 r2, #" #bits ", r2\n" #saturate "16 r4, #" #bits    \
                       ", r4\n"                                                                                        \
                       ".else\n" #saturate " r2, #" #bits ", r2, asr #" #shift "\n" #saturate " r3, #" #bits           \
                       ", r3, asr #" #shift "\n" #saturate " r4, #" #bits ", r4, asr #" #shift "\n" #saturate          \
                       " r5, #" #bits ", r5, asr #" #shift "\n"                                                        \
                       "pkhbt r2, r2, r3, lsl #16\n"                                                                   \
                       "pkhbt r4, r4, r5, lsl #16\n"                                                                   \
                       ".endif\n"                                                                                      \
                       "str r4, [r7], #4\n"                                                                            \
                       "str r2, [r6], #4\n"                                                                            \
                       "strd r6, r7, [sp]\n"                                                                           \
                       "cmp r1, r8\n"                                                                                  \
                       "bne 1b\n"                                                                                      \
                       "add sp, sp, #12\n"                                                                             \
                       "pop {r4-r11, pc}\n");                                                                          \
    }

#define FXP_PAIR_PRODUCTS_SECOND_HALF                                                                                  \
    "smlad r2, r8, r12, r2\n"                                                                                          \
    "smlad r3, r8, lr, r3\n"                                                                                           \
    "smlad r4, r9, r12, r4\n"                                                                                          \
    "smlad r5, r9, lr, r5\n"

#else

#define FXP_PAIR_PRODUCTS(name, steps, shift, saturate, bits)                                                          \
    static void name(                                                                                                  \
        const fxp_word *pair,                                                                                          \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        fxp_word *output0,                                                                                             \
        fxp_word *output1                                                                                              \
    ) {                                                                                                                \
        fxp_pair_products_twin(pair, weights, weights_end, output0, output1, steps, fxp_##saturate(shift, bits));      \
    }

static inline void fxp_pair_products_twin(
    const fxp_word *pair,
    const uint32_t *weights,
    const uint32_t *weights_end,
    fxp_word *output0,
    fxp_word *output1,
    int32_t steps,
    fxp_requantization to
) {
    while (weights < weights_end) {
        int32_t sums[2][2] = {{(int32_t)weights[0], (int32_t)weights[1]}, {(int32_t)weights[0], (int32_t)weights[1]}};
        weights += 2;
        for (int32_t half_step = 0; half_step < 2 * steps; ++half_step) {
            for (int32_t position = 0; position < 2; ++position) {
                const uint32_t codes = pair[2 * half_step + position];
                sums[position][0] = fxp_smlad(codes, weights[0], sums[position][0]);
                sums[position][1] = fxp_smlad(codes, weights[1], sums[position][1]);
            }
            weights += 2;
        }
        *output1++ = fxp_halves(fxp_requantize(sums[1][0], to), fxp_requantize(sums[1][1], to));
        *output0++ = fxp_halves(fxp_requantize(sums[0][0], to), fxp_requantize(sums[0][1], to));
    }
}

#endif

#endif
