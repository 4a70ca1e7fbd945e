/* Copies of positions, for kernels of this folder. Names and terms: docs/glossary.md. */
#ifndef FXP_COPIED_WORDS_H
#define FXP_COPIED_WORDS_H

#include "nn/dsp/fxp_dsp.h"

/* From the first word to the last one: the target may begin before the source. */
static inline void fxp_copied_words(const fxp_word *from, fxp_word *to, int32_t words) {
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    /* The compiler forms no LDM and STM of eight. */
    for (; i < words - 7; i += 8) {
        __asm volatile("ldm %0!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"
                       "stm %1!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"
                       : "+r"(from), "+r"(to)
                       :
                       : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "memory");
    }
#endif
    for (; i < words; ++i) {
        *to++ = *from++;
    }
}

#endif
