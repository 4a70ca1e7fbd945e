#include "fxp_frontend.h"
#include "fxp_frontend_steps.h"

#include <string.h>

enum { KEPT = FXP_FRONTEND_WINDOW_SAMPLES - FXP_FRONTEND_HOP_SAMPLES };

const int8_t *fxp_frontend_hop(fxp_frontend *state, const int16_t *samples, fxp_frontend_scratch *scratch) {
    int16_t logs[FXP_FRONTEND_MEL_BANDS];
    int8_t *const frame = state->frames[state->oldest];
    memmove(state->samples, state->samples + FXP_FRONTEND_HOP_SAMPLES, KEPT * sizeof samples[0]);
    memcpy(state->samples + KEPT, samples, FXP_FRONTEND_HOP_SAMPLES * sizeof samples[0]);
    const int32_t normalization =
        fxp_frontend_spectrum(state->samples, fxp_frontend_steps, scratch->work, scratch->bins);
    fxp_frontend_band_logs(scratch->bins, normalization, logs);
    fxp_frontend_codes(logs, frame);
    state->oldest = (uint16_t)(state->oldest + 1 < FXP_FRONTEND_FRAMES ? state->oldest + 1 : 0);
    return frame;
}
