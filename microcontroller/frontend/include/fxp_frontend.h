/*
 * The front end: int16 PCM in, the network's int8 input out, one hop at a time, with integers only and without a heap.
 *
 *     static fxp_frontend state;
 *     static fxp_frontend_scratch scratch;
 *     fxp_frontend_init(&state);
 *     for (;;) {
 *         read FXP_FRONTEND_HOP_SAMPLES samples
 *         fxp_frontend_hop(&state, samples, &scratch);
 *         fxp_frontend_features(&state, features);
 *         fxp_model_invoke(features, ...);
 *     }
 *
 * After every hop the state holds the features of the last FXP_FRONTEND_FRAMES frames of the stream, which digital
 * silence is taken to precede: code by code what export/frontend/cepstrum.py computes of the last
 * (FXP_FRONTEND_FRAMES - 1) * FXP_FRONTEND_HOP_SAMPLES + FXP_FRONTEND_WINDOW_SAMPLES samples.
 *
 * A frame is complete when its last sample is there: with frames of two hops, hop h (from 0) completes frame h - 1 of
 * the stream, and hop 0 a frame of which the first half lies before the stream.
 *
 * The bundle's c/ folder has the parameters (fxp_frontend_config.h) and the tables (fxp_frontend_tables.c). The
 * functions share nothing but const tables: each state may be used from another thread.
 */
#ifndef FXP_FRONTEND_H
#define FXP_FRONTEND_H

#include "fxp_frontend_config.h"

#include <stdalign.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Codes [frames][coefficients]: FXP_MODEL_INPUT_BYTES of the network. */
#define FXP_FRONTEND_FEATURE_BYTES (FXP_FRONTEND_FRAMES * FXP_FRONTEND_COEFFICIENTS)

/* What is kept from hop to hop. */
typedef struct {
    alignas(8) int16_t samples[FXP_FRONTEND_WINDOW_SAMPLES]; /* the last ones of the stream */
    int8_t frames[FXP_FRONTEND_FRAMES][FXP_FRONTEND_COEFFICIENTS];
    uint16_t oldest; /* row of frames */
} fxp_frontend;

/* Needed during a hop only: the memory may serve something else in between, such as the network. */
typedef struct {
    alignas(8) int32_t work[FXP_FRONTEND_FFT_LENGTH];
    int32_t bins[FXP_FRONTEND_FFT_LENGTH + 2]; /* real and imaginary part of each */
} fxp_frontend_scratch;

/* Before the first hop: as after digital silence. */
void fxp_frontend_init(fxp_frontend *state);

/*
 * Takes the next FXP_FRONTEND_HOP_SAMPLES samples. Returns the frame that they complete, FXP_FRONTEND_COEFFICIENTS
 * codes, which is valid until FXP_FRONTEND_FRAMES hops later.
 */
const int8_t *fxp_frontend_hop(fxp_frontend *state, const int16_t *samples, fxp_frontend_scratch *scratch);

/* Writes the features, oldest frame first: codes [FXP_FRONTEND_FRAMES][FXP_FRONTEND_COEFFICIENTS]. */
void fxp_frontend_features(const fxp_frontend *state, int8_t *features);

#ifdef __cplusplus
}
#endif

#endif
