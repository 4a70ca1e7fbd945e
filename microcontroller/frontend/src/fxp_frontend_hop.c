#include "fxp_frontend.h"
#include "fxp_frontend_steps.h"

#include <string.h>

enum { KEPT = FXP_FRONTEND_WINDOW_SAMPLES - FXP_FRONTEND_HOP_SAMPLES };

enum { BLOCK_BYTES = 5 * 32 };

static_assert(KEPT == FXP_FRONTEND_HOP_SAMPLES, "what is kept and what is new are halves of a window");
static_assert(KEPT * sizeof(int16_t) % BLOCK_BYTES == 0, "a half is made of blocks");

/* Both aligned to 4 bytes. */
static inline void copy_half(int16_t *to, const int16_t *from) {
#if defined(__ARM_FEATURE_DSP)
    const int16_t *const end = to + KEPT;
    __asm volatile(".syntax unified\n"
                   "1:\n"
                   "  .rept 5\n"
                   "  ldm %[from]!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"
                   "  stm %[to]!, {r4, r5, r6, r8, r10, r11, r12, lr}\n"
                   "  .endr\n"
                   "  cmp %[to], %[end]\n"
                   "  bne 1b\n"
                   : [to] "+&r"(to), [from] "+&r"(from)
                   : [end] "r"(end)
                   : "r4", "r5", "r6", "r8", "r10", "r11", "r12", "lr", "cc", "memory");
#else
    memcpy(to, from, KEPT * sizeof to[0]);
#endif
}

const int8_t *fxp_frontend_hop(fxp_frontend *state, const int16_t *samples, fxp_frontend_scratch *scratch) {
    alignas(8) int16_t logs[FXP_FRONTEND_MEL_BANDS];
    int8_t *const frame = state->frames[state->oldest];
    copy_half(state->samples, state->samples + KEPT);
    if ((uintptr_t)samples % alignof(uint32_t) == 0) {
        copy_half(state->samples + KEPT, samples);
    } else {
        memcpy(state->samples + KEPT, samples, KEPT * sizeof samples[0]);
    }
    const int32_t normalization =
        fxp_frontend_spectrum(state->samples, fxp_frontend_steps, scratch->work, scratch->bins);
    fxp_frontend_band_logs(scratch->bins, normalization, logs);
    fxp_frontend_codes(logs, frame);
    state->oldest = (uint16_t)(state->oldest + 1 < FXP_FRONTEND_FRAMES ? state->oldest + 1 : 0);
    return frame;
}
