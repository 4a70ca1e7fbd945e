/*
 * Average pooling over all positions, as a sum and a shift, on vectors.
 *
 * input    planes (fxp_mve.h)
 * output   [channels]
 *
 * VADDVA adds sixteen neighbouring codes of a plane.
 */
#include "fxp_engine.h"
#include "fxp_requantize.h"

#if __ARM_FEATURE_MVE & 1
#include <arm_mve.h>

static inline int32_t sum_codes(const int8_t *codes, int32_t count, int32_t sum) {
    for (; count >= FXP_VECTOR; count -= FXP_VECTOR) {
        sum = vaddvaq_s8(sum, vldrbq_s8(codes));
        codes += FXP_VECTOR;
    }
    const mve_pred16_t lanes = vctp8q((uint32_t)count);
    return vaddvaq_p_s8(sum, vldrbq_z_s8(codes, lanes), lanes);
}
#else
static inline int32_t sum_codes(const int8_t *codes, int32_t count, int32_t sum) {
    for (int32_t i = 0; i < count; ++i) {
        sum += codes[i];
    }
    return sum;
}
#endif

void fxp_average_pool_mve(const fxp_average_pool_mve_args *args, const void *input, void *output) {
    const int8_t *plane = (const int8_t *)input + args->first;
    int8_t *out = output;

    for (int32_t channel = 0; channel < args->channels; ++channel) {
        out[channel] = fxp_requantize(sum_codes(plane, args->positions, args->bias), args->requantization);
        plane += args->plane_bytes;
    }
}
