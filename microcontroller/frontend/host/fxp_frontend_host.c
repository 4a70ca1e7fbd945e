/* What a front end shows to a foreign-function binding on the host, where its macros can't be seen. */
#include "fxp_frontend.h"
#include "fxp_frontend_steps.h"

#include <string.h>

const char *fxp_host_config_sha256(void);
void fxp_host_shape(uint32_t shape[5]);
void fxp_host_init(fxp_frontend *state);
void fxp_host_hops(
    fxp_frontend *state, const int16_t *samples, uint32_t hops, int8_t *frames, fxp_frontend_scratch *scratch
);
void fxp_host_features(const fxp_frontend *state, int8_t *features);
void fxp_host_clips(const int16_t *samples, uint32_t clips, uint32_t hops, int8_t *features);
int32_t fxp_host_spectrum(const int16_t *samples, const void *steps, int32_t *bins);

const char *fxp_host_config_sha256(void) {
    return FXP_FRONTEND_CONFIG_SHA256;
}

void fxp_host_shape(uint32_t shape[5]) {
    shape[0] = FXP_FRONTEND_HOP_SAMPLES;
    shape[1] = FXP_FRONTEND_COEFFICIENTS;
    shape[2] = FXP_FRONTEND_FRAMES;
    shape[3] = sizeof(fxp_frontend);
    shape[4] = sizeof(fxp_frontend_scratch);
}

void fxp_host_init(fxp_frontend *state) {
    fxp_frontend_init(state);
}

/* samples [hops][FXP_FRONTEND_HOP_SAMPLES], frames [hops][FXP_FRONTEND_COEFFICIENTS] */
void fxp_host_hops(
    fxp_frontend *state, const int16_t *samples, uint32_t hops, int8_t *frames, fxp_frontend_scratch *scratch
) {
    for (uint32_t hop = 0; hop < hops; ++hop) {
        memcpy(frames, fxp_frontend_hop(state, samples, scratch), FXP_FRONTEND_COEFFICIENTS);
        samples += FXP_FRONTEND_HOP_SAMPLES;
        frames += FXP_FRONTEND_COEFFICIENTS;
    }
}

void fxp_host_features(const fxp_frontend *state, int8_t *features) {
    fxp_frontend_features(state, features);
}

/* samples [clips][hops][FXP_FRONTEND_HOP_SAMPLES], features [clips][FXP_FRONTEND_FEATURE_BYTES] */
void fxp_host_clips(const int16_t *samples, uint32_t clips, uint32_t hops, int8_t *features) {
    fxp_frontend state;
    fxp_frontend_scratch scratch;
    for (uint32_t clip = 0; clip < clips; ++clip) {
        fxp_frontend_init(&state);
        for (uint32_t hop = 0; hop < hops; ++hop) {
            (void)fxp_frontend_hop(&state, samples, &scratch);
            samples += FXP_FRONTEND_HOP_SAMPLES;
        }
        fxp_frontend_features(&state, features);
        features += FXP_FRONTEND_FEATURE_BYTES;
    }
}

/* steps fxp_frontend_step [FXP_FRONTEND_PAIRS / 4], bins [FXP_FRONTEND_FFT_LENGTH / 2 + 1][2]; returns the normalization */
int32_t fxp_host_spectrum(const int16_t *samples, const void *steps, int32_t *bins) {
    int32_t work[FXP_FRONTEND_FFT_LENGTH];
    return fxp_frontend_spectrum(samples, steps, work, bins);
}
