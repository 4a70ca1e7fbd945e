/*
 * The loop of fxp_matrix_loop_row_pairs_dsp_lanes.h for any number of position pairs, with codes scaled such that lanes
 * end where halfwords do: USAT16 then saturates two positions at once, and a position pair is copied by the loop itself.
 *
 * Codes of p0 are 2^(16 - lane) times as large, so the lower lane ends with the lower halfword. Those of p1 are scaled
 * such that the sum of the upper lane, shifted to its code, ends with the register; where its shift is more than
 * 16 - lane, bits are left below the code. All biases are scaled likewise:
 *
 *     accumulator of p0    |         sum of c0         | sum of c1 + 2^(lane-1) | 0 |      bits 31 .. 16 | 15 .. 0
 *     accumulator of p1    | sum of c0, shifted |         sum of c1 + ..        | 0 |      bits 31 .. 16 | 15 .. 0
 *
 *     PKHBT   { p0c1 | p1c1 }, lower lanes         EOR takes 2^(lane-1) off, USAT16
 *     PKHTB   { p0c0 | p1c0 }, upper lanes         USAT16
 *     SEL     bytes { p0c0 | p0c1 | p1c0 | p1c1 }, where the lower lane's code begins with a byte; else AND and ORR
 *
 * As drawn, the lower lane is of the odd channel (lower 1); where only sums of even ones fit it, it is theirs (lower 0), and
 * all codes take AND and ORR.
 *
 *     input    row pairs for pointwise, [position pair][word]
 *     weights  [channel quad]{ biases p0 c0c1 | p0 c2c3 | p1 c0c1 | p1 c2c3 | [step]{ c0c1 k0k1 | c2c3 k0k1 | c0c1 k2k3 |
 *              c2c3 k2k3 } }, halfwords w1 + 2^lane * w0 (lower 0: w0 + 2^lane * w1)
 *     output   row pairs for depthwise, [position pair][word]
 *     scratch  [step]{ p0 k0k1 | p1 k0k1 | p0 k2k3 | p1 k2k3 }, scaled
 *
 *     for each position pair                       80 for 64 codes, and 14
 *         for each channel quad                    four in a turn of the loop, where that divides them
 *             biases, a step of weights            LDM of eight words; others of four
 *             two LDM and eight SMLAD a step       10 for 32 products: 0.3125 each
 *             codes                                2 PKHBT, 2 PKHTB, 2 EOR, 4 USAT16, 2 SEL (or 4 to 6 AND and ORR)
 *             store, loop                          STRD, LDM, and a quarter of STR, CMP, BNE    14.75 around the steps
 *
 * FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_HALVES(name, steps, channel_quads, lane, lower, shift, code_at, bits) defines a function
 * of type fxp_matrix_loop_row_pairs_dsp_lanes_halves. Plain numbers: 1 <= steps <= 128; channel_quads of a turn, 1, 2 or 4;
 * 12 <= lane <= 14, 0 <= shift < lane, 1 <= bits <= 7, 16 - lane + shift + bits <= 15; code_at 4 or 0, of the input.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_HALVES_H
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_HALVES_H

#include "nn/four_bit/fxp_four_bit.h"
#include "nn/fxp_little_endian.h"

/* How far codes of p0 and p1 are shifted up, and the bits that the upper lanes' codes have below them. */
#define FXP_HALVES_P0(lane) (16 - (lane))
#define FXP_HALVES_BELOW(lane, shift) ((shift) > 16 - (lane) ? (shift) - (16 - (lane)) : 0)
#define FXP_HALVES_P1(lane, shift) (16 - (lane) - (shift) + FXP_HALVES_BELOW(lane, shift))

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* Codes of a register of four bytes to both positions' words. */
#define FXP_HALVES_TAKE(p0, p1)                                                                                        \
    ".if fxp_p0 >= fxp_code_at\n"                                                                                      \
    "and " p0 ", r1, " p1 ", lsl #fxp_p0 - fxp_code_at\n"                                                              \
    ".else\n"                                                                                                          \
    "and " p0 ", r1, " p1 ", lsr #fxp_code_at - fxp_p0\n"                                                              \
    ".endif\n"                                                                                                         \
    "and " p1 ", r3, " p1 ", lsr #fxp_code_at + 8 - fxp_p1\n"

/* A position pair from r2 to r0, which both move on. */
#define FXP_HALVES_COPY(steps)                                                                                         \
    ".if fxp_code_at\n"                                                                                                \
    "mov r1, #0x000f000f << fxp_p0\n"                                                                                  \
    "mov r3, #0x000f000f << fxp_p1\n"                                                                                  \
    ".else\n"                                                                                                          \
    "movw r1, #0xff << fxp_p0\n"                                                                                       \
    "movw r3, #0xff << fxp_p1\n"                                                                                       \
    "orr r1, r1, r1, lsl #16\n"                                                                                        \
    "orr r3, r3, r3, lsl #16\n"                                                                                        \
    ".endif\n"                                                                                                         \
    ".rept " #steps " / 2\n"                                                                                           \
    "ldm r2!, {r5, r8, r11, lr}\n"                                                                                     \
    FXP_HALVES_TAKE("r4", "r5")                                                                                        \
    FXP_HALVES_TAKE("r6", "r8")                                                                                        \
    FXP_HALVES_TAKE("r10", "r11")                                                                                      \
    FXP_HALVES_TAKE("r12", "lr")                                                                                       \
    "stm r0!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"                                                                   \
    ".endr\n"                                                                                                          \
    ".if " #steps " & 1\n"                                                                                             \
    "ldm r2!, {r5, r8}\n"                                                                                              \
    FXP_HALVES_TAKE("r4", "r5")                                                                                        \
    FXP_HALVES_TAKE("r6", "r8")                                                                                        \
    "stm r0!, {r4, r5, r6, r8}\n"                                                                                      \
    ".endif\n"

/* Codes of the lower lane at fxp_code_bit, and of the upper one, to bytes in place of the first. */
#define FXP_HALVES_MERGE(low, high, mask, lower)                                                                       \
    ".if !" #lower "\n"                                                                                                \
    "and " low ", " mask ", " low ", lsr #fxp_code_bit\n"                                                              \
    "orr " low ", " low ", " high ", lsl #8\n"                                                                         \
    ".elseif fxp_code_bit == 8\n"                                                                                      \
    "sel " low ", " low ", " high "\n"                                                                                 \
    ".else\n"                                                                                                          \
    "and " low ", " mask ", " low ", lsr #fxp_code_bit\n"                                                              \
    "orr " low ", " high ", " low ", lsl #8\n"                                                                         \
    ".endif\n"

#define FXP_HALVES_PRODUCTS(p0, p1, c0c1, c2c3)                                                                        \
    "smlad r2, " p0 ", " c0c1 ", r2\n"                                                                                 \
    "smlad r3, " p0 ", " c2c3 ", r3\n"                                                                                 \
    "smlad r4, " p1 ", " c0c1 ", r4\n"                                                                                 \
    "smlad r5, " p1 ", " c2c3 ", r5\n"

/* A channel quad, up to its eight codes in r6 and r7; then r0 scratch, r10 mask, r11 output, r12 weights_end. */
#define FXP_HALVES_QUAD(steps, lower, bits)                                                                            \
    "ldm r0!, {r6-r9}\n"                                                                                               \
    "ldm r1!, {r2-r5, r10-r12, lr}\n"                                                                                  \
    FXP_HALVES_PRODUCTS("r6", "r7", "r10", "r11")                                                                      \
    FXP_HALVES_PRODUCTS("r8", "r9", "r12", "lr")                                                                       \
    ".rept " #steps " - 1\n"                                                                                           \
    "ldm r0!, {r6-r9}\n"                                                                                               \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    FXP_HALVES_PRODUCTS("r6", "r7", "r10", "r11")                                                                      \
    FXP_HALVES_PRODUCTS("r8", "r9", "r12", "lr")                                                                       \
    ".endr\n"                                                                                                          \
    "ldm sp, {r0, r10-r12}\n"                                                                                          \
    "pkhbt r6, r2, r4, lsl #16 + fxp_p0 - fxp_p1\n"                                                                    \
    "pkhbt r7, r3, r5, lsl #16 + fxp_p0 - fxp_p1\n"                                                                    \
    "pkhtb r2, r4, r2, asr #16 + fxp_p0 - fxp_p1\n"                                                                    \
    "pkhtb r3, r5, r3, asr #16 + fxp_p0 - fxp_p1\n"                                                                    \
    "eor r6, r6, #0x80008000\n"                                                                                        \
    "eor r7, r7, #0x80008000\n"                                                                                        \
    "usat16 r6, #fxp_code_bit + " #bits ", r6\n"                                                                       \
    "usat16 r7, #fxp_code_bit + " #bits ", r7\n"                                                                       \
    "usat16 r2, #fxp_below + " #bits ", r2\n"                                                                          \
    "usat16 r3, #fxp_below + " #bits ", r3\n"                                                                          \
    ".if fxp_below\n"                                                                                                  \
    "and r2, r10, r2, lsr #fxp_below\n"                                                                                \
    "and r3, r10, r3, lsr #fxp_below\n"                                                                                \
    ".endif\n"                                                                                                         \
    FXP_HALVES_MERGE("r6", "r2", "r10", lower)                                                                         \
    FXP_HALVES_MERGE("r7", "r3", "r10", lower)

/* Stack: scratch, mask, output, weights_end; input, input_end, weights. GE picks odd bytes of the first word. */
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_HALVES(name, steps, channel_quads, lane, lower, shift, code_at, bits)                     \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *input,                                                                 \
        __attribute__((unused)) const fxp_word *input_end,                                                             \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output,                                                                      \
        __attribute__((unused)) fxp_word *scratch                                                                      \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            ".set fxp_code_at, " #code_at "\n"                                                                         \
            ".set fxp_below, 0\n"                                                                                      \
            ".if " #shift " > 16 - " #lane "\n"                                                                        \
            ".set fxp_below, " #shift " - 16 + " #lane "\n"                                                            \
            ".endif\n"                                                                                                 \
            ".set fxp_p0, 16 - " #lane "\n"                                                                            \
            ".set fxp_p1, fxp_p0 - " #shift " + fxp_below\n"                                                           \
            ".set fxp_code_bit, fxp_p0 + " #shift "\n"                                                                 \
            "push {r4-r11, lr}\n"                                                                                      \
            "ldrd r4, r5, [sp, #36]\n"                                                                                 \
            "push {r0-r2}\n"                                                                                           \
            "mov r6, r5\n"                                                                                             \
            "mov r7, #((1 << " #bits ") - 1) * 0x10001\n"                                                              \
            "mov r8, r4\n"                                                                                             \
            "mov r9, r3\n"                                                                                             \
            "push {r6-r9}\n"                                                                                           \
            "mov r4, #0xff00ff00\n"                                                                                    \
            "uadd8 r4, r4, r4\n"                                                                                       \
            "1:\n"                                                                                                     \
            "ldr r0, [sp]\n"                                                                                           \
            "ldr r2, [sp, #16]\n"                                                                                      \
            FXP_HALVES_COPY(steps)                                                                                     \
            "ldr r0, [sp]\n"                                                                                           \
            "ldr r1, [sp, #24]\n"                                                                                      \
            "str r2, [sp, #16]\n"                                                                                      \
            "2:\n"                                                                                                     \
            FXP_HALVES_QUAD(steps, lower, bits)                                                                               \
            "strd r6, r7, [r11], #8 * " #channel_quads "\n"                                                                    \
            "str r11, [sp, #8]\n"                                                                                      \
            ".set fxp_out, 8 - 8 * " #channel_quads "\n"                                                                        \
            ".rept " #channel_quads " - 1\n"                                                                                   \
            FXP_HALVES_QUAD(steps, lower, bits)                                                                               \
            "strd r6, r7, [r11, #fxp_out]\n"                                                                           \
            ".set fxp_out, fxp_out + 8\n"                                                                              \
            ".endr\n"                                                                                                  \
            "cmp r1, r12\n"                                                                                            \
            "bne.w 2b\n"                                                                                               \
            "ldrd r2, r3, [sp, #16]\n"                                                                                 \
            "cmp r2, r3\n"                                                                                             \
            "bne.w 1b\n"                                                                                               \
            "add sp, sp, #28\n"                                                                                        \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_HALVES(name, steps, channel_quads, lane, lower, shift, code_at, bits)      \
    static void name(                                                                                                  \
        const fxp_word *input,                                                                                         \
        const fxp_word *input_end,                                                                                     \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        fxp_word *output,                                                                                              \
        fxp_word *scratch                                                                                              \
    ) {                                                                                                                \
        const fxp_halves_lanes of = {                                                                                  \
            steps,                                                                                                     \
            FXP_HALVES_P0(lane),                                                                                       \
            FXP_HALVES_P1(lane, shift),                                                                                \
            lower,                                                                                                     \
            code_at,                                                                                                   \
            fxp_usat(FXP_HALVES_P0(lane) + (shift), bits),                                                             \
            fxp_usat(FXP_HALVES_BELOW(lane, shift), bits),                                                             \
        };                                                                                                             \
        fxp_halves_twin(input, input_end, weights, weights_end, output, scratch, of);                                  \
    }

typedef struct {
    int32_t steps;
    int32_t p0; /* how far its codes are shifted up */
    int32_t p1;
    int32_t lower_is_odd;
    int32_t code_at;
    fxp_requantization lower;
    fxp_requantization upper;
} fxp_halves_lanes;

/* Bytes { p0c0 | p0c1 | p1c0 | p1c1 } of two accumulators. */
static inline fxp_word fxp_halves_codes(int32_t p0, int32_t p1, fxp_halves_lanes of) {
    const uint32_t lower = fxp_halves(p0, (int32_t)((uint32_t)p1 << (of.p0 - of.p1))) ^ 0x80008000u;
    const uint32_t upper = fxp_halves(p0 >> (16 + of.p0 - of.p1), p1 >> 16);
    const uint32_t low =
        fxp_halves(fxp_requantize(fxp_low(lower), of.lower), fxp_requantize(fxp_high(lower), of.lower));
    const uint32_t high =
        fxp_halves(fxp_requantize(fxp_low(upper), of.upper), fxp_requantize(fxp_high(upper), of.upper));
    return of.lower_is_odd ? high | low << 8 : low | high << 8;
}

static inline void fxp_halves_copy(const fxp_word *input, fxp_word *scratch, fxp_halves_lanes of) {
    const uint32_t mask = of.code_at != 0 ? 0x000f000fu : 0x00ff00ffu;
    for (int32_t i = 0; i < 2 * of.steps; ++i) {
        *scratch++ = (input[i] >> of.code_at & mask) << of.p0;
        *scratch++ = (input[i] >> (of.code_at + 8) & mask) << of.p1;
    }
}

static inline void fxp_halves_twin(
    const fxp_word *input,
    const fxp_word *input_end,
    const uint32_t *weights,
    const uint32_t *weights_end,
    fxp_word *output,
    fxp_word *scratch,
    fxp_halves_lanes of
) {
    for (; input < input_end; input += 2 * of.steps) {
        fxp_halves_copy(input, scratch, of);
        for (const uint32_t *w = weights; w < weights_end; w += 4 + 4 * of.steps) {
            int32_t sums[4] = {(int32_t)w[0], (int32_t)w[1], (int32_t)w[2], (int32_t)w[3]};
            for (int32_t i = 0; i < 4 * of.steps; i += 2) {
                sums[0] = fxp_smlad(scratch[i], w[4 + i], sums[0]);
                sums[1] = fxp_smlad(scratch[i], w[5 + i], sums[1]);
                sums[2] = fxp_smlad(scratch[i + 1], w[4 + i], sums[2]);
                sums[3] = fxp_smlad(scratch[i + 1], w[5 + i], sums[3]);
            }
            *output++ = fxp_halves_codes(sums[0], sums[2], of);
            *output++ = fxp_halves_codes(sums[1], sums[3], of);
        }
    }
}

#endif

#endif
