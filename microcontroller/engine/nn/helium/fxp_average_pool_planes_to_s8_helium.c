/*
 * Average pooling over all positions, as a sum and a shift, on vectors.
 *
 * input    planes (fxp_helium.h)
 * output   [channels]
 *
 * VADDVA adds sixteen neighbouring codes of a plane.
 */
#include "nn/helium/fxp_helium.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
/* Assembly, since the compiler makes no loops with predicated tails. */
static inline int32_t sum_codes(const int8_t *codes, int32_t count, int32_t sum) {
    __asm volatile("dlstp.8 lr, %2\n"
                   "1:\n"
                   "vldrb.u8 q0, [%0], #16\n"
                   "vaddva.s8 %1, q0\n"
                   "letp lr, 1b\n"
                   : "+&r"(codes), "+&Te"(sum)
                   : "r"(count)
                   : "lr", "d0", "d1", "cc", "memory");
    return sum;
}
#else
static inline int32_t sum_codes(const int8_t *codes, int32_t count, int32_t sum) {
    for (int32_t i = 0; i < count; ++i) {
        sum += codes[i];
    }
    return sum;
}
#endif

void fxp_average_pool_planes_to_s8_helium(
    const fxp_average_pool_planes_to_s8_helium_args *args, const void *input, void *output
) {
    const int8_t *plane = (const int8_t *)input + args->first;
    int8_t *out = output;

    for (int32_t channel = 0; channel < args->channels; ++channel) {
        out[channel] = fxp_requantize(sum_codes(plane, args->positions, args->bias), args->requantization);
        plane += args->plane_bytes;
    }
}
