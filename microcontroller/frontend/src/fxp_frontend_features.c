#include "fxp_frontend.h"

#include <string.h>

void fxp_frontend_features(const fxp_frontend *state, int8_t *features) {
    const size_t newer = (size_t)(FXP_FRONTEND_FRAMES - state->oldest) * FXP_FRONTEND_COEFFICIENTS;
    memcpy(features, state->frames[state->oldest], newer);
    memcpy(features + newer, state->frames, FXP_FRONTEND_FEATURE_BYTES - newer);
}
