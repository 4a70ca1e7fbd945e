/*
 * The inner loop of matrix products with four products per instruction: all output channels of two positions.
 *
 * A halfword of a weight word carries two output channels, w0 + 2^12 * w1, so one SMLAD multiplies two input codes by the
 * weights of two output channels, and a 32-bit accumulator holds two sums:
 *
 *     bit 31                      12 11                    0
 *        |        sum of c1         |   sum of c0 + 2^11   |      the plan proves -2^11 <= sum of c0 < 2^11
 *
 * With 2^11 added, the lower lane is never negative and borrows nothing from the upper one, which is therefore exact:
 * USAT shifts it down and clamps. The lower lane is brought to the top (LSL #20), where 2^11 is the sign bit: EOR takes
 * it away again. Sums may leave their lane on the way; the last one counts.
 *
 *     pair     [step]{ p0 k0k1 | p1 k0k1 | p0 k2k3 | p1 k2k3 }       words; p: position, k: codes 4 * step + 0 .. 3
 *     weights  [channel quad]{ bias c0c1 | bias c2c3 | [step]{ c0c1 k0k1 | c2c3 k0k1 | c0c1 k2k3 | c2c3 k2k3 } }
 *     output   [channel quad]{ p0c0 | p0c1 | p1c0 | p1c1 | p0c2 | p0c3 | p1c2 | p1c3 }     bytes
 *
 *             p0   p1              a step: 32 products in 10 instructions, 0.3125 each (0.25 is SMLAD alone):
 *          +----+----+             two LDM of four words, eight SMLAD
 *     c0c1 | r2 | r4 |             around the steps of a quad, 22 to 24 instructions:
 *          +----+----+             1 LDRD      biases; the first SMLADs read them as they are
 *     c2c3 | r3 | r5 |             4 EOR, 8 USAT, 6 ORR; for a shift of 4: 4 EOR, 4 USAT, 2 PKHTB, 2 USAT16, 4 ORR
 *          +----+----+             1 STRD      eight codes; LDM, STR, CMP, BNE
 *
 * FXP_QUAD_PRODUCTS(name, steps, shift, bits) defines a function of type fxp_quad_products; plain numbers, steps >= 1,
 * 0 <= shift <= 11, 1 <= bits <= 4. Assembly, since all fourteen registers are in use. Interrupts are welcome.
 */
#ifndef FXP_QUAD_PRODUCTS_H
#define FXP_QUAD_PRODUCTS_H

#include "fxp_dsp.h"
#include "fxp_engine.h"
#include "fxp_row_pairs.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
#define FXP_QUAD_PRODUCTS(name, steps, shift, bits)                                                                    \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *pair,                                                                  \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            "mov r4, #0x80000000\n"                                                                                    \
            "push {r0, r2-r4}\n" /* pair, weights_end, output, sign */                                                 \
            "1:\n"                                                                                                     \
            "ldrd r2, r3, [r1], #8\n"                                                                                  \
            "ldm r0!, {r6-r9}\n"                                                                                       \
            "ldm r1!, {r10-r12, lr}\n"                                                                                 \
            "smlad r4, r7, r10, r2\n"                                                                                  \
            "smlad r5, r7, r11, r3\n"                                                                                  \
            "smlad r2, r6, r10, r2\n"                                                                                  \
            "smlad r3, r6, r11, r3\n"                                                                                  \
            "smlad r2, r8, r12, r2\n"                                                                                  \
            "smlad r3, r8, lr, r3\n"                                                                                   \
            "smlad r4, r9, r12, r4\n"                                                                                  \
            "smlad r5, r9, lr, r5\n"                                                                                   \
            ".rept " #steps " - 1\n"                                                                                   \
            "ldm r0!, {r6-r9}\n"                                                                                       \
            "ldm r1!, {r10-r12, lr}\n"                                                                                 \
            "smlad r2, r6, r10, r2\n"                                                                                  \
            "smlad r3, r6, r11, r3\n"                                                                                  \
            "smlad r4, r7, r10, r4\n"                                                                                  \
            "smlad r5, r7, r11, r5\n"                                                                                  \
            "smlad r2, r8, r12, r2\n"                                                                                  \
            "smlad r3, r8, lr, r3\n"                                                                                   \
            "smlad r4, r9, r12, r4\n"                                                                                  \
            "smlad r5, r9, lr, r5\n"                                                                                   \
            ".endr\n"                                                                                                  \
            "ldm sp, {r0, r10-r12}\n"                                                                                  \
            "eor r6, r12, r2, lsl #20\n"                                                                               \
            "eor r7, r12, r3, lsl #20\n"                                                                               \
            "eor r8, r12, r4, lsl #20\n"                                                                               \
            "eor r9, r12, r5, lsl #20\n"                                                                               \
            "usat r6, #" #bits ", r6, asr #20 + " #shift "\n"                                                          \
            "usat r7, #" #bits ", r7, asr #20 + " #shift "\n"                                                          \
            "usat r8, #" #bits ", r8, asr #20 + " #shift "\n"                                                          \
            "usat r9, #" #bits ", r9, asr #20 + " #shift "\n"                                                          \
            "orr r6, r6, r8, lsl #16\n"                                                                                \
            "orr r7, r7, r9, lsl #16\n"                                                                                \
            ".if " #shift " == 4\n"                                                                                    \
            "pkhtb r2, r4, r2, asr #16\n"                                                                              \
            "pkhtb r3, r5, r3, asr #16\n"                                                                              \
            "usat16 r2, #" #bits ", r2\n"                                                                              \
            "usat16 r3, #" #bits ", r3\n"                                                                              \
            ".else\n"                                                                                                  \
            "usat r2, #" #bits ", r2, asr #12 + " #shift "\n"                                                          \
            "usat r3, #" #bits ", r3, asr #12 + " #shift "\n"                                                          \
            "usat r4, #" #bits ", r4, asr #12 + " #shift "\n"                                                          \
            "usat r5, #" #bits ", r5, asr #12 + " #shift "\n"                                                          \
            "orr r2, r2, r4, lsl #16\n"                                                                                \
            "orr r3, r3, r5, lsl #16\n"                                                                                \
            ".endif\n"                                                                                                 \
            "orr r6, r6, r2, lsl #8\n"                                                                                 \
            "orr r7, r7, r3, lsl #8\n"                                                                                 \
            "strd r6, r7, [r11], #8\n"                                                                                 \
            "str r11, [sp, #8]\n"                                                                                      \
            "cmp r1, r10\n"                                                                                            \
            "bne 1b\n"                                                                                                 \
            "add sp, sp, #16\n"                                                                                        \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_QUAD_PRODUCTS(name, steps, shift, bits)                                                                    \
    static void name(const fxp_word *pair, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output) {   \
        fxp_quad_products_twin(pair, weights, weights_end, output, steps, fxp_usat(shift, bits));                      \
    }

/* Codes of both lanes as bytes 0 and 1. */
static inline uint32_t fxp_quad_codes(int32_t sums, fxp_requantization to) {
    const int32_t low = (int32_t)((uint32_t)sums & 0xfffu) - 0x800;
    const int32_t high = sums >> 12;
    return (uint32_t)(uint8_t)fxp_requantize(low, to) | (uint32_t)(uint8_t)fxp_requantize(high, to) << 8;
}

static inline void fxp_quad_products_twin(
    const fxp_word *pair,
    const uint32_t *weights,
    const uint32_t *weights_end,
    fxp_word *output,
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
        *output++ = fxp_quad_codes(sums[0][0], to) | fxp_quad_codes(sums[1][0], to) << 16;
        *output++ = fxp_quad_codes(sums[0][1], to) | fxp_quad_codes(sums[1][1], to) << 16;
    }
}

#endif

#endif
