/*
 * The inner loop of matrix products with four products per instruction: output channels of two positions each.
 *
 * A halfword of a weight word carries two output channels, w0 + 2^lane * w1, so one SMLAD multiplies two input codes by
 * the weights of two output channels, and a 32-bit accumulator holds two sums:
 *
 *     bit 31                      lane                         0
 *        |        sum of c1         |   sum of c0 + 2^(lane-1)   |      proved: the sum of c0 fits the lane
 *
 * Two weights fit a halfword with a lane of 12 bits where they have four, of 13 where they have three, of 14 where they
 * have two. With 2^(lane-1) added, the lower lane is never negative and borrows nothing from the upper one, which is
 * therefore exact: USAT shifts it down and clamps. The lower lane is brought to the top (LSL), where 2^(lane-1) is the
 * sign bit: EOR takes it away again. Sums may leave their lane on the way; the last one counts.
 *
 * Where the sums of a whole output don't fit, those of `every` steps do: the lower lane (without 2^(lane-1)) is then
 * taken out of the accumulator with its sign after every so many steps, and added up on the stack. SBFX and SUB leave
 * the upper lane exact, times 2^lane.
 *
 *     position_pair  [step]{ p0 k0k1 | p1 k0k1 | p0 k2k3 | p1 k2k3 }     words; p: position, k: codes 4 * step + 0 .. 3
 *     weights        [channel quad]{ bias c0c1 | bias c2c3 | [step]{ c0c1 k0k1 | c2c3 k0k1 | c0c1 k2k3 | c2c3 k2k3 } }
 *     output         [channel quad]{ p0c0 | p0c1 | p1c0 | p1c1 | p0c2 | p0c3 | p1c2 | p1c3 }     bytes
 *
 *             p0   p1              a step: 32 products in 10 instructions, 0.3125 each (0.25 is SMLAD alone):
 *          +----+----+             two LDM of four words, eight SMLAD
 *     c0c1 | r2 | r4 |             around the steps of a channel quad, 22 to 24 instructions:
 *          +----+----+             1 LDRD      biases; the first SMLADs read them as they are
 *     c2c3 | r3 | r5 |             4 EOR, 8 USAT, 6 ORR; where shift is 16 - lane: 4 EOR, 4 USAT, 2 PKHTB, 2 USAT16,
 *          +----+----+             4 ORR
 *                                  1 STRD      eight codes; LDM, STR, CMP, BNE
 *                                  taken out once: 18 more; once again: 14 more
 *
 * FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES(name, steps, every, lane, shift, bits) defines a function of type
 * fxp_matrix_loop_row_pairs_dsp_lanes: all channel quads of two positions. Plain numbers, 1 <= every <= steps <= 128
 * (equal: nothing is taken out), 12 <= lane <= 14, 0 <= shift < lane, 1 <= bits <= 7. Assembly, since all fourteen
 * registers are in use. Interrupts are welcome.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_H
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES_H

#include "nn/four_bit/fxp_four_bit.h"
#include "nn/fxp_little_endian.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* All steps of a channel quad. r0 position pair, r1 weights, r2 to r5 accumulators, r6 to r9 codes, r10 to lr weights;
 * stack: four sums, where lower lanes are taken out. */
#define FXP_LANES_STEPS(steps, every, lane)                                                                            \
    "ldrd r2, r3, [r1], #8\n"                                                                                          \
    "ldm r0!, {r6-r9}\n"                                                                                               \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    "smlad r4, r7, r10, r2\n"                                                                                          \
    "smlad r5, r7, r11, r3\n"                                                                                          \
    "smlad r2, r6, r10, r2\n"                                                                                          \
    "smlad r3, r6, r11, r3\n"                                                                                          \
    FXP_LANES_HALF_STEP("r8", "r9", "r12", "lr")                                                                       \
    ".set fxp_step, 1\n"                                                                                               \
    ".rept " #steps " - 1\n"                                                                                           \
    ".if fxp_step % " #every " == 0\n"                                                                                 \
    "sbfx r6, r2, #0, #" #lane "\n"                                                                                    \
    "sbfx r7, r3, #0, #" #lane "\n"                                                                                    \
    "sbfx r8, r4, #0, #" #lane "\n"                                                                                    \
    "sbfx r9, r5, #0, #" #lane "\n"                                                                                    \
    "sub r2, r2, r6\n"                                                                                                 \
    "sub r3, r3, r7\n"                                                                                                 \
    "sub r4, r4, r8\n"                                                                                                 \
    "sub r5, r5, r9\n"                                                                                                 \
    ".if fxp_step > " #every "\n"                                                                                      \
    "ldm sp, {r10-r12, lr}\n"                                                                                          \
    "add r6, r6, r10\n"                                                                                                \
    "add r7, r7, r11\n"                                                                                                \
    "add r8, r8, r12\n"                                                                                                \
    "add r9, r9, lr\n"                                                                                                 \
    ".endif\n"                                                                                                         \
    "stm sp, {r6-r9}\n"                                                                                                \
    ".endif\n"                                                                                                         \
    "ldm r0!, {r6-r9}\n"                                                                                               \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    FXP_LANES_HALF_STEP("r6", "r7", "r10", "r11")                                                                      \
    FXP_LANES_HALF_STEP("r8", "r9", "r12", "lr")                                                                       \
    ".set fxp_step, fxp_step + 1\n"                                                                                    \
    ".endr\n"

#define FXP_LANES_HALF_STEP(p0, p1, c0c1, c2c3)                                                                        \
    "smlad r2, " p0 ", " c0c1 ", r2\n"                                                                                 \
    "smlad r3, " p0 ", " c2c3 ", r3\n"                                                                                 \
    "smlad r4, " p1 ", " c0c1 ", r4\n"                                                                                 \
    "smlad r5, " p1 ", " c2c3 ", r5\n"

/* Lower lanes of r2 to r5, brought to the top, to r6 to r9; r12 is 2^31. */
#define FXP_LANES_LANES(lane, shift, bits)                                                                             \
    "eor r6, r12, r2, lsl #32 - " #lane "\n"                                                                           \
    "eor r7, r12, r3, lsl #32 - " #lane "\n"                                                                           \
    "eor r8, r12, r4, lsl #32 - " #lane "\n"                                                                           \
    "eor r9, r12, r5, lsl #32 - " #lane "\n"                                                                           \
    FXP_LANES_SATURATE("r6", "r7", "r8", "r9", shift, bits, 32 - lane)

/* The same where they were taken out on the way: r6 to r9 are what is summed already. */
#define FXP_LANES_SUMS(lane, shift, bits)                                                                              \
    FXP_LANES_LAST_SUM("r2", "r6", lane)                                                                               \
    FXP_LANES_LAST_SUM("r3", "r7", lane)                                                                               \
    FXP_LANES_LAST_SUM("r4", "r8", lane)                                                                               \
    FXP_LANES_LAST_SUM("r5", "r9", lane)                                                                               \
    FXP_LANES_SATURATE("r6", "r7", "r8", "r9", shift, bits, 0)

#define FXP_LANES_LAST_SUM(accumulator, sum, lane)                                                                     \
    "sbfx lr, " accumulator ", #0, #" #lane "\n"                                                                       \
    "add " sum ", " sum ", lr\n"                                                                                       \
    "sub " accumulator ", " accumulator ", lr\n"

#define FXP_LANES_SATURATE(a, b, c, d, shift, bits, above)                                                             \
    ".if " #above " + " #shift "\n"                                                                                    \
    "usat " a ", #" #bits ", " a ", asr #" #above " + " #shift "\n"                                                    \
    "usat " b ", #" #bits ", " b ", asr #" #above " + " #shift "\n"                                                    \
    "usat " c ", #" #bits ", " c ", asr #" #above " + " #shift "\n"                                                    \
    "usat " d ", #" #bits ", " d ", asr #" #above " + " #shift "\n"                                                    \
    ".else\n"                                                                                                          \
    "usat " a ", #" #bits ", " a "\n"                                                                                  \
    "usat " b ", #" #bits ", " b "\n"                                                                                  \
    "usat " c ", #" #bits ", " c "\n"                                                                                  \
    "usat " d ", #" #bits ", " d "\n"                                                                                  \
    ".endif\n"

/* Codes of the lower lanes, r6 to r9, and the upper lanes of r2 to r5: eight bytes in r6 and r7. */
#define FXP_LANES_CODES(lane, shift, bits)                                                                             \
    "orr r6, r6, r8, lsl #16\n"                                                                                        \
    "orr r7, r7, r9, lsl #16\n"                                                                                        \
    ".if " #lane " + " #shift " == 16\n"                                                                               \
    "pkhtb r2, r4, r2, asr #16\n"                                                                                      \
    "pkhtb r3, r5, r3, asr #16\n"                                                                                      \
    "usat16 r2, #" #bits ", r2\n"                                                                                      \
    "usat16 r3, #" #bits ", r3\n"                                                                                      \
    ".else\n"                                                                                                          \
    FXP_LANES_SATURATE("r2", "r3", "r4", "r5", shift, bits, lane)                                                      \
    "orr r2, r2, r4, lsl #16\n"                                                                                        \
    "orr r3, r3, r5, lsl #16\n"                                                                                        \
    ".endif\n"                                                                                                         \
    "orr r6, r6, r2, lsl #8\n"                                                                                         \
    "orr r7, r7, r3, lsl #8\n"

/* Stack: position pair, weights_end, output, sign; or four sums, weights_end, output. */
#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES(name, steps, every, lane, shift, bits)                                     \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position_pair,                                                         \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r4-r11, lr}\n"                                                                                      \
            ".if " #every " < " #steps "\n"                                                                            \
            "push {r2, r3}\n"                                                                                          \
            "sub sp, sp, #16\n"                                                                                        \
            ".else\n"                                                                                                  \
            "mov r4, #0x80000000\n"                                                                                    \
            "push {r0, r2-r4}\n"                                                                                       \
            ".endif\n"                                                                                                 \
            "1:\n"                                                                                                     \
            FXP_LANES_STEPS(steps, every, lane)                                                                        \
            ".if " #every " < " #steps "\n"                                                                            \
            "ldm sp, {r6-r11}\n"                                                                                       \
            "subw r0, r0, #16 * " #steps "\n"                                                                          \
            FXP_LANES_SUMS(lane, shift, bits)                                                                          \
            ".else\n"                                                                                                  \
            "ldm sp, {r0, r10-r12}\n"                                                                                  \
            FXP_LANES_LANES(lane, shift, bits)                                                                         \
            ".endif\n"                                                                                                 \
            FXP_LANES_CODES(lane, shift, bits)                                                                         \
            "strd r6, r7, [r11], #8\n"                                                                                 \
            ".if " #every " < " #steps "\n"                                                                            \
            "str r11, [sp, #20]\n"                                                                                     \
            ".else\n"                                                                                                  \
            "str r11, [sp, #8]\n"                                                                                      \
            ".endif\n"                                                                                                 \
            "cmp r1, r10\n"                                                                                            \
            "bne.w 1b\n"                                                                                               \
            ".if " #every " < " #steps "\n"                                                                            \
            "add sp, sp, #24\n"                                                                                        \
            ".else\n"                                                                                                  \
            "add sp, sp, #16\n"                                                                                        \
            ".endif\n"                                                                                                 \
            "pop {r4-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }

// clang-format on

#else

#define FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES(name, steps, every, lane, shift, bits)                                     \
    static void name(                                                                                                  \
        const fxp_word *position_pair, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output          \
    ) {                                                                                                                \
        for (; weights < weights_end; weights += 2 + 4 * (steps)) {                                                    \
            fxp_lanes_twin(position_pair, weights, output, steps, every, lane, fxp_usat(shift, bits));                 \
            output += 2;                                                                                               \
        }                                                                                                              \
    }

/* The lower lane with its sign. */
static inline int32_t fxp_lanes_low(int32_t accumulator, int32_t lane) {
    const uint32_t sign = 1u << (lane - 1);
    return (int32_t)(((uint32_t)accumulator & (2 * sign - 1)) ^ sign) - (int32_t)sign;
}

/* Codes of both lanes as bytes 0 and 1; `low` is of the lower one. */
static inline uint32_t fxp_lanes_codes(int32_t accumulator, int32_t low, int32_t lane, fxp_requantization to) {
    const int32_t high = accumulator >> lane;
    return (uint32_t)(uint8_t)fxp_requantize(low, to) | (uint32_t)(uint8_t)fxp_requantize(high, to) << 8;
}

/* One channel quad of two positions. */
static inline void fxp_lanes_twin(
    const fxp_word *position_pair,
    const uint32_t *weights,
    fxp_word *output,
    int32_t steps,
    int32_t every,
    int32_t lane,
    fxp_requantization to
) {
    uint32_t codes[4];
    for (int32_t i = 0; i < 4; ++i) {
        const int32_t position = i / 2;
        int32_t accumulator = (int32_t)weights[i % 2];
        int32_t low = 0;
        for (int32_t step = 0; step < steps; ++step) {
            if (step > 0 && step % every == 0) {
                const int32_t taken = fxp_lanes_low(accumulator, lane);
                accumulator = (int32_t)((uint32_t)accumulator - (uint32_t)taken);
                low += taken;
            }
            const uint32_t *const w = weights + 2 + 4 * step + i % 2;
            accumulator = fxp_smlad(position_pair[4 * step + position], w[0], accumulator);
            accumulator = fxp_smlad(position_pair[4 * step + 2 + position], w[2], accumulator);
        }
        if (every < steps) {
            const int32_t taken = fxp_lanes_low(accumulator, lane);
            accumulator = (int32_t)((uint32_t)accumulator - (uint32_t)taken);
            low += taken;
        } else {
            low = (int32_t)((uint32_t)accumulator & ((1u << lane) - 1)) - (1 << (lane - 1));
        }
        codes[i] = fxp_lanes_codes(accumulator, low, lane, to);
    }
    output[0] = codes[0] | codes[2] << 16;
    output[1] = codes[1] | codes[3] << 16;
}

#endif

#endif
