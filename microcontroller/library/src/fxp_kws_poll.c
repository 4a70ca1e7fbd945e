#include "fxp_kws_state.h"

bool fxp_kws_poll(fxp_kws *kws, fxp_kws_detection *detection) {
    fxp_kws_state *const state = fxp_kws_opened(kws);
    if (state->queued == 0) {
        return false;
    }
    *detection = state->heard[state->oldest];
    state->oldest = (uint8_t)((state->oldest + 1) % FXP_KWS_QUEUE);
    state->queued--;
    return true;
}
