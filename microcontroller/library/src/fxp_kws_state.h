/*
 * What the library keeps in the caller's memory, and what its scratch memory is used for. The public header, fxp_kws.h,
 * is generated for a bundle (export/packaging/public_header.py): it says how large both are, and hides what is in them.
 */
#ifndef FXP_KWS_STATE_H
#define FXP_KWS_STATE_H

#include "fxp_detector.h"
#include "fxp_frontend.h"
#include "fxp_kws.h"
#include "fxp_stream_model.h"

#include <assert.h>
#include <stdalign.h>

typedef struct {
    fxp_frontend frontend;
    fxp_stream_state network;
    fxp_detector detector;
    fxp_kws_detection heard[FXP_KWS_QUEUE]; /* a ring */
    uint32_t steps;
    alignas(4) int16_t samples[FXP_FRONTEND_HOP_SAMPLES]; /* of the hop that is not complete */
    uint16_t waiting_samples;
    uint8_t waiting_frames; /* of the step that is not complete */
    uint8_t oldest;         /* of heard */
    uint8_t queued;
    int8_t frames[FXP_STREAM_INPUT_BYTES];
    int8_t logits[FXP_STREAM_OUTPUT_BYTES]; /* of the last step */
} fxp_kws_state;

/* Front end and network take turns. */
typedef union {
    fxp_frontend_scratch frontend;
    fxp_stream_arena network;
} fxp_kws_working_memory;

static_assert(FXP_STREAM_FRAME_BYTES == FXP_FRONTEND_COEFFICIENTS, "the network takes other frames");
static_assert(FXP_STREAM_LABELS == FXP_DETECTOR_CLASSES, "the detector takes other logits");
static_assert(FXP_STREAM_FRAMES <= UINT8_MAX, "waiting frames are counted in a byte");
static_assert(FXP_STREAM_STEPS == 1, "a call gives more than one row of logits");
static_assert(FXP_KWS_LABELS == FXP_STREAM_LABELS, "fxp_kws.h is of another model");
static_assert(FXP_KWS_STEP_SAMPLES == FXP_STREAM_FRAMES * FXP_FRONTEND_HOP_SAMPLES, "fxp_kws.h is of another model");
static_assert(sizeof(fxp_kws_state) == FXP_KWS_STATE_BYTES, "fxp_kws.h gives the state another size");
static_assert(sizeof(fxp_kws_working_memory) == FXP_KWS_SCRATCH_BYTES, "fxp_kws.h gives the scratch another size");
static_assert(alignof(fxp_kws_state) <= FXP_KWS_MEMORY_ALIGNMENT, "the caller's memory is not aligned enough");
static_assert(alignof(fxp_kws_working_memory) <= FXP_KWS_MEMORY_ALIGNMENT, "the caller's memory is not aligned enough");

static inline fxp_kws_state *fxp_kws_opened(fxp_kws *kws) {
    return (fxp_kws_state *)(void *)kws->bytes;
}

static inline const fxp_kws_state *fxp_kws_read(const fxp_kws *kws) {
    return (const fxp_kws_state *)(const void *)kws->bytes;
}

#endif
