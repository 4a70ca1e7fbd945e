#include "fxp_frontend_steps.h"

#include <stdalign.h>
#include <string.h>

static_assert(FXP_FRONTEND_DCT_TAPS % 4 == 0, "rows are read four halfwords at a time");

enum { BANDS = FXP_FRONTEND_MEL_BANDS, TAPS = FXP_FRONTEND_DCT_TAPS };

#if defined(__ARM_FEATURE_DSP)

/* The row is then the next one. */
static inline int32_t product(const int16_t *logs, const int16_t **next) {
    const int16_t *row = *next;
    int32_t sum = 0;
    __asm(".syntax unified\n"
          ".rept %c[taps] / 8\n"
          "  ldm %[logs]!, {r4, r5, r6, r8}\n"
          "  ldm %[row]!, {r10, r11, r12, lr}\n"
          "  smlad %[sum], r4, r10, %[sum]\n"
          "  smlad %[sum], r5, r11, %[sum]\n"
          "  smlad %[sum], r6, r12, %[sum]\n"
          "  smlad %[sum], r8, lr, %[sum]\n"
          ".endr\n"
          ".if %c[taps] & 4\n"
          "  ldm %[logs]!, {r4, r5}\n"
          "  ldm %[row]!, {r10, r11}\n"
          "  smlad %[sum], r4, r10, %[sum]\n"
          "  smlad %[sum], r5, r11, %[sum]\n"
          ".endif\n"
          : [logs] "+r"(logs), [row] "+r"(row), [sum] "+r"(sum)
          : [taps] "n"(TAPS)
          : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "memory");
    *next = row;
    return sum;
}

static inline int8_t saturated(int32_t value) {
    int32_t code;
    __asm("ssat %0, #8, %1" : "=r"(code) : "r"(value));
    return (int8_t)code;
}

#else

static inline int32_t product(const int16_t *logs, const int16_t **next) {
    const int16_t *const row = *next;
    int32_t sum = 0;
    for (int32_t i = 0; i < TAPS; ++i) {
        sum += logs[i] * row[i];
    }
    *next = row + TAPS;
    return sum;
}

static inline int8_t saturated(int32_t value) {
    const int32_t low = value < INT8_MIN ? INT8_MIN : value;
    return (int8_t)(low > INT8_MAX ? INT8_MAX : low);
}

#endif

#if defined(__ARM_FEATURE_DSP) && FXP_FRONTEND_MEL_BANDS % 8 == 0

/* Four bands and their mirrored ones at a time. */
static inline void fold(const int16_t *logs, int16_t folded[2][TAPS]) {
    const int16_t *mirrored = logs + BANDS;
    int16_t *sums = folded[0];
    const int16_t *const end = sums + BANDS / 2;
    do {
        __asm volatile(".syntax unified\n"
                       "ldrd r4, r5, [%[logs]], #8\n"
                       "ldrd r6, r8, [%[mirrored], #-8]!\n"
                       "ror r6, r6, #16\n"
                       "ror r8, r8, #16\n"
                       "sadd16 r10, r4, r8\n"
                       "sadd16 r11, r5, r6\n"
                       "ssub16 r4, r4, r8\n"
                       "ssub16 r5, r5, r6\n"
                       "strd r4, r5, [%[sums], %[differences]]\n"
                       "strd r10, r11, [%[sums]], #8\n"
                       : [logs] "+&r"(logs), [mirrored] "+&r"(mirrored), [sums] "+&r"(sums)
                       : [differences] "n"(2 * TAPS)
                       : "r4", "r5", "r6", "r8", "r10", "r11", "memory");
    } while (sums != end);
}

#else

static inline void fold(const int16_t *logs, int16_t folded[2][TAPS]) {
    for (int32_t i = 0; i < BANDS / 2; ++i) {
        const int32_t mirrored = logs[BANDS - 1 - i];
        folded[0][i] = (int16_t)(logs[i] + mirrored);
        folded[1][i] = (int16_t)(logs[i] - mirrored);
    }
    if (BANDS % 2 != 0) {
        folded[0][BANDS / 2] = logs[BANDS / 2];
    }
}

#endif

void fxp_frontend_codes(const int16_t *logs, int8_t *codes) {
    alignas(8) int16_t folded[2][TAPS];
    if (TAPS > BANDS / 2) {
        memset(folded, 0, sizeof folded);
    }
    fold(logs, folded);
    const int16_t *row = fxp_frontend_dct[0];
    for (int32_t i = 0; i < FXP_FRONTEND_COEFFICIENTS; ++i) {
        const int32_t sum = product(folded[i % 2], &row);
        codes[i] = saturated((sum - fxp_frontend_offsets[i]) >> fxp_frontend_shifts[i]);
    }
}
