/* Two positions of int16 activations as the inner loops of matrix products read them, for kernels of this folder. Names
 * and terms: docs/glossary.md. */
#ifndef FXP_POSITION_PAIR_S16_H
#define FXP_POSITION_PAIR_S16_H

#include "nn/dsp/fxp_dsp.h"

/* to  [words]{ a | b } */
static inline void fxp_position_pair_s16(const fxp_word *a, const fxp_word *b, fxp_word *to, int32_t words) {
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    /* The compiler forms no LDM and STM of interleaved registers. */
    for (; i < words - 3; i += 4) {
        __asm volatile("ldm %0!, {r4, r6, r10, r12}\n"
                       "ldm %1!, {r5, r8, r11, lr}\n"
                       "stm %2!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"
                       : "+r"(a), "+r"(b), "+r"(to)
                       :
                       : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "memory");
    }
#endif
    for (; i < words; ++i) {
        *to++ = *a++;
        *to++ = *b++;
    }
}

#endif
