/*
 * The inner loop of matrix products: all output channels of two positions.
 *
 *     position_pair  [step]{ p0 k0k1 | p1 k0k1 | p0 k2k3 | p1 k2k3 }     words; p: position, k: codes 4 * step + 0 .. 3
 *     weights        [channel pair]{ bias c0 | bias c1 |
 *                                    [step]{ c0 k0k1 | c1 k0k1 | c0 k2k3 | c1 k2k3 } }
 *     output0        [channel pair] c0c1 of position 0
 *     output1        the same of position 1; may be output0 when both positions are one
 *
 * A step is 16 products in 10 instructions, 0.625 each: two LDM of four words and eight SMLAD. Four accumulators, four
 * words of each side and two pointers are all fourteen registers, which no compiler hands out; so this is assembly.
 * Larger blocks (three positions) would load less often but have room for one step of either side only: 0.667.
 *
 *              p0   p1              around the steps of two channel pairs, 19 instructions:
 *           +----+----+             2 LDRD      both biases; the first SMLADs read them as they are
 *        c0 | r2 | r4 |             8 USAT, 4 PKHBT, or for a shift of 16: 4 PKHTB, 4 USAT16 and nothing else
 *           +----+----+             2 LDM, CMP, BNE   back to the position pair; output pointers and end from the stack
 *        c1 | r3 | r5 |             4 STR, STRD
 *           +----+----+
 *
 * Channel pairs come in twos. Outputs of both positions may be one word, so position 0 is stored last.
 *
 * The shift and the saturation are numbers in the instructions, hence a macro that defines a function of type
 * fxp_matrix_loop_s16_dsp: FXP_MATRIX_LOOP_S16_DSP(name, steps, shift, saturate, bits), each argument a plain number
 * but saturate, which is usat or ssat; steps >= 1, 1 <= shift <= 31. Interrupts are welcome at any point.
 *
 * fxp_matrix_loop_s16_dsp_w8.h and fxp_matrix_loop_s16_dsp_w4.h hold loops for weights of 8 and of 4 bits around the
 * same frame.
 *
 * Names and terms: docs/glossary.md.
 */
#ifndef FXP_MATRIX_LOOP_S16_DSP_H
#define FXP_MATRIX_LOOP_S16_DSP_H

#include "nn/dsp/fxp_dsp.h"
#include "nn/fxp_little_endian.h"

// clang-format off: one instruction per line
#if defined(__ARM_FEATURE_DSP)

#define FXP_MATRIX_FUNCTION(name)                                                                                      \
    static __attribute__((naked, noinline)) void name(                                                                 \
        __attribute__((unused)) const fxp_word *position_pair,                                                         \
        __attribute__((unused)) const uint32_t *weights,                                                               \
        __attribute__((unused)) const uint32_t *weights_end,                                                           \
        __attribute__((unused)) fxp_word *output0,                                                                     \
        __attribute__((unused)) fxp_word *output1                                                                      \
    )

/* r0 position pair, r1 weights; stack: position pair, output0, output1, weights_end. */
#define FXP_MATRIX_BEGIN                                                                                               \
    ".syntax unified\n"                                                                                                \
    "push {r4-r11, lr}\n"                                                                                              \
    "ldr r4, [sp, #36]\n"                                                                                              \
    "mov r5, r2\n"                                                                                                     \
    "push {r0, r3-r5}\n"

/* Codes { c0 | c1 } of position 0 to r2, of position 1 to r4; r6 to lr are left alone. */
#define FXP_MATRIX_CODES(shift, saturate, bits)                                                                        \
    ".if " #shift " == 16\n"                                                                                           \
    "pkhtb r2, r3, r2, asr #16\n"                                                                                      \
    "pkhtb r4, r5, r4, asr #16\n"                                                                                      \
    #saturate "16 r2, #" #bits ", r2\n"                                                                                \
    #saturate "16 r4, #" #bits ", r4\n"                                                                                \
    ".else\n"                                                                                                          \
    #saturate " r2, #" #bits ", r2, asr #" #shift "\n"                                                                 \
    #saturate " r3, #" #bits ", r3, asr #" #shift "\n"                                                                 \
    #saturate " r4, #" #bits ", r4, asr #" #shift "\n"                                                                 \
    #saturate " r5, #" #bits ", r5, asr #" #shift "\n"                                                                 \
    "pkhbt r2, r2, r3, lsl #16\n"                                                                                      \
    "pkhbt r4, r4, r5, lsl #16\n"                                                                                      \
    ".endif\n"

/* Back to label 1 for the next channel pair, or out of the function; r9 to lr are left alone until then. */
#define FXP_MATRIX_END(shift, saturate, bits)                                                                          \
    "ldm sp, {r0, r6-r8}\n"                                                                                            \
    FXP_MATRIX_CODES(shift, saturate, bits)                                                                            \
    "str r4, [r7], #4\n"                                                                                               \
    "str r2, [r6], #4\n"                                                                                               \
    "strd r6, r7, [sp, #4]\n"                                                                                          \
    FXP_MATRIX_NEXT

#define FXP_MATRIX_NEXT                                                                                                \
    "cmp r1, r8\n"                                                                                                     \
    "bne.w 1b\n"                                                                                                       \
    "add sp, sp, #16\n"                                                                                                \
    "pop {r4-r11, pc}\n"

/* Products of two words of codes and two words of weights. */
#define FXP_MATRIX_BLOCK(p0, p1, c0, c1)                                                                               \
    "smlad r2, " p0 ", " c0 ", r2\n"                                                                                   \
    "smlad r3, " p0 ", " c1 ", r3\n"                                                                                   \
    "smlad r4, " p1 ", " c0 ", r4\n"                                                                                   \
    "smlad r5, " p1 ", " c1 ", r5\n"

/* The same, first of all: both positions begin with the biases in r2 and r3. */
#define FXP_MATRIX_FIRST_BLOCK(p0, p1, c0, c1)                                                                         \
    "smlad r4, " p1 ", " c0 ", r2\n"                                                                                   \
    "smlad r5, " p1 ", " c1 ", r3\n"                                                                                   \
    "smlad r2, " p0 ", " c0 ", r2\n"                                                                                   \
    "smlad r3, " p0 ", " c1 ", r3\n"

/* All steps of a channel pair. */
#define FXP_MATRIX_STEPS(steps)                                                                                        \
    "ldrd r2, r3, [r1], #8\n"                                                                                          \
    "ldm r0!, {r6-r9}\n"                                                                                               \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    FXP_MATRIX_FIRST_BLOCK("r6", "r7", "r10", "r11")                                                                   \
    FXP_MATRIX_BLOCK("r8", "r9", "r12", "lr")                                                                          \
    ".rept " #steps " - 1\n"                                                                                           \
    "ldm r0!, {r6-r9}\n"                                                                                               \
    "ldm r1!, {r10-r12, lr}\n"                                                                                         \
    FXP_MATRIX_BLOCK("r6", "r7", "r10", "r11")                                                                         \
    FXP_MATRIX_BLOCK("r8", "r9", "r12", "lr")                                                                          \
    ".endr\n"

#define FXP_MATRIX_LOOP_S16_DSP(name, steps, shift, saturate, bits)                                                    \
    FXP_MATRIX_FUNCTION(name) {                                                                                        \
        __asm volatile(                                                                                                \
            FXP_MATRIX_BEGIN                                                                                           \
            "1:\n"                                                                                                     \
            FXP_MATRIX_STEPS(steps)                                                                                    \
            "ldm sp, {r0, r6, r7}\n"                                                                                   \
            FXP_MATRIX_CODES(shift, saturate, bits)                                                                    \
            "str r4, [r7], #8\n"                                                                                       \
            "str r2, [r6], #8\n"                                                                                       \
            "strd r6, r7, [sp, #4]\n"                                                                                  \
            FXP_MATRIX_STEPS(steps)                                                                                    \
            "ldm sp, {r0, r6-r8}\n"                                                                                    \
            FXP_MATRIX_CODES(shift, saturate, bits)                                                                    \
            "str r4, [r7, #-4]\n"                                                                                      \
            "str r2, [r6, #-4]\n"                                                                                      \
            FXP_MATRIX_NEXT                                                                                            \
        );                                                                                                             \
    }

#else

#define FXP_MATRIX_FUNCTION(name)                                                                                      \
    static void name(                                                                                                  \
        const fxp_word *position_pair,                                                                                 \
        const uint32_t *weights,                                                                                       \
        const uint32_t *weights_end,                                                                                   \
        fxp_word *output0,                                                                                             \
        fxp_word *output1                                                                                              \
    )

#define FXP_MATRIX_LOOP_S16_DSP(name, steps, shift, saturate, bits)                                                    \
    FXP_MATRIX_FUNCTION(name) {                                                                                        \
        while (weights < weights_end) {                                                                                \
            fxp_matrix_sums sums = fxp_matrix_begin(&weights);                                                         \
            for (int32_t block = 0; block < 2 * steps; ++block) {                                                      \
                fxp_matrix_block(&sums, position_pair + 2 * block, weights[0], weights[1]);                            \
                weights += 2;                                                                                          \
            }                                                                                                          \
            fxp_matrix_end(&sums, fxp_##saturate(shift, bits), output0++, output1++);                                  \
        }                                                                                                              \
    }
// clang-format on

typedef struct {
    int32_t p0[2];
    int32_t p1[2];
} fxp_matrix_sums;

static inline fxp_matrix_sums fxp_matrix_begin(const uint32_t **weights) {
    const int32_t c0 = (int32_t)(*weights)[0];
    const int32_t c1 = (int32_t)(*weights)[1];
    const fxp_matrix_sums sums = {.p0 = {c0, c1}, .p1 = {c0, c1}};
    *weights += 2;
    return sums;
}

static inline void fxp_matrix_block(fxp_matrix_sums *sums, const fxp_word *codes, uint32_t c0, uint32_t c1) {
    sums->p0[0] = fxp_smlad(codes[0], c0, sums->p0[0]);
    sums->p0[1] = fxp_smlad(codes[0], c1, sums->p0[1]);
    sums->p1[0] = fxp_smlad(codes[1], c0, sums->p1[0]);
    sums->p1[1] = fxp_smlad(codes[1], c1, sums->p1[1]);
}

static inline void
fxp_matrix_end(const fxp_matrix_sums *sums, fxp_requantization to, fxp_word *output0, fxp_word *output1) {
    *output1 = fxp_halves(fxp_requantize(sums->p1[0], to), fxp_requantize(sums->p1[1], to));
    *output0 = fxp_halves(fxp_requantize(sums->p0[0], to), fxp_requantize(sums->p0[1], to));
}

#endif

#endif
