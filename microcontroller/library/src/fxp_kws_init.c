#include "fxp_kws_state.h"

#include <string.h>

void fxp_kws_init(fxp_kws *kws) {
    fxp_kws_state *const state = fxp_kws_opened(kws);
    memset(state, 0, sizeof *state);
    fxp_frontend_init(&state->frontend);
    fxp_stream_init(&state->network);
    fxp_detector_init(&state->detector);
}
