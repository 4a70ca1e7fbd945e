/* The band logs by the instructions of the DSP extension: the integers of fxp_frontend_band_logs.c. */
#include "fxp_frontend_steps.h"

#if defined(__ARM_FEATURE_DSP)

#include <stddef.h>

enum { LOG_BITS = 8 };

static_assert(FXP_FRONTEND_LOG_INTERVALS == 32 && FXP_FRONTEND_LOG_INTERVAL_BITS == 10, "of a mantissa's top 16 bits");
static_assert(FXP_FRONTEND_LOG_SHIFT == 16, "of a line");

/* What there is no register for. */
struct frame {
    int16_t *next_log;
    int32_t exponent; /* 63 less that of the floor, in Q8 */
    uint64_t floor;
    int16_t *end;
    const int32_t (*lines)[2];
};

static_assert(offsetof(struct frame, exponent) == 4 && offsetof(struct frame, floor) == 8, "as the assembly has it");
static_assert(offsetof(struct frame, end) == 16 && offsetof(struct frame, lines) == 20, "as the assembly has it");

/*
 * r0, r1: energy of the falling band; r2, r3: of the rising one; r8: bins; r9: normalization; r10: bins left;
 * r11: slopes. A power is squares' upper words, halved; two bins at a time, r4 and r6.
 */
__asm(".syntax unified\n"
      ".macro slope\n"
      "  ldr r10, [r11], #4\n"
      "  subs r10, r10, #2\n"
      "  bmi 12f\n"
      "11:\n"
      "  ldm r8!, {r4, r5, r6, r7}\n"
      "  .irp part, r4, r5, r6, r7\n"
      "  lsl \\part, \\part, r9\n"
      "  .endr\n"
      "  .irp part, r4, r5, r6, r7\n"
      "  smmul \\part, \\part, \\part\n"
      "  .endr\n"
      "  lsr r4, r4, #1\n"
      "  lsr r6, r6, #1\n"
      "  add r4, r4, r5, lsr #1\n"
      "  add r6, r6, r7, lsr #1\n"
      "  ldm r11!, {r5, r7, r12, lr}\n"
      "  umlal r0, r1, r4, r5\n"
      "  umlal r2, r3, r4, r7\n"
      "  umlal r0, r1, r6, r12\n"
      "  umlal r2, r3, r6, lr\n"
      "  subs r10, r10, #2\n"
      "  bpl 11b\n"
      "12:\n"
      "  lsls r10, r10, #31\n"
      "  beq 13f\n"
      "  ldrd r4, r5, [r8], #8\n"
      "  lsl r4, r4, r9\n"
      "  lsl r5, r5, r9\n"
      "  smmul r4, r4, r4\n"
      "  smmul r5, r5, r5\n"
      "  lsr r4, r4, #1\n"
      "  add r4, r4, r5, lsr #1\n"
      "  ldrd r5, r7, [r11], #8\n"
      "  umlal r0, r1, r4, r5\n"
      "  umlal r2, r3, r4, r7\n"
      "13:\n"
      ".endm\n"
      ".pushsection .text.fxp_frontend_slope_logs, \"ax\", %progbits\n"
      ".thumb\n"
      ".align 2\n"
      ".thumb_func\n"
      ".type fxp_frontend_slope_logs, %function\n"
      "fxp_frontend_slope_logs:\n"
      "  push {r4-r11, lr}\n"
      "  mov r8, r0\n"
      "  mov r9, r1\n"
      "  mov r11, r2\n"
      "  sub sp, sp, #28\n"
      "  ldm r3, {r0, r1, r2, r3, r4, r5}\n"
      "  stm sp, {r0, r1, r2, r3, r4, r5}\n"
      "  slope\n"
      "1:\n"
      "  mov r0, r2\n"
      "  mov r1, r3\n"
      "  ldrd r2, r3, [sp, #8]\n"
      "  slope\n"
      /* The mantissa, its highest bit at the top, to r0; zeros above it to r4. */
      "  cbz r1, 3f\n"
      "  clz r4, r1\n"
      "  rsb r5, r4, #32\n"
      "  lsl r1, r1, r4\n"
      "  lsr r0, r0, r5\n"
      "  orr r0, r0, r1\n"
      "2:\n"
      "  ldrd r12, r5, [sp]\n"
      "  sub r5, r5, r4, lsl #8\n"
      "  ldrd r6, r7, [sp, #16]\n"
      "  ubfx r4, r0, #26, #5\n"
      "  ubfx r0, r0, #16, #10\n"
      "  add r7, r7, r4, lsl #3\n"
      "  ldrd r4, r7, [r7]\n"
      "  mla r4, r7, r0, r4\n"
      "  add r5, r5, r4, asr #16\n"
      "  strh r5, [r12], #2\n"
      "  str r12, [sp]\n"
      "  cmp r12, r6\n"
      "  bne 1b\n"
      "  add sp, sp, #28\n"
      "  pop {r4-r11, pc}\n"
      "3:\n"
      "  clz r4, r0\n"
      "  lsl r0, r0, r4\n"
      "  add r4, r4, #32\n"
      "  b 2b\n"
      ".size fxp_frontend_slope_logs, . - fxp_frontend_slope_logs\n"
      ".popsection\n"
      ".purgem slope\n");

void fxp_frontend_slope_logs(
    const int32_t *bins, int32_t normalization, const uint32_t *slopes, const struct frame *frame
);

void fxp_frontend_band_logs(const int32_t *bins, int32_t normalization, int16_t *logs) {
    const int32_t floor_bits = FXP_FRONTEND_FLOOR_BITS + 2 * normalization;
    const struct frame frame = {
        .next_log = logs,
        .exponent = (63 - floor_bits) * (1 << LOG_BITS),
        .floor = UINT64_C(1) << floor_bits,
        .end = logs + FXP_FRONTEND_MEL_BANDS,
        .lines = fxp_frontend_log2,
    };
    fxp_frontend_slope_logs(bins + 2 * FXP_FRONTEND_MEL_FIRST_BIN, normalization, fxp_frontend_slopes, &frame);
}

#endif
