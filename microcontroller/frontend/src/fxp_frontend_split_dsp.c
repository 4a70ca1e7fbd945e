/* The last step of the spectrum, and the normalization, by the instructions of the DSP extension. */
#include "fxp_frontend_split_dsp.h"

#include "fxp_frontend_steps.h"

#if defined(__ARM_FEATURE_DSP)

__asm(".syntax unified\n"
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
      ".pushsection .text.fxp_frontend_split, \"ax\", %progbits\n"
      ".thumb\n"
      ".align 2\n"

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

      /* The sum of the squares of all bins but the last, 64 bits. */
      "function fxp_frontend_sum_of_squares\n"
      "  mov r2, r0\n"
      "  mov r0, #0\n"
      "  mov r1, #0\n"
      "  add r12, r2, #2048\n"
      "1:\n"
      "  .rept 2\n"
      "  ldm r2!, {r4-r11}\n"
      "  .irp part, r4, r5, r6, r7, r8, r9, r10, r11\n"
      "  smlal r0, r1, \\part, \\part\n"
      "  .endr\n"
      "  .endr\n"
      "  cmp r2, r12\n"
      "  bne 1b\n"
      "end_function fxp_frontend_sum_of_squares\n"

      /* Lower words of the squares of all bins but the last, ORed, until one is 2^30 or more. */
      "function fxp_frontend_lower_squares\n"
      "  mov r1, #0\n"
      "  add lr, r0, #2048\n"
      "1:\n"
      "  ldm r0!, {r4-r11}\n"
      "  .irp part, r4, r5, r6, r7, r8, r9, r10, r11\n"
      "  mul \\part, \\part, \\part\n"
      "  orr r1, r1, \\part\n"
      "  .endr\n"
      "  lsrs r2, r1, #30\n"
      "  bne 2f\n"
      "  cmp r0, lr\n"
      "  bne 1b\n"
      "2:\n"
      "  mov r0, r1\n"
      "end_function fxp_frontend_lower_squares\n"
      ".popsection\n"
      ".purgem function\n"
      ".purgem end_function\n");

int64_t fxp_frontend_sum_of_squares(const int32_t *bins);
uint32_t fxp_frontend_lower_squares(const int32_t *bins);
uint32_t fxp_frontend_split_pairs(int32_t *first, int32_t *last, const int32_t (*factors)[3]);

/* Upper word of a square. */
static inline uint32_t square(int32_t part) {
    return (uint32_t)(((int64_t)part * part) >> 32);
}

/*
 * Bits of the largest magnitude, at least 15, from its square's upper word; where that is 0, from the bins: 15 where all
 * squares together are below 2^30, else from each.
 */
static int32_t magnitude_bits(uint32_t squares, const int32_t *bins) {
    if (squares != 0) {
        return (65 - __builtin_clz(squares)) >> 1;
    }
    const uint32_t last = (uint32_t)bins[FXP_FRONTEND_FFT_LENGTH];
    if (fxp_frontend_sum_of_squares(bins) + (int64_t)(last * last) < INT64_C(1) << 30) {
        return 15;
    }
    squares = fxp_frontend_lower_squares(bins) | last * last;
    return squares >> 30 != 0 ? 16 : 15;
}

int32_t fxp_frontend_split_bins(int32_t *bins) {
    int32_t *const last = bins + FXP_FRONTEND_FFT_LENGTH;
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
