/* Two positions of codes of seven bits as loops of outer products read them, for kernels of this folder. Names and
 * terms: docs/glossary.md. */
#ifndef FXP_COMBINED_POSITIONS_H
#define FXP_COMBINED_POSITIONS_H

#include "nn/dsp/fxp_dsp.h"

/* to  [channel] p0 + 2^14 p1, of so many words of both, a multiple of 2 */
static inline void fxp_combined_positions(const fxp_word *p0, const fxp_word *p1, fxp_word *to, int32_t words) {
    const uint32_t upper = 0x7fu << 14;
    int32_t i = 0;
#if defined(__ARM_FEATURE_DSP)
    /* The compiler forms neither LDM nor BFI of this. */
    for (; i < words - 3; i += 4) {
        __asm volatile(".rept 2\n"
                       "ldm %0!, {r4, r5}\n"
                       "ldm %1!, {r6, r8}\n"
                       "and r10, %3, r6, lsl #14\n"
                       "and r11, %3, r6, lsr #2\n"
                       "and r12, %3, r8, lsl #14\n"
                       "and lr, %3, r8, lsr #2\n"
                       "bfi r10, r4, #0, #7\n"
                       "orr r11, r11, r4, lsr #16\n"
                       "bfi r12, r5, #0, #7\n"
                       "orr lr, lr, r5, lsr #16\n"
                       "stm %2!, {r10, r11, r12, lr}\n"
                       ".endr\n"
                       : "+&r"(p0), "+&r"(p1), "+&r"(to)
                       : "r"(upper)
                       : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "memory");
    }
#endif
    for (; i < words; ++i) {
        const uint32_t a = *p0++;
        const uint32_t b = *p1++;
        *to++ = (b << 14 & upper) | (a & 0x7fu);
        *to++ = (b >> 2 & upper) | a >> 16;
    }
}

#endif
