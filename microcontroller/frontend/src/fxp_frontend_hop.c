#include "fxp_frontend.h"
#include "fxp_frontend_steps.h"

#include <string.h>

enum { KEPT = FXP_FRONTEND_WINDOW_SAMPLES - FXP_FRONTEND_HOP_SAMPLES };

/* Compilers copy it by several registers at once, where a library's memcpy may go word by word. */
typedef struct __attribute__((may_alias)) {
    uint32_t words[8];
} block;

static_assert(KEPT == FXP_FRONTEND_HOP_SAMPLES, "what is kept and what is new are halves of a window");
static_assert(KEPT * sizeof(int16_t) % sizeof(block) == 0, "a half is made of blocks");

static inline void copy_half(int16_t *to, const int16_t *from) {
    const block *next = (const void *)from;
    block *place = (void *)to;
    for (size_t i = 0; i < KEPT * sizeof(int16_t) / sizeof(block); ++i) {
        *place++ = *next++;
        /* Else a compiler finds that this is memcpy. */
        __asm volatile("" ::: "memory");
    }
}

const int8_t *fxp_frontend_hop(fxp_frontend *state, const int16_t *samples, fxp_frontend_scratch *scratch) {
    alignas(8) int16_t logs[FXP_FRONTEND_DCT_TAPS];
    int8_t *const frame = state->frames[state->oldest];
    copy_half(state->samples, state->samples + KEPT);
    if ((uintptr_t)samples % alignof(block) == 0) {
        copy_half(state->samples + KEPT, samples);
    } else {
        memcpy(state->samples + KEPT, samples, KEPT * sizeof samples[0]);
    }
    const int32_t normalization =
        fxp_frontend_spectrum(state->samples, fxp_frontend_steps, scratch->work, scratch->bins);
    memset(logs + FXP_FRONTEND_MEL_BANDS, 0, sizeof logs - FXP_FRONTEND_MEL_BANDS * sizeof logs[0]);
    fxp_frontend_band_logs(scratch->bins, normalization, logs);
    fxp_frontend_codes(logs, frame);
    state->oldest = (uint16_t)(state->oldest + 1 < FXP_FRONTEND_FRAMES ? state->oldest + 1 : 0);
    return frame;
}
