/*
 * The loop of fxp_matrix_loop_s16_rows_dsp_lanes.h for one position: the last of an odd number of them.
 *
 *     position  [step]{ k0k1 | k2k3 }, words
 *     output    [channel quad]{ c0 c1 | c2 c3 }, int16; overlaps not the position
 *
 *     c0c1 | r2 |          two steps: 32 products in 11 instructions, 0.34 each (0.25 is SMLAD alone): three LDM of four
 *          +----+          words, eight SMLAD. Around the steps of a channel quad 16: LDRD of biases, MOV, 2 EOR,
 *     c2c3 | r3 |          4 USAT, 2 ORR, LDM, STRD, STR, SUBW, CMP, BNE; taken out once: 7 more; once again: 6 more
 *
 * FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES_SINGLE(name, steps, every, lane, shift, bits) defines a function of type
 * fxp_matrix_loop_s16_dsp_single; the numbers are those of FXP_MATRIX_LOOP_ROW_PAIRS_DSP_LANES.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES_SINGLE_H
#define FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES_SINGLE_H

#include "nn/four_bit/fxp_matrix_loop_row_pairs_dsp_lanes.h"
#include "nn/stream/fxp_stream.h"

#if defined(__ARM_FEATURE_DSP)

// clang-format off: one instruction per line
/* A step: codes k0k1 and k2k3. */
#define FXP_LANES_SINGLE_STEP(k01, k23)                                                                                \
    "ldm r1!, {r8-r11}\n"                                                                                              \
    "smlad r2, " k01 ", r8, r2\n"                                                                                      \
    "smlad r3, " k01 ", r9, r3\n"                                                                                      \
    "smlad r2, " k23 ", r10, r2\n"                                                                                     \
    "smlad r3, " k23 ", r11, r3\n"

/* After so many steps: lower lanes from r2 and r3 to r12 and lr; r4 and r5 are free. */
#define FXP_LANES_SINGLE_TAKE(steps, every, lane)                                                                      \
    ".if " #every " < " #steps " && (fxp_step % " #every " == 0 || fxp_step == " #steps ")\n"                          \
    ".if fxp_step == " #every "\n"                                                                                     \
    "sbfx r12, r2, #0, #" #lane "\n"                                                                                   \
    "sbfx lr, r3, #0, #" #lane "\n"                                                                                    \
    "sub r2, r2, r12\n"                                                                                                \
    "sub r3, r3, lr\n"                                                                                                 \
    ".else\n"                                                                                                          \
    "sbfx r4, r2, #0, #" #lane "\n"                                                                                    \
    "sbfx r5, r3, #0, #" #lane "\n"                                                                                    \
    "sub r2, r2, r4\n"                                                                                                 \
    "sub r3, r3, r5\n"                                                                                                 \
    "add r12, r12, r4\n"                                                                                               \
    "add lr, lr, r5\n"                                                                                                 \
    ".endif\n"                                                                                                         \
    ".endif\n"

/* A code of r4 or r5, whose sum begins so many bits above the lowest one. */
#define FXP_LANES_SINGLE_CODE(to, from, shift, bits, above)                                                            \
    ".if " #above " + " #shift "\n"                                                                                    \
    "usat " to ", #" #bits ", " from ", asr #" #above " + " #shift "\n"                                                \
    ".else\n"                                                                                                          \
    "usat " to ", #" #bits ", " from "\n"                                                                              \
    ".endif\n"

/* All steps of a channel quad. */
#define FXP_LANES_SINGLE_STEPS(steps, every, lane)                                                                     \
    "ldrd r2, r3, [r1], #8\n"                                                                                          \
    ".set fxp_step, 0\n"                                                                                               \
    ".rept " #steps " / 2\n"                                                                                           \
    "ldm r0!, {r4-r7}\n"                                                                                               \
    FXP_LANES_SINGLE_STEP("r4", "r5")                                                                                  \
    ".set fxp_step, fxp_step + 1\n"                                                                                    \
    FXP_LANES_SINGLE_TAKE(steps, every, lane)                                                                          \
    FXP_LANES_SINGLE_STEP("r6", "r7")                                                                                  \
    ".set fxp_step, fxp_step + 1\n"                                                                                    \
    FXP_LANES_SINGLE_TAKE(steps, every, lane)                                                                          \
    ".endr\n"                                                                                                          \
    ".if " #steps " & 1\n"                                                                                             \
    "ldm r0!, {r4, r5}\n"                                                                                              \
    FXP_LANES_SINGLE_STEP("r4", "r5")                                                                                  \
    ".set fxp_step, fxp_step + 1\n"                                                                                    \
    FXP_LANES_SINGLE_TAKE(steps, every, lane)                                                                          \
    ".endif\n"

/* Codes of the lower lanes to r4 and r5, of the upper ones to r2 and r3. */
#define FXP_LANES_SINGLE_CODES(steps, every, lane, shift, bits)                                                        \
    ".if " #every " < " #steps "\n"                                                                                    \
    FXP_LANES_SINGLE_CODE("r4", "r12", shift, bits, 0)                                                                 \
    FXP_LANES_SINGLE_CODE("r5", "lr", shift, bits, 0)                                                                  \
    ".else\n"                                                                                                          \
    "mov r6, #0x80000000\n"                                                                                            \
    "eor r4, r6, r2, lsl #32 - " #lane "\n"                                                                            \
    "eor r5, r6, r3, lsl #32 - " #lane "\n"                                                                            \
    FXP_LANES_SINGLE_CODE("r4", "r4", shift, bits, 32 - lane)                                                          \
    FXP_LANES_SINGLE_CODE("r5", "r5", shift, bits, 32 - lane)                                                          \
    ".endif\n"                                                                                                         \
    FXP_LANES_SINGLE_CODE("r2", "r2", shift, bits, lane)                                                               \
    FXP_LANES_SINGLE_CODE("r3", "r3", shift, bits, lane)

/* r0 position, r1 weights, r2 r3 accumulators, r4 to r7 codes, r8 to r11 weights, r12 lr sums; stack: weights_end,
 * output. */
#define FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES_SINGLE(name, steps, every, lane, shift, bits)                               \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position,                                                              \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output                                                                       \
    ) {                                                                                                                \
        __asm volatile(                                                                                                \
            ".syntax unified\n"                                                                                        \
            "push {r2-r11, lr}\n"                                                                                      \
            "1:\n"                                                                                                     \
            FXP_LANES_SINGLE_STEPS(steps, every, lane)                                                                 \
            "ldm sp, {r8, r9}\n"                                                                                       \
            "subw r0, r0, #8 * " #steps "\n"                                                                           \
            FXP_LANES_SINGLE_CODES(steps, every, lane, shift, bits)                                                    \
            "orr r4, r4, r2, lsl #16\n"                                                                                \
            "orr r5, r5, r3, lsl #16\n"                                                                                \
            "strd r4, r5, [r9], #8\n"                                                                                  \
            "str r9, [sp, #4]\n"                                                                                       \
            "cmp r1, r8\n"                                                                                             \
            "bne.w 1b\n"                                                                                               \
            "pop {r2-r11, pc}\n"                                                                                       \
        );                                                                                                             \
    }
// clang-format on

#else

#define FXP_MATRIX_LOOP_S16_ROWS_DSP_LANES_SINGLE(name, steps, every, lane, shift, bits)                               \
    static void name(                                                                                                  \
        const fxp_word *position, const uint32_t *weights, const uint32_t *weights_end, fxp_word *output               \
    ) {                                                                                                                \
        for (; weights < weights_end; weights += 2 + 4 * (steps)) {                                                    \
            fxp_lanes_single_twin(position, weights, output, steps, every, lane, fxp_usat(shift, bits));               \
            output += 2;                                                                                               \
        }                                                                                                              \
    }

/* One channel quad. */
static inline void fxp_lanes_single_twin(
    const fxp_word *position,
    const uint32_t *weights,
    fxp_word *output,
    int32_t steps,
    int32_t every,
    int32_t lane,
    fxp_requantization to
) {
    for (int32_t i = 0; i < 2; ++i) {
        int32_t accumulator = (int32_t)weights[i];
        int32_t low = 0;
        for (int32_t step = 0; step < steps; ++step) {
            const uint32_t *const w = weights + 2 + 4 * step + i;
            accumulator = fxp_smlad(position[2 * step], w[0], accumulator);
            accumulator = fxp_smlad(position[2 * step + 1], w[2], accumulator);
            if (every < steps && ((step + 1) % every == 0 || step + 1 == steps)) {
                const int32_t taken = fxp_lanes_low(accumulator, lane);
                accumulator = (int32_t)((uint32_t)accumulator - (uint32_t)taken);
                low += taken;
            }
        }
        if (every == steps) {
            low = (int32_t)((uint32_t)accumulator & ((1u << lane) - 1)) - (1 << (lane - 1));
        }
        const uint32_t codes = fxp_lanes_codes(accumulator, low, lane, to);
        output[i] = (codes & 0xffu) | codes >> 8 << 16;
    }
}

#endif

#endif
