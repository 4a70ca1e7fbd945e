#include "fxp_kws_state.h"

#include <string.h>

static void remember(fxp_kws_state *state, int32_t label) {
    fxp_kws_detection *const place = &state->heard[(state->oldest + state->queued) % FXP_KWS_QUEUE];
    place->label = label;
    place->posterior = state->detector.sums[label] / FXP_DETECTOR_WINDOW;
    place->step = state->steps;
    state->queued++;
}

static void step(fxp_kws_state *state, fxp_kws_working_memory *scratch) {
    fxp_stream_step(&state->network, state->frames, state->logits, scratch->network.bytes);
    state->steps++;
    const int32_t label = fxp_detector_step(&state->detector, state->logits);
    if (label != FXP_DETECTOR_NONE) {
        remember(state, label);
    }
}

static void hop(fxp_kws_state *state, fxp_kws_working_memory *scratch) {
    const int8_t *const frame = fxp_frontend_hop(&state->frontend, state->samples, &scratch->frontend);
    memcpy(state->frames + state->waiting_frames * FXP_STREAM_FRAME_BYTES, frame, FXP_STREAM_FRAME_BYTES);
    state->waiting_frames++;
    if (state->waiting_frames == FXP_STREAM_FRAMES) {
        state->waiting_frames = 0;
        step(state, scratch);
    }
}

size_t fxp_kws_push(fxp_kws *kws, const int16_t *samples, size_t count, fxp_kws_scratch *scratch) {
    fxp_kws_state *const state = fxp_kws_opened(kws);
    fxp_kws_working_memory *const working_memory = (fxp_kws_working_memory *)(void *)scratch->bytes;
    /* Bytes: the address may be odd, and then no sample is read where it lies. */
    const unsigned char *const bytes = (const unsigned char *)samples;
    size_t taken = 0;
    while (taken < count && state->queued < FXP_KWS_QUEUE) {
        const size_t room = (size_t)(FXP_FRONTEND_HOP_SAMPLES - state->waiting_samples);
        const size_t more = count - taken < room ? count - taken : room;
        memcpy(state->samples + state->waiting_samples, bytes + taken * sizeof samples[0], more * sizeof samples[0]);
        taken += more;
        state->waiting_samples = (uint16_t)(state->waiting_samples + more);
        if (state->waiting_samples == FXP_FRONTEND_HOP_SAMPLES) {
            state->waiting_samples = 0;
            hop(state, working_memory);
        }
    }
    return taken;
}
