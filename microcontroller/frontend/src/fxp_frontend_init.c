#include "fxp_frontend.h"
#include "fxp_frontend_steps.h"

#include <string.h>

void fxp_frontend_init(fxp_frontend *state) {
    alignas(8) const int16_t silence[FXP_FRONTEND_MEL_BANDS] = {0};
    memset(state, 0, sizeof *state);
    fxp_frontend_codes(silence, state->frames[0]);
    for (int32_t i = 1; i < FXP_FRONTEND_FRAMES; ++i) {
        memcpy(state->frames[i], state->frames[0], sizeof state->frames[i]);
    }
}
