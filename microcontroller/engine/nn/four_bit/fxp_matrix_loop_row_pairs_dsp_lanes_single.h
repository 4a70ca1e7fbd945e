/*
 * The loop of fxp_matrix_loop_row_pairs_dsp_lanes_halves.h for a single position: of a row pair of which only one row is
 * the tensor's. Eight channels at a time, all of whose sums are as those of its p0:
 *
 *     accumulator          |   sum of c0   | sum of c1 + 2^(lane-1) | 0 |        bits 31 .. 16 | 15 .. 0
 *
 *     PKHBT   { c1 | c3 }, lower lanes             EOR takes 2^(lane-1) off, USAT16
 *     PKHTB   { c0 | c2 }, upper lanes             USAT16
 *     SEL     bytes { c0 | c1 | c2 | c3 }, where the lower lane's code begins with a byte; else AND and ORR
 *
 *     position [step]{ k0k1 | k2k3 }, scaled as p0
 *     weights  an even number of channel quads, as there
 *     output   row pairs for depthwise, [word]: both rows have the codes
 *
 *     for each two channel quads
 *         biases                               2 LDRD of p0's
 *         a step                               3 LDM, 8 SMLAD          11 for 32 products: 0.34 each
 *         codes                                2 PKHBT, 2 PKHTB, 2 EOR, 4 USAT16, 2 AND, 2 SEL (or 2 AND and 2 ORR)
 *         both rows, store, loop               4 PKH, LDRD, STM, STR, 2 ADD and SUB, MOV, CMP, BNE      28 around the steps
 *
 * FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_SINGLE(name, steps, lane, lower, shift, bits) defines a function of type
 * fxp_matrix_loop_row_pairs_dsp_lanes_single. Plain numbers, with the limits of the loop for position pairs. All fourteen
 * registers are in use; hence assembly.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_SINGLE_H
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_SINGLE_H

#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes_halves.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Two words of codes in r6 and r7 by a channel quad's weights. */
#define FXP_HALVES_SINGLE_PRODUCTS(weights, c0c1, c2c3)                                                                       \
    "ldm " weights "!, {r8-r11}\n"                                                                                     \
    "smlad " c0c1 ", r6, r8, " c0c1 "\n"                                                                               \
    "smlad " c2c3 ", r6, r9, " c2c3 "\n"                                                                               \
    "smlad " c0c1 ", r7, r10, " c0c1 "\n"                                                                              \
    "smlad " c2c3 ", r7, r11, " c2c3 "\n"

/* Two accumulators, of which `c0c1` is lost, to four codes; lr is the mask. */
#define FXP_HALVES_SINGLE_CODES(codes, c0c1, c2c3, lower, shift, bits)                                                              \
    "pkhbt " codes ", " c0c1 ", " c2c3 ", lsl #16\n"                                                                   \
    "pkhtb " c0c1 ", " c2c3 ", " c0c1 ", asr #16\n"                                                                    \
    "eor " codes ", " codes ", #0x80008000\n"                                                                          \
    "usat16 " codes ", #fxp_code_bit + " #bits ", " codes "\n"                                                         \
    "usat16 " c0c1 ", #" #shift " + " #bits ", " c0c1 "\n"                                                             \
    ".if " #shift "\n"                                                                                                 \
    "and " c0c1 ", lr, " c0c1 ", lsr #" #shift "\n"                                                                    \
    ".endif\n"                                                                                                         \
    FXP_HALVES_MERGE(codes, c0c1, "lr", lower)

/* Stack: weights_end, output. GE picks odd bytes of the first word. r0 position, r1 and r12 weights. */
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_SINGLE(name, steps, lane, lower, shift, bits)                                     \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position,                                                              \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_code_bit, 16 - " #lane " + " #shift "\n"                                                         \
            "push {r4-r11, lr}\n"                                                                                      \
            "push {r2, r3}\n"                                                                                          \
            "mov r4, #0xff00ff00\n"                                                                                    \
            "uadd8 r4, r4, r4\n"                                                                                       \
            "mov lr, #((1 << " #bits ") - 1) * 0x10001\n"                                                              \
            "1:\n"                                                                                                     \
            "addw r12, r1, #16 * (" #steps " + 1)\n"                                                                   \
            "ldrd r2, r3, [r1], #16\n"                                                                                 \
            "ldrd r4, r5, [r12], #16\n"                                                                                \
            ".rept " #steps "\n"                                                                                       \
            "ldm r0!, {r6, r7}\n"                                                                                      \
            FXP_HALVES_SINGLE_PRODUCTS("r1", "r2", "r3")                                                                      \
            FXP_HALVES_SINGLE_PRODUCTS("r12", "r4", "r5")                                                                     \
            ".endr\n"                                                                                                  \
            "subw r0, r0, #8 * " #steps "\n"                                                                           \
            "mov r1, r12\n"                                                                                            \
            FXP_HALVES_SINGLE_CODES("r6", "r2", "r3", lower, shift, bits)                                                            \
            FXP_HALVES_SINGLE_CODES("r7", "r4", "r5", lower, shift, bits)                                                            \
            "pkhbt r2, r6, r6, lsl #16\n"                                                                              \
            "pkhtb r3, r6, r6, asr #16\n"                                                                              \
            "pkhbt r4, r7, r7, lsl #16\n"                                                                              \
            "pkhtb r5, r7, r7, asr #16\n"                                                                              \
            "ldrd r8, r9, [sp]\n"                                                                                      \
            "stm r9!, {r2-r5}\n"                                                                                       \
            "str r9, [sp, #4]\n"                                                                                       \
            "cmp r1, r8\n"                                                                                             \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #8\n"                                                                                         \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_SINGLE(name, steps, lane, lower, shift, bits)                              \
    static void name(                                                                                                  \
        const fxp_word *position, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output               \
    ) {                                                                                                                \
        fxp_halves_single_twin(                                                                                        \
            position,                                                                                                  \
            weights,                                                                                                   \
            weights_end,                                                                                               \
            output,                                                                                                    \
            steps,                                                                                                     \
            lower,                                                                                                     \
            fxp_usat(16 - (lane) + (shift), bits),                                                                     \
            fxp_usat(shift, bits)                                                                                      \
        );                                                                                                             \
    }

/* A word's two bytes of codes, in both halves. */
static inline fxp_word
fxp_halves_single_codes(int32_t sums, int32_t lower_is_odd, fxp_requantization lower, fxp_requantization upper) {
    const int32_t low = fxp_requantize((int16_t)(fxp_low((uint32_t)sums) ^ -0x8000), lower);
    const int32_t high = fxp_requantize(fxp_high((uint32_t)sums), upper);
    return (uint32_t)(lower_is_odd ? high | low << 8 : low | high << 8) * 0x10001u;
}

static inline void fxp_halves_single_twin(
    const fxp_word *position,
    const uint32_t *weights,
    const uint32_t *weights_end,
    fxp_word *output,
    int32_t steps,
    int32_t lower_is_odd,
    fxp_requantization lower,
    fxp_requantization upper
) {
    for (; weights < weights_end; weights += 4 + 4 * steps) {
        int32_t sums[2] = {(int32_t)weights[0], (int32_t)weights[1]};
        for (int32_t i = 0; i < 2 * steps; ++i) {
            sums[0] = fxp_smlad(position[i], weights[4 + 2 * i], sums[0]);
            sums[1] = fxp_smlad(position[i], weights[5 + 2 * i], sums[1]);
        }
        *output++ = fxp_halves_single_codes(sums[0], lower_is_odd, lower, upper);
        *output++ = fxp_halves_single_codes(sums[1], lower_is_odd, lower, upper);
    }
}

#endif

#endif
