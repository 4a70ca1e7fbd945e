#include "fxp_frontend_steps.h"

static_assert(FXP_FRONTEND_DCT_TAPS % 8 == 0, "rows are read eight halfwords at a time");

#if defined(__ARM_FEATURE_DSP)

#define STRING(number) #number
#define AS_STRING(number) STRING(number)

static inline int32_t product(const int16_t *logs, const int16_t *row) {
    int32_t sum = 0;
    __asm(".syntax unified\n"
          "  .rept " AS_STRING(FXP_FRONTEND_DCT_TAPS) " / 8\n"
                                                      "  ldm %[logs]!, {r4, r5, r6, r8}\n"
                                                      "  ldm %[row]!, {r10, r11, r12, lr}\n"
                                                      "  smlad %[sum], r4, r10, %[sum]\n"
                                                      "  smlad %[sum], r5, r11, %[sum]\n"
                                                      "  smlad %[sum], r6, r12, %[sum]\n"
                                                      "  smlad %[sum], r8, lr, %[sum]\n"
                                                      "  .endr\n"
          : [logs] "+r"(logs), [row] "+r"(row), [sum] "+r"(sum)
          :
          : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "memory");
    return sum;
}

static inline int8_t saturated(int32_t value) {
    int32_t code;
    __asm("ssat %0, #8, %1" : "=r"(code) : "r"(value));
    return (int8_t)code;
}

#else

static inline int32_t product(const int16_t *logs, const int16_t *row) {
    int32_t sum = 0;
    for (int32_t i = 0; i < FXP_FRONTEND_DCT_TAPS; ++i) {
        sum += logs[i] * row[i];
    }
    return sum;
}

static inline int8_t saturated(int32_t value) {
    const int32_t low = value < INT8_MIN ? INT8_MIN : value;
    return (int8_t)(low > INT8_MAX ? INT8_MAX : low);
}

#endif

void fxp_frontend_codes(const int16_t *logs, int8_t *codes) {
    for (int32_t i = 0; i < FXP_FRONTEND_COEFFICIENTS; ++i) {
        const int32_t sum = product(logs, fxp_frontend_dct[i]);
        codes[i] = saturated((sum - fxp_frontend_offsets[i]) >> fxp_frontend_shifts[i]);
    }
}
