/*
 * The spectrum by the instructions of the DSP extension: the integers of fxp_frontend_spectrum.c.
 *
 * The stages need every register, so they are in assembly. A stage leaves its halving or doubling to the next one,
 * which shifts while it adds: of a butterfly's eight parts four then need an instruction for it, not eight.
 */
#include "fxp_frontend_steps.h"

#if defined(__ARM_FEATURE_DSP)

#if defined(__ARM_BIG_ENDIAN)
#error "two samples are read as one little-endian word: compile for a core without the DSP extension"
#endif

#include <stddef.h>

static_assert(sizeof(fxp_frontend_step) == 44, "the stages step from twiddles to twiddles");
static_assert(offsetof(fxp_frontend_step, twiddles) == 20, "twiddles follow the window");

/*
 * Macros of the assembler. Points a, b, c, d are in (r2, r3), (r4, r5), (r6, r7), (r8, r9).
 *
 * shift_a_b shift       the shift of a and b; that of c and d is the butterfly's
 * butterfly shift       their sums before the turns, in the order of fxp_frontend_spectrum.c:
 *                       (r2, r3), (r9, r4), (r10, r6), (r5, r8); r7 is free
 * turn re, im           half of (re, im) * (r11 - j r12) to (r7, im)
 * load at               the points at r0, at, 2 at and 3 at bytes
 * turn_all at           twiddles at r1; stores all but the first sum
 * window_step at, to    one step of the first stage: samples at r0, points to lr
 */
__asm(
    ".syntax unified\n"
    ".macro shift_a_b shift\n"
    "  mov r2, r2, \\shift\n"
    "  mov r3, r3, \\shift\n"
    "  mov r4, r4, \\shift\n"
    "  mov r5, r5, \\shift\n"
    ".endm\n"
    ".macro butterfly shift = \"lsl #0\"\n"
    "  sub r10, r2, r6, \\shift\n"
    "  add r2, r2, r6, \\shift\n"
    "  sub r6, r3, r7, \\shift\n"
    "  add r3, r3, r7, \\shift\n"
    "  sub r7, r4, r8, \\shift\n"
    "  add r4, r4, r8, \\shift\n"
    "  sub r8, r5, r9, \\shift\n"
    "  add r5, r5, r9, \\shift\n"
    "  sub r9, r2, r4\n"
    "  add r2, r2, r4\n"
    "  sub r4, r3, r5\n"
    "  add r3, r3, r5\n"
    "  sub r5, r10, r8\n"
    "  add r10, r10, r8\n"
    "  add r8, r6, r7\n"
    "  sub r6, r6, r7\n"
    ".endm\n"
    ".macro turn re, im\n"
    "  smmul r7, \\re, r11\n"
    "  smmla r7, \\im, r12, r7\n"
    "  smmul \\re, \\re, r12\n"
    "  smmul \\im, \\im, r11\n"
    "  sub \\im, \\im, \\re\n"
    ".endm\n"
    ".macro load at\n"
    "  ldrd r2, r3, [r0]\n"
    "  ldrd r4, r5, [r0, #\\at]\n"
    "  ldrd r6, r7, [r0, #2 * \\at]\n"
    "  ldrd r8, r9, [r0, #3 * \\at]\n"
    ".endm\n"
    ".macro turn_all at\n"
    "  ldrd r11, r12, [r1]\n"
    "  turn r9, r4\n"
    "  strd r7, r4, [r0, #\\at]\n"
    "  ldrd r11, r12, [r1, #8]\n"
    "  turn r10, r6\n"
    "  strd r7, r6, [r0, #2 * \\at]\n"
    "  ldrd r11, r12, [r1, #16]\n"
    "  turn r5, r8\n"
    "  strd r7, r8, [r0, #3 * \\at]\n"
    ".endm\n"
    ".macro window_step at, to\n"
    "  ldm r1!, {r3, r5, r7, r9, r10}\n"
    "  ldr r11, [r0, #1024 + \\at]\n"
    "  smulbb r2, r11, r10\n"
    "  smultt r10, r11, r10\n"
    "  ldr r11, [r0, #\\at]\n"
    "  smlabb r2, r11, r3, r2\n"
    "  smlatt r3, r11, r3, r10\n"
    "  ldr r11, [r0, #256 + \\at]\n"
    "  smulbb r4, r11, r5\n"
    "  smultt r5, r11, r5\n"
    "  ldr r11, [r0, #512 + \\at]\n"
    "  smulbb r6, r11, r7\n"
    "  smultt r7, r11, r7\n"
    "  ldr r11, [r0, #768 + \\at]\n"
    "  smulbb r8, r11, r9\n"
    "  smultt r9, r11, r9\n"
    "  shift_a_b \"asr #4\"\n"
    "  butterfly \"asr #4\"\n"
    "  strd r2, r3, [lr, #\\to - 768]\n"
    "  ldrd r11, r12, [r1], #8\n"
    "  turn r9, r4\n"
    "  strd r7, r4, [lr, #\\to - 256]\n"
    "  ldrd r11, r12, [r1], #8\n"
    "  turn r10, r6\n"
    "  strd r7, r6, [lr, #\\to + 256]\n"
    "  ldrd r11, r12, [r1], #8\n"
    "  turn r5, r8\n"
    "  strd r7, r8, [lr, #\\to + 768]\n"
    ".endm\n"
    ".macro function name\n"
    "  .thumb_func\n"
    "  .type \\name, %function\n"
    "\\name:\n"
    "  push {r4-r11, lr}\n"
    ".endm\n"
    ".macro end_function name\n"
    "  pop {r4-r11, pc}\n"
    "  .size \\name, . - \\name\n"
    ".endm\n"
    ".pushsection .text.fxp_frontend_stages, \"ax\", %progbits\n"
    ".thumb\n"
    ".align 2\n"

    /* Stacked: the end of the samples' first quarter. */
    "function fxp_frontend_first_stage\n"
    "  add r3, r0, #256\n"
    "  add lr, r2, #768\n"
    "  push {r3}\n"
    "1:\n"
    "  window_step 0, 0\n"
    "  window_step 4, 8\n"
    "  window_step 8, 16\n"
    "  window_step 12, 24\n"
    "  add r0, r0, #16\n"
    "  add lr, lr, #32\n"
    "  ldr r2, [sp]\n"
    "  cmp r0, r2\n"
    "  bne 1b\n"
    "  add sp, sp, #4\n"
    "end_function fxp_frontend_first_stage\n"

    /* The first quarter as it is, the others doubled. lr: the end of the first points. */
    "function fxp_frontend_second_stage\n"
    "  add lr, r0, #128\n"
    "1:\n"
    "  load 128\n"
    "  butterfly\n"
    "  turn_all 128\n"
    "  strd r2, r3, [r0], #512\n"
    "  .rept 3\n"
    "  load 128\n"
    "  shift_a_b \"lsl #1\"\n"
    "  butterfly \"lsl #1\"\n"
    "  turn_all 128\n"
    "  strd r2, r3, [r0], #512\n"
    "  .endr\n"
    "  subw r0, r0, #2040\n"
    "  add r1, r1, #176\n"
    "  cmp r0, lr\n"
    "  bne 1b\n"
    "end_function fxp_frontend_second_stage\n"

    /* Of each four groups, the first one quartered, the others halved. Stacked: the end of the fourth step's points. */
    "function fxp_frontend_third_stage\n"
    "  add lr, r0, #2048\n"
    "  add r2, lr, #32\n"
    "  push {r2}\n"
    /* The first step's twiddles are 1 (less an ulp) and 0. */
    "  ldr r11, [r1]\n"
    "1:\n"
    "  .irp shift, \"asr #2\", \"asr #1\", \"asr #1\", \"asr #1\"\n"
    "  load 32\n"
    "  shift_a_b \"\\shift\"\n"
    "  butterfly \"\\shift\"\n"
    "  smmul r9, r9, r11\n"
    "  smmul r4, r4, r11\n"
    "  strd r9, r4, [r0, #32]\n"
    "  smmul r10, r10, r11\n"
    "  smmul r6, r6, r11\n"
    "  strd r10, r6, [r0, #64]\n"
    "  smmul r5, r5, r11\n"
    "  smmul r8, r8, r11\n"
    "  strd r5, r8, [r0, #96]\n"
    "  strd r2, r3, [r0], #128\n"
    "  .endr\n"
    "  cmp r0, lr\n"
    "  bne 1b\n"
    "2:\n"
    "  subw r0, r0, #2040\n"
    "  add r1, r1, #704\n"
    "  add lr, lr, #8\n"
    "3:\n"
    "  .irp shift, \"asr #2\", \"asr #1\", \"asr #1\", \"asr #1\"\n"
    "  load 32\n"
    "  shift_a_b \"\\shift\"\n"
    "  butterfly \"\\shift\"\n"
    "  turn_all 32\n"
    "  strd r2, r3, [r0], #128\n"
    "  .endr\n"
    "  cmp r0, lr\n"
    "  bne 3b\n"
    "  ldr r2, [sp]\n"
    "  add r3, lr, #8\n"
    "  cmp r2, r3\n"
    "  bne 2b\n"
    "  add sp, sp, #4\n"
    "end_function fxp_frontend_third_stage\n"

    /*
     * From work to bins in the order of frequency: a group's place is the reverse of its 6-bit number, which lr counts
     * from the top. A quarter of the groups is to be quartered, the rest halved.
     */
    ".macro last_step shift\n"
    "  rbit r12, lr\n"
    "  add r12, r0, r12, lsl #5\n"
    "  ldm r12, {r2-r9}\n"
    "  shift_a_b \"\\shift\"\n"
    "  butterfly \"\\shift\"\n"
    "  strd r2, r3, [r1, #-768]\n"
    "  strd r10, r6, [r1, #-256]\n"
    "  strd r9, r4, [r1, #256]\n"
    "  strd r5, r8, [r1, #768]\n"
    "  add r1, r1, #8\n"
    "  adds lr, lr, #1 << 26\n"
    ".endm\n"
    "function fxp_frontend_last_stage\n"
    "  add r1, r1, #768\n"
    "  mov lr, #0\n"
    "1:\n"
    "  .rept 4\n"
    "  last_step \"asr #2\"\n"
    "  .endr\n"
    "  cmp lr, #1 << 30\n"
    "  bne 1b\n"
    "2:\n"
    "  .rept 4\n"
    "  last_step \"asr #1\"\n"
    "  .endr\n"
    "  bcc 2b\n"
    "end_function fxp_frontend_last_stage\n"

    /*
     * Bins i and 256 - i from the points there, which meet in the middle. The factors' symmetry shares two products.
     * r3: upper words of all squares, ORed: the largest magnitude's bits.
     */
    "function fxp_frontend_split_pairs\n"
    "  mov r3, #0\n"
    "1:\n"
    "  .rept 4\n"
    "  ldrd r4, r5, [r0]\n"
    "  ldrd r6, r7, [r1]\n"
    "  ldm r2!, {r8, r9, r10}\n"
    "  smmulr r11, r4, r9\n"
    "  smmlsr r11, r6, r9, r11\n"
    "  smmlar r12, r5, r8, r11\n"
    "  smmlsr r12, r7, r10, r12\n"
    "  smmlar r11, r7, r8, r11\n"
    "  smmlsr r11, r5, r10, r11\n"
    "  smmulr lr, r4, r8\n"
    "  smmlsr lr, r5, r9, lr\n"
    "  smmlsr lr, r7, r9, lr\n"
    "  smmlar lr, r6, r10, lr\n"
    "  smmulr r5, r5, r9\n"
    "  smmlar r5, r7, r9, r5\n"
    "  smmlar r5, r6, r8, r5\n"
    "  smmlar r5, r4, r10, r5\n"
    "  .irp part, lr, r12, r5, r11\n"
    "  smmul r4, \\part, \\part\n"
    "  orr r3, r3, r4\n"
    "  .endr\n"
    "  strd lr, r12, [r0], #8\n"
    "  strd r5, r11, [r1], #-8\n"
    "  .endr\n"
    "  cmp r0, r1\n"
    "  bls 1b\n"
    "  mov r0, r3\n"
    "end_function fxp_frontend_split_pairs\n"

    /* Lower words of the squares of all bins but the last, ORed. */
    "function fxp_frontend_lower_squares\n"
    "  mov r1, #0\n"
    "  add lr, r0, #2048\n"
    "1:\n"
    "  ldm r0!, {r4-r11}\n"
    "  .irp part, r4, r5, r6, r7, r8, r9, r10, r11\n"
    "  mul \\part, \\part, \\part\n"
    "  orr r1, r1, \\part\n"
    "  .endr\n"
    "  cmp r0, lr\n"
    "  bne 1b\n"
    "  mov r0, r1\n"
    "end_function fxp_frontend_lower_squares\n"
    ".popsection\n"
    ".irp name, shift_a_b, butterfly, turn, load, turn_all, window_step, function, end_function, last_step\n"
    ".purgem \\name\n"
    ".endr\n"
);

void fxp_frontend_first_stage(const int16_t *samples, const fxp_frontend_step *steps, int32_t *work);
void fxp_frontend_second_stage(int32_t *work, const int32_t (*twiddles)[2]);
void fxp_frontend_third_stage(int32_t *work, const int32_t (*twiddles)[2]);
void fxp_frontend_last_stage(const int32_t *work, int32_t *bins);
uint32_t fxp_frontend_lower_squares(const int32_t *bins);
uint32_t fxp_frontend_split_pairs(int32_t *first, int32_t *last, const int32_t (*factors)[3]);

/* Upper word of a square. */
static inline uint32_t square(int32_t part) {
    return (uint32_t)(((int64_t)part * part) >> 32);
}

/* Bits of the largest magnitude, at least 15, from its square's upper word; where that is 0, from the bins. */
static int32_t magnitude_bits(uint32_t squares, const int32_t *bins) {
    if (squares != 0) {
        return (65 - __builtin_clz(squares)) >> 1;
    }
    const uint32_t last = (uint32_t)bins[FXP_FRONTEND_FFT_LENGTH];
    squares = fxp_frontend_lower_squares(bins) | last * last;
    return squares >> 30 != 0 ? 16 : 15;
}

int32_t fxp_frontend_spectrum(const int16_t *samples, const fxp_frontend_step *steps, int32_t *work, int32_t *bins) {
    int32_t *const last = bins + FXP_FRONTEND_FFT_LENGTH;
    fxp_frontend_first_stage(samples, steps, work);
    fxp_frontend_second_stage(work, steps->twiddles);
    fxp_frontend_third_stage(work, steps->twiddles);
    fxp_frontend_last_stage(work, bins);
    const int32_t even = bins[0];
    const int32_t odd = bins[1];
    bins[0] = (even + odd) >> 1;
    last[0] = (even - odd) >> 1;
    bins[1] = last[1] = 0;
    uint32_t squares = fxp_frontend_split_pairs(bins + 2, last - 2, fxp_frontend_split);
    squares |= square(bins[0]) | square(last[0]);
    return 31 - magnitude_bits(squares, bins);
}

#endif
